import { CancelledError, createTask, type Executor, getRunningLoop, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { SameThreadExecutor } from '../../../src/kernel/executor.ts';
import { failure } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describe('the executor of a loop that was given none', () => {
  test('calls functions behind what is under way, each in a turn of its own', async () => {
    const executor = new SameThreadExecutor();
    const trace: string[] = [];
    const work = (name: string) => {
      trace.push(name);
      Promise.resolve().then(() => trace.push(`microtask of ${name}`));
      return name;
    };
    const results = [executor.submit(work, 'first'), executor.submit(work, 'second')];
    Promise.resolve().then(() => trace.push('microtask'));
    expect(await Promise.all(results)).toEqual(['first', 'second']);
    expect(trace).toEqual(['microtask', 'first', 'microtask of first', 'second', 'microtask of second']);
  });

  test('passes arguments, results of promises and errors on', async () => {
    const executor = new SameThreadExecutor();
    const error = new Error('no');
    expect(await executor.submit((a: number, b: number) => a + b, 1, 2)).toBe(3);
    expect(await executor.submit(async () => 'later')).toBe('later');
    await expect(
      executor.submit(() => {
        throw error;
      }),
    ).rejects.toBe(error);
  });

  test('is shut down when all that was submitted is done, failed or not', async () => {
    const executor = new SameThreadExecutor();
    const trace: string[] = [];
    executor.submit(() => trace.push('done'));
    const failed = executor.submit(() => {
      trace.push('failed');
      throw new Error('no');
    });
    await executor.shutdown();
    expect(trace).toEqual(['done', 'failed']);
    await expect(failed).rejects.toThrow('no');
  });
});

describeBoth('runInExecutor', (s) => {
  /** An executor that does nothing, and notes which jobs it is told to drop. */
  function idleExecutor() {
    const dropped: unknown[] = [];
    const executor: Executor = {
      submit: <A extends unknown[], R>(_fn: (...args: A) => R, ...args: A) => {
        const never = Promise.withResolvers<Awaited<R>>().promise;
        return Object.assign(never, { cancel: () => dropped.push(args) });
      },
    };
    return { executor, dropped };
  }

  test('tells the executor when the wait is cancelled', async () => {
    const { executor, dropped } = idleExecutor();
    const main = s.fn(function* () {
      const task = createTask(
        s.fn(function* () {
          return yield* s.wait(getRunningLoop().runInExecutor(executor, (n: number) => n, 42));
        }),
      );
      yield* s.wait(sleep(0));
      task.cancel();
      return yield* failure(s, task);
    });
    expect((await runVirtually(main)).result).toBeInstanceOf(CancelledError);
    expect(dropped).toEqual([[42]]);
  });

  test('tells it nothing when the job is done, and needs no cancel()', async () => {
    const executor: Executor = { submit: (fn, ...args) => Promise.resolve(fn(...args)) };
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const done = loop.runInExecutor(executor, (n: number) => n, 42);
      const result = yield* s.wait(done);
      const cancelled = loop.runInExecutor(executor, () => 1);
      return [result, done.cancel(), cancelled.cancel()];
    });
    expect((await runVirtually(main)).result).toEqual([42, false, true]);
  });
});
