import { EventLoop, getRunningLoop, run, sleep, timeout } from 'asyncio-ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

const DAY = 86_400;

describeBoth('a negative delay', (s) => {
  test(
    'is no delay: one iteration for sleep, and a timer that is due',
    program(s, function* () {
      const trace: string[] = [];
      const loop = getRunningLoop();
      loop.callLater(-60, () => trace.push('later'));
      loop.callAt(-60, () => trace.push('at'));
      yield* s.wait(sleep(-1));
      trace.push('slept');
      yield* s.wait(sleep({ hours: -1 }));
      expect(trace).toEqual(['slept', 'later', 'at']);
      expect(loop.time()).toBe(0);
    }),
  );
});

describeBoth('an absurdly long delay', (s) => {
  // The runtime's own timers, on a simulated clock: they overflow after 24.8 days.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  for (const days of [24, 25, 100, 3_650]) {
    test(`of ${days} days is waited for on the runtime's timers`, async () => {
      const main = s.fn(function* () {
        const begin = getRunningLoop().time();
        yield* s.wait(sleep({ days }));
        return getRunningLoop().time() - begin;
      });
      let slept: number | undefined;
      const over = run(main, { loopFactory: () => new EventLoop() }).then((seconds) => {
        slept = seconds;
      });
      await vi.advanceTimersByTimeAsync((days - 1) * DAY * 1_000);
      expect(slept).toBe(undefined);
      await vi.advanceTimersByTimeAsync(DAY * 1_000 + 1);
      await over;
      expect(slept).toBeCloseTo(days * DAY, 0);
    });
  }

  test('of Infinity never ends, and can be cancelled', async () => {
    const main = s.fn(function* () {
      const body = s.fn(function* () {
        yield* s.wait(sleep(Number.POSITIVE_INFINITY));
      });
      yield* s.wait(timeout({ days: 1_000 }, body));
    });
    const over = expect(run(main, { loopFactory: () => new EventLoop() })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await vi.advanceTimersByTimeAsync(1_001 * DAY * 1_000);
    await over;
  });
});
