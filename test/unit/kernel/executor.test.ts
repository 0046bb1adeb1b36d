import { CancelledError, createTask, type ExceptionContext, type Executor, getRunningLoop, sleep } from 'asyncio-ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { provideDefaultExecutor } from '../../../src/internal/default-executor.ts';
import { LoopExecutor } from '../../../src/kernel/executor.ts';
import { failure, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describe('the executor of a loop for which none was set', () => {
  const provide = (make: Parameters<typeof provideDefaultExecutor>[0]) => {
    const before = provideDefaultExecutor(make);
    onTestFinished(() => {
      provideDefaultExecutor(before);
    });
  };

  test('is the one that the runtime provides, made once, at the first job', async () => {
    const made: string[] = [];
    provide(() => {
      made.push('made');
      return { submit: (fn, ...args) => Promise.resolve(fn(...args)), shutdown: () => void made.push('shut down') };
    });
    const executor = new LoopExecutor();
    expect([made, String(executor)]).toEqual([[], '<LoopExecutor unused>']);
    expect(await executor.submit((a: number, b: number) => a + b, 1, 2)).toBe(3);
    expect(await executor.submit(async () => 'later')).toBe('later');
    executor.shutdown();
    expect(made).toEqual(['made', 'shut down']);
  });

  test('throws when the runtime provides none, and says what to write', () => {
    provide(null);
    function work() {}
    expect(() => new LoopExecutor().submit(work)).toThrow(
      expect.objectContaining({
        name: 'RuntimeError',
        code: 'NO_EXECUTOR',
        message: expect.stringMatching(
          /^there is no thread for work\(\): .*import 'asyncio-ts\/node'.*setDefaultExecutor\(/,
        ),
      }),
    );
  });

  test('has nothing to shut down when it was not used', () => {
    expect(new LoopExecutor().shutdown()).toBeUndefined();
  });

  test('is tried again when it could not be made', async () => {
    let failures = 1;
    provide(() => {
      if (failures-- > 0) throw new Error('not now');
      return { submit: (fn, ...args) => Promise.resolve(fn(...args)) };
    });
    const executor = new LoopExecutor();
    expect(() => executor.submit(() => 1)).toThrow('not now');
    expect(await executor.submit(() => 1)).toBe(1);
  });
});

describeBoth('runInExecutor', (s) => {
  /** An executor that does nothing, and notes which jobs it is asked to drop. */
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

  test('informs the executor when the wait is cancelled', async () => {
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

  test('does not inform it when the job is done, and needs no cancel()', async () => {
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

  test('reports an error of cancel() of the job, and cancels the wait all the same', async () => {
    const error = new Error('cannot drop it');
    const executor: Executor = {
      submit: <A extends unknown[], R>(_fn: (...args: A) => R, ..._args: A) =>
        Object.assign(Promise.withResolvers<Awaited<R>>().promise, {
          cancel: () => {
            throw error;
          },
        }),
    };
    const main = s.fn(function* () {
      const reports: ExceptionContext[] = [];
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      const future = getRunningLoop().runInExecutor(executor, () => 1);
      yield* s.wait(sleep(0));
      return [future.cancel(), future.cancelled(), reports];
    });
    const report = expect.objectContaining({ message: "Exception in cancel() of an executor's job", exception: error });
    expect((await runVirtually(main)).result).toEqual([true, true, [report]]);
  });

  test('throws when submit() of the executor returns no promise', async () => {
    const executor = { submit: () => 42 };
    const main = s.fn(function* () {
      yield* s.wait(sleep(0));
      const loop = getRunningLoop();
      return thrownBy(() => loop.runInExecutor(executor as never, () => 1));
    });
    expect((await runVirtually(main)).result).toMatchObject({
      message: 'submit() of an executor must return a promise, got 42',
      code: 'NOT_AWAITABLE',
    });
  });
});
