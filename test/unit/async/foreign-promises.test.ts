import timers from 'node:timers/promises';
import {
  CancelledError,
  ContextVar,
  coroutine,
  createTask,
  currentSignal,
  currentTask,
  Future,
  gather,
  getRunningLoop,
  sleep,
  wait,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../support/gc.ts';
import { runVirtually } from '../../support/spellings.ts';

/** A promise that this library knows nothing of, settled by hand. */
function foreign<T = void>() {
  return Promise.withResolvers<T>();
}

/** Waits until the microtask queue is empty, by a promise that is none of the library's. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a task that waits for a foreign promise', () => {
  test('does not keep other tasks from running', async () => {
    const main = async () => {
      const { promise, resolve } = foreign<string>();
      const waiting = createTask(async () => await promise);
      const steps = createTask(async () => {
        for (let i = 0; i < 10; i++) await sleep(0);
        await sleep(5);
        resolve('settled');
        return 'stepped';
      });
      return await gather(waiting, steps);
    };
    expect(await runVirtually(main)).toEqual({ result: ['settled', 'stepped'], seconds: 5 });
  });

  test('does not keep timers, callbacks and the task that waits for it from running', async () => {
    const trace: string[] = [];
    const main = async () => {
      const { promise, resolve } = foreign();
      const waiting = createTask(async () => {
        await promise;
        trace.push('settled');
        return 'result';
      });
      const loop = getRunningLoop();
      loop.callSoon(() => trace.push('soon'));
      loop.callLater(1, () => trace.push('later'));
      loop.callLater(2, resolve);
      return await waiting;
    };
    expect(await runVirtually(main)).toEqual({ result: 'result', seconds: 2 });
    expect(trace).toEqual(['soon', 'later', 'settled']);
  });

  test('is the current task again afterwards, in its context, on its loop', async () => {
    const variable = new ContextVar<string>('variable');
    const body = async (name: string) => {
      variable.set(name);
      const [task, loop] = [currentTask(), getRunningLoop()];
      for (let i = 0; i < 3; i++) {
        await macrotask();
        expect(currentTask() === task).toBe(true);
        expect(getRunningLoop()).toBe(loop);
        expect(variable.get()).toBe(name);
        await sleep(1);
      }
      return currentTask()!.getName();
    };
    const main = async () =>
      await gather(
        createTask(() => body('a'), { name: 'a' }),
        createTask(() => body('b'), { name: 'b' }),
      );
    expect(await runVirtually(main)).toEqual({ result: ['a', 'b'], seconds: 3 });
  });

  test('is the current task again also while the step of another task is open', async () => {
    const trace: string[] = [];
    const note = (what: string) => trace.push(`${currentTask()!.getName()} ${what}`);
    const { promise, resolve } = foreign();
    const detached = async () => {
      await promise;
      note('is back');
      await sleep(0);
      note('goes on');
    };
    const open = async () => {
      await sleep(1);
      note('resolves');
      resolve();
      for (let i = 0; i < 5; i++) await null; // its step stays open: the other one comes back meanwhile
      note('is still current');
      await sleep(0);
      note('goes on');
    };
    const main = async () => {
      await gather(createTask(detached, { name: 'detached' }), createTask(open, { name: 'open' }));
    };
    await runVirtually(main);
    expect(trace.slice(0, 3)).toEqual(['open resolves', 'detached is back', 'open is still current']);
    expect(trace.slice(3).toSorted()).toEqual(['detached goes on', 'open goes on']);
  });

  test('can then wait for everything of this library', async () => {
    const lazyGenerator = coroutine(function* () {
      yield* sleep(1);
      return currentTask()!.getName();
    });
    const lazyAsync = coroutine(async () => {
      await macrotask();
      await sleep(1);
      return currentTask()!.getName();
    });
    const main = async () => {
      const done = new Future<string>();
      done.setResult('done');
      const results: unknown[] = [];
      for (const make of [
        () => done,
        () => sleep(1, 'slept'),
        lazyGenerator,
        lazyAsync,
        () => createTask(sleep(1, 'task')),
      ]) {
        await macrotask();
        results.push(await make());
      }
      return results;
    };
    const { result, seconds } = await runVirtually(main, { name: 'main' });
    expect(result).toEqual(['done', 'slept', 'main', 'main', 'task']);
    expect(seconds).toBe(4);
  });

  test('can end right behind it, with a result or an error', async () => {
    const error = new Error('right behind');
    const main = async () => {
      const returning = createTask(async () => {
        await macrotask();
        return 'result';
      });
      const throwing = createTask(async () => {
        await macrotask();
        throw error;
      });
      return await gather([returning, throwing], { returnExceptions: true });
    };
    expect(await runVirtually(main)).toMatchObject({ result: ['result', error] });
  });

  test('may be the main task', async () => {
    const main = async () => {
      await macrotask();
      await macrotask();
      return 'result';
    };
    expect(await runVirtually(main)).toMatchObject({ result: 'result' });
  });

  test('may be a generator coroutine, by an async function that it awaits', async () => {
    const inner = coroutine(async () => {
      await macrotask();
      return currentTask()!.getName();
    });
    function* main() {
      const name = yield* inner();
      yield* sleep(1);
      return [name, currentTask()!.getName()];
    }
    expect(await runVirtually(main, { name: 'main' })).toEqual({ result: ['main', 'main'], seconds: 1 });
  });

  test('is one of a thousand that are woken by one promise', async () => {
    const main = async () => {
      const { promise, resolve } = foreign();
      const tasks = Array.from({ length: 1_000 }, (_, i) =>
        createTask(
          async () => {
            await promise;
            const before = currentTask()!.getName();
            await sleep(1);
            return before === `task ${i}` && currentTask()!.getName() === before;
          },
          { name: `task ${i}` },
        ),
      );
      await sleep(1);
      resolve();
      return (await gather(tasks)).every((isRight) => isRight);
    };
    expect(await runVirtually(main)).toEqual({ result: true, seconds: 2 });
  });
});

describe('a promise that is settled already', () => {
  test('does not end the step: nothing else runs before the task continues', async () => {
    const trace: string[] = [];
    const main = async () => {
      getRunningLoop().callSoon(() => trace.push('callback'));
      for (let i = 0; i < 100; i++) await null;
      trace.push('went on');
      await sleep(0);
      trace.push('after sleep(0)');
    };
    await runVirtually(main);
    expect(trace).toEqual(['went on', 'callback', 'after sleep(0)']);
  });
});

describe('cancelling a task that waits for a foreign promise', () => {
  test('shows at its next wait for something of this library', async () => {
    const trace: string[] = [];
    const main = async () => {
      const { promise, resolve } = foreign();
      const task = createTask(async () => {
        await promise;
        trace.push('went on');
        await sleep(60);
        trace.push('never');
      });
      await sleep(1);
      task.cancel();
      await sleep(1);
      expect(task.done()).toBe(false);
      resolve();
      await expect(task).rejects.toBeInstanceOf(CancelledError);
      expect(task.cancelled()).toBe(true);
    };
    expect(await runVirtually(main)).toMatchObject({ seconds: 2 });
    expect(trace).toEqual(['went on']);
  });

  test('cancels a task that ends without another wait, and drops its result', async () => {
    const main = async () => {
      const { promise, resolve } = foreign();
      const task = createTask(async () => {
        await promise;
        return 'dropped';
      });
      await sleep(1);
      task.cancel();
      resolve();
      await expect(task).rejects.toBeInstanceOf(CancelledError);
    };
    await runVirtually(main);
  });

  /** A promise that is settled when the running task's signal is aborted. */
  const untilAborted = (settle: (signal: AbortSignal, reject: (error: unknown) => void, resolve: () => void) => void) =>
    new Promise<void>((resolve, reject) => {
      const signal = currentSignal();
      signal.addEventListener('abort', () => settle(signal, reject, resolve));
    });

  test('shows at once through the signal of the task, and at its next await', async () => {
    const main = async () => {
      const task = createTask(async () => {
        await untilAborted((_signal, _reject, resolve) => resolve());
        await sleep(60);
      });
      await sleep(1);
      task.cancel('why');
      await expect(task).rejects.toBeInstanceOf(CancelledError);
    };
    expect(await runVirtually(main)).toMatchObject({ seconds: 1 });
  });

  test('is thrown once when the promise is rejected with the reason of the signal', async () => {
    const main = async () => {
      const trace: unknown[] = [];
      const task = createTask(async () => {
        try {
          await untilAborted((signal, reject) => reject(signal.reason));
        } catch (error) {
          trace.push(error);
          await sleep(1);
          trace.push('cleaned up');
          throw error;
        }
      });
      await sleep(1);
      task.cancel('why');
      await expect(task).rejects.toBeInstanceOf(CancelledError);
      expect(trace).toMatchObject([{ name: 'CancelledError', message: 'why' }, 'cleaned up']);
    };
    expect(await runVirtually(main)).toMatchObject({ seconds: 2 });
  });

  test('cancels the task also when the platform wraps the reason in an AbortError', async () => {
    const main = async () => {
      const task = createTask(async () => {
        await timers.setTimeout(60_000, undefined, { signal: currentSignal() });
      });
      await sleep(1);
      task.cancel('why');
      await wait([task]);
      expect(task.cancelled()).toBe(true);
    };
    await runVirtually(main);
  });
});

describe('a task that only a foreign promise will wake', () => {
  test('is not garbage collected, and continues when the promise is settled', async () => {
    const { promise, resolve } = foreign<string>();
    const main = async () => {
      const results: string[] = [];
      createTask(async () => {
        results.push(await promise);
        await sleep(1);
        results.push('went on');
      });
      await sleep(1);
      for (let i = 0; i < 3; i++) await collectGarbage();
      resolve('settled');
      await sleep(5);
      return results;
    };
    expect(await runVirtually(main)).toMatchObject({ result: ['settled', 'went on'] });
  });
});
