import {
  CancelledError,
  type Coroutine,
  type CoroutineObject,
  coroutine,
  createTask,
  gather,
  getRunningLoop,
  sleep,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

describeBoth('100,000 tasks', (s) => {
  test(
    'run side by side: half of them end, half of them are cancelled',
    program(s, function* () {
      const body = s.fn(function* () {
        yield* s.wait(sleep(1));
      });
      const tasks = Array.from({ length: 100_000 }, () => createTask(body));
      yield* iterations(s, 1);
      for (const [i, task] of tasks.entries()) if (i % 2 === 0) task.cancel();
      yield* s.wait(gather(tasks, { returnExceptions: true }));
      expect(tasks.filter((task) => task.cancelled()).length).toBe(50_000);
      expect(getRunningLoop().time()).toBe(1);
    }),
    30_000,
  );
});

describeBoth('10,000 nested coroutines of coroutine()', (s) => {
  /** Awaits itself until it is deep enough, and then what it is given. */
  function nesting(s: Spelling, bottom: () => unknown) {
    const level: (depth: number) => CoroutineObject<unknown> = coroutine(
      s.fn(function* (depth: number): Generator<unknown, unknown, unknown> {
        return yield* s.wait(depth > 1 ? level(depth - 1) : bottom());
      }),
    );
    return level(10_000);
  }

  test(
    'give a result through all of them',
    program(s, function* () {
      expect(yield* s.wait(nesting(s, () => sleep(1, 'from the bottom')))).toBe('from the bottom');
    }),
  );

  test(
    'are resumed at the bottom, however often',
    program(s, function* () {
      const bottom = coroutine(
        s.fn(function* () {
          yield* iterations(s, 1_000);
          return 'from the bottom';
        }),
      );
      expect(yield* s.wait(nesting(s, bottom))).toBe('from the bottom');
    }),
  );

  test(
    'pass an error on through all of them',
    program(s, function* () {
      const error = new Error('from the bottom');
      const bottom = coroutine(
        s.fn(function* () {
          yield* s.wait(sleep(1));
          throw error;
        }),
      );
      expect(yield* failure(s, nesting(s, bottom))).toBe(error);
    }),
  );

  test(
    'are cancelled at the bottom',
    program(s, function* () {
      const task = createTask(nesting(s, () => sleep(60)));
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );
});

describe('raw yield* without coroutine()', () => {
  function* nest(depth: number): Coroutine<string> {
    if (depth > 0) return yield* nest(depth - 1);
    return yield* sleep(1, 'from the bottom');
  }

  test('goes 1,000 levels deep', async () => {
    expect(await runVirtually(nest(1_000))).toEqual({ result: 'from the bottom', seconds: 1 });
  });

  test("is limited by the engine's stack: the task fails with a RangeError, and the loop keeps running", async () => {
    const main = async () => {
      const task = createTask(nest(1_000_000));
      await expect(task).rejects.toBeInstanceOf(RangeError);
      return await sleep(1, 'went on');
    };
    expect(await runVirtually(main)).toEqual({ result: 'went on', seconds: 1 });
  });
});
