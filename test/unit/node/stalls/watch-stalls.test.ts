import { run, sleep, timeout, wrapPromise } from 'asyncio-ts';
import { type Stall, watchStalls } from 'asyncio-ts/node';
import { describe, expect, test } from 'vitest';
import { logger } from '../../../../src/kernel/lowlevel.ts';
import { realProgram } from '../../../support/real-programs.ts';
import { describeBoth } from '../../../support/spellings.ts';

/** Real time is what this is about: a stall is a thread that computes. */
function spin(seconds: number): void {
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) JSON.parse('[1]');
}

describeBoth('watchStalls()', (s) => {
  test(
    'tells which task has blocked the thread, in which function, and for how long',
    { timeout: 20_000 },
    realProgram(s, function* () {
      const told = Promise.withResolvers<Stall>();
      using watch = watchStalls({ threshold: 0.2, onStall: (stall) => stall.stack !== null && told.resolve(stall) });
      yield* s.wait(wrapPromise(watch.ready));
      spin(2);
      const stall: Stall = yield* s.wait(timeout(15, () => told.promise));
      expect(stall.seconds).toBeGreaterThan(0.3);
      expect(stall.seconds).toBeLessThan(20);
      expect(stall.stack?.[0]).toMatchObject({ name: 'spin', kind: 'function' });
      expect(stall.stack?.[0]?.file).toMatch(/watch-stalls\.test\.ts$/);
      expect(stall.task).toMatch(/#\d+$|^Task-\d+$/);
    }),
  );

  test(
    'tells without a stack for how long, when none is wanted',
    realProgram(s, function* () {
      const told = Promise.withResolvers<Stall>();
      using _watch = watchStalls({ threshold: { milliseconds: 50 }, stacks: false, onStall: told.resolve });
      yield* s.wait(sleep(0.01));
      spin(0.2);
      const stall: Stall = yield* s.wait(timeout(15, () => told.promise));
      expect(stall).toMatchObject({ task: null, stack: null });
      expect(stall.seconds).toBeGreaterThan(0.1);
    }),
  );

  test(
    'says nothing of a program that waits, and nothing once it is closed',
    realProgram(s, function* () {
      const told: Stall[] = [];
      const watch = watchStalls({ threshold: 1, stacks: false, onStall: (stall) => told.push(stall) });
      yield* s.wait(sleep(0.3));
      watch.close();
      watch.close();
      expect(told).toEqual([]);
    }),
  );
});

describe('watchStalls()', () => {
  test('finds the task also where the innermost frame hides the globals', { timeout: 20_000 }, async () => {
    const told = Promise.withResolvers<Stall>();
    using watch = watchStalls({
      threshold: 0.2,
      onStall: (stall) => stall.stack?.[0]?.name === 'shadowing' && told.resolve(stall),
    });
    await watch.ready;
    await run(
      async () => {
        // biome-ignore lint/suspicious/noShadowRestrictedNames: this is what the test is about
        (function shadowing(globalThis: number, Symbol: number) {
          const end = performance.now() + 2_000;
          let sum = globalThis + Symbol;
          while (sum < 0 || performance.now() < end) for (let i = 0; i < 1e6; i++) sum += i;
        })(1, 2);
        expect((await told.promise).task).toBe('Main');
      },
      { name: 'Main' },
    );
  });

  test('goes on when what is told of a stall throws', async () => {
    const errors: unknown[] = [];
    const told = Promise.withResolvers<void>();
    const before = logger.error;
    logger.error = (...data) => errors.push(data[0]);
    let count = 0;
    using _watch = watchStalls({
      threshold: 0.02,
      stacks: false,
      onStall() {
        if (++count === 2) told.resolve();
        throw new Error('broken instrument');
      },
    });
    try {
      const block = (): void => spin(0.1);
      const timers = [setTimeout(block, 30), setTimeout(block, 300)];
      await told.promise;
      for (const timer of timers) clearTimeout(timer);
      expect(errors[0]).toBe('watchStalls(): onStall has thrown');
    } finally {
      logger.error = before;
    }
  });

  test('refuses thresholds that cannot be kept, and options that it does not have', () => {
    for (const threshold of [0, -1, 0.001, Number.NaN]) {
      expect(() => watchStalls({ threshold })).toThrow(expect.objectContaining({ name: 'ValueError' }));
    }
    expect(() => watchStalls({ treshold: 1 } as never)).toThrow(/treshold/);
    expect(() => watchStalls({ onStall: 'x' as never })).toThrow(TypeError);
  });
});
