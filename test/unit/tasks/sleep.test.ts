import { currentTask, sleep, ValueError } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { manualLoop } from '../../support/loops.ts';
import { failure } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describeBoth('sleep', (s) => {
  test('takes as long as it says, and gives the result that it was given', async () => {
    const main = s.fn(function* () {
      return [yield* s.wait(sleep(3600, 'slept')), yield* s.wait(sleep({ minutes: 1 }))];
    });
    expect(await runVirtually(main)).toEqual({ result: ['slept', undefined], seconds: 3660 });
  });

  test('is lazy: it begins when it is awaited', async () => {
    const main = s.fn(function* () {
      const naps = [sleep(1), sleep(1)];
      yield* s.wait(sleep(5));
      for (const nap of naps) yield* s.wait(nap);
    });
    expect((await runVirtually(main)).seconds).toBe(7);
  });

  test.each([
    ['sleep(0)', () => sleep(0)],
    ['sleep(0, result)', () => sleep(0, 'result')],
    ['sleep(1)', () => sleep(1)],
  ])('can be awaited once: %s', async (_what, make) => {
    const main = s.fn(function* () {
      const nap = make();
      yield* s.wait(nap);
      return yield* failure(s, nap);
    });
    expect((await runVirtually(main)).result).toMatchObject({ name: 'RuntimeError', code: 'COROUTINE_REUSED' });
  });

  test('runs in the awaiting task', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      yield* s.wait(sleep(10));
    });
    const task = loop.createTask(main);
    await iterate();
    expect([...loop._tasks()].map((each) => each === task)).toEqual([true]);
    expect(currentTask()).toBe(null);
  });

  test('drops its timer when it is cancelled', async () => {
    const { loop, host, iterate } = manualLoop();
    const main = s.fn(function* () {
      yield* s.wait(sleep(10));
    });
    const task = loop.createTask(main);
    await iterate();
    expect(host.wantedAt).toBe(10);
    task.cancel();
    await iterate();
    expect([task.cancelled(), host.wantedAt]).toEqual([true, null]);
  });

  test('refuses a value that is not a duration, at once', () => {
    expect(() => sleep(Number.NaN)).toThrow(ValueError);
    expect(() => sleep('1' as never)).toThrow(TypeError);
  });
});
