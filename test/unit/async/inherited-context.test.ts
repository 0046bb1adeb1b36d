import { createTask, currentSignal, currentTask, getRunningLoop, sleep, timeout } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { thrownBy } from '../../support/programs.ts';
import { runVirtually } from '../../support/spellings.ts';

describe('code that inherited the async context of a finished task', () => {
  /** Runs `code` from a host callback that a task has set, once that task is over. */
  async function afterItsTask<T>(code: () => T): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const over = Promise.withResolvers<void>();
    const main = async () => {
      const task = createTask(async () => {
        await sleep(1);
        setImmediate(async () => {
          await over.promise;
          resolve(code());
        });
      });
      await task;
      over.resolve();
      return await promise;
    };
    return (await runVirtually(main)).result;
  }

  test('has no current task', async () => {
    expect(await afterItsTask(() => currentTask())).toBe(null);
    expect(await afterItsTask(() => currentSignal().aborted)).toBe(false);
  });

  test('has the loop of its task as the running one, as long as that runs', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let late: Promise<unknown> | undefined;
    const isRunning = await afterItsTask(() => {
      late = promise.then(() => thrownBy(getRunningLoop));
      return getRunningLoop().isRunning();
    });
    expect(isRunning).toBe(true);
    resolve();
    expect(await late).toMatchObject({ name: 'RuntimeError', code: 'NO_RUNNING_LOOP' });
  });

  test('cannot enter a timeout', async () => {
    const error = await afterItsTask(() => thrownBy(() => timeout().enterNow()));
    expect(error).toMatchObject({ name: 'RuntimeError', code: 'NO_TASK' });
  });

  test('awaits objects of this library as any promise code does', async () => {
    const inside = async () => {
      const slept = await sleep(0, 'slept');
      return [slept, currentTask()];
    };
    expect(await afterItsTask(inside)).toEqual(['slept', null]);
  });

  test('is not the task that runs at that moment', async () => {
    const seen: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const main = async () => {
      const finished = createTask(async () => {
        promise.then(() => seen.push(currentTask()));
      });
      await finished;
      const open = createTask(
        async () => {
          await sleep(1);
          resolve();
          await null;
          await null;
          seen.push(currentTask()!.getName());
        },
        { name: 'open' },
      );
      await open;
    };
    await runVirtually(main);
    expect(seen).toEqual([null, 'open']);
  });
});
