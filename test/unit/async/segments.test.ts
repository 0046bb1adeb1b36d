import { CancelledError, createTask, currentTask, Future, gather, getRunningLoop, sleep, type Task } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { names } from '../../support/programs.ts';
import { runVirtually } from '../../support/spellings.ts';

/** An async function that notes what task it runs in, and how it ended. */
function noted() {
  const tasks = new Set<Task<unknown>>();
  const ends: string[] = [];
  const fn = async (seconds: number) => {
    tasks.add(currentTask()!);
    try {
      await sleep(seconds);
      tasks.add(currentTask()!);
      ends.push(`slept ${seconds}`);
      return seconds;
    } catch (error) {
      ends.push(`${(error as Error).name} ${seconds}`);
      throw error;
    }
  };
  return { fn, tasks, ends };
}

describe('several awaits in one segment', () => {
  test('wait side by side, in one task', async () => {
    const { fn, tasks } = noted();
    const main = async () => await Promise.all([fn(1), fn(3), fn(2)]);
    expect(await runVirtually(main, { name: 'main' })).toEqual({ result: [1, 3, 2], seconds: 3 });
    expect(names(tasks)).toEqual(['main']);
  });

  test('of the awaitables themselves do so too', async () => {
    const main = async () => {
      const future = new Future<string>();
      getRunningLoop().callLater(2, () => future.setResult('future'));
      return await Promise.all([sleep(1, 'slept'), future, createTask(sleep(3, 'task'))]);
    };
    expect(await runVirtually(main)).toEqual({ result: ['slept', 'future', 'task'], seconds: 3 });
  });

  test('are what `gather(f(), g())` of plain async functions has', async () => {
    const { fn, tasks } = noted();
    const main = async () => await gather(fn(1), fn(3));
    expect(await runVirtually(main, { name: 'main' })).toEqual({ result: [1, 3], seconds: 3 });
    expect(names(tasks)).toEqual(['main']);
  });

  test('may go through the several stages of an async function each', async () => {
    const stages = async (seconds: number) => {
      for (let i = 0; i < 3; i++) await sleep(seconds);
      return currentTask()!.getName();
    };
    const main = async () => await Promise.all([stages(1), stages(2), stages(1)]);
    expect(await runVirtually(main, { name: 'main' })).toEqual({ result: ['main', 'main', 'main'], seconds: 6 });
  });

  test('are not yet over when Promise.race is, and do not disturb what follows', async () => {
    const { fn, ends } = noted();
    const main = async () => {
      const first = await Promise.race([fn(1), fn(4)]);
      await sleep(2);
      ends.push('main');
      await sleep(2);
      return first;
    };
    expect(await runVirtually(main)).toEqual({ result: 1, seconds: 5 });
    expect(ends).toEqual(['slept 1', 'main', 'slept 4']);
  });

  test('may begin late, behind promises that are settled already', async () => {
    const late = async () => {
      for (let i = 0; i < 10; i++) await null;
      const before = currentTask()!.getName();
      await sleep(2);
      return [before, currentTask()!.getName()];
    };
    const main = async () => await Promise.all([sleep(1, 'early'), late(), late()]);
    const both = ['main', 'main'];
    expect(await runVirtually(main, { name: 'main' })).toEqual({ result: ['early', both, both], seconds: 2 });
  });

  test('fail by themselves', async () => {
    const { fn, ends } = noted();
    const failing = async () => {
      await sleep(1);
      throw new RangeError('failed');
    };
    const main = async () => {
      await expect(Promise.all([fn(3), failing()])).rejects.toBeInstanceOf(RangeError);
      expect(getRunningLoop().time()).toBe(1);
      await sleep(5);
      return ends;
    };
    expect(await runVirtually(main)).toEqual({ result: ['slept 3'], seconds: 6 });
  });

  test('are the step of the task: it ends when all of them wait', async () => {
    const trace: string[] = [];
    const main = async () => {
      const waiting = async (name: string) => {
        trace.push(`${name} begins`);
        await sleep(0);
        trace.push(`${name} goes on`);
        await null;
        trace.push(`${name} goes on after a settled promise`);
        await sleep(0);
      };
      getRunningLoop().callSoon(() => trace.push('callback'));
      await Promise.all([waiting('a'), waiting('b')]);
    };
    await runVirtually(main);
    expect(trace).toEqual([
      'a begins',
      'b begins',
      'callback',
      'a goes on',
      'a goes on after a settled promise',
      'b goes on',
      'b goes on after a settled promise',
    ]);
  });
});

describe('cancelling a task with several awaits under way', () => {
  for (const [how, together] of [
    ['Promise.all', (...promises: Promise<number>[]) => Promise.all(promises)],
    ['gather', (...promises: Promise<number>[]) => gather(...promises)],
  ] as const) {
    test(`cancels each of them (${how})`, async () => {
      const { fn, ends } = noted();
      const main = async () => {
        const task = createTask(async () => {
          await together(fn(10), fn(20), fn(30));
        });
        await sleep(1);
        task.cancel();
        await expect(task).rejects.toBeInstanceOf(CancelledError);
        expect(task.cancelled()).toBe(true);
        await sleep(1);
      };
      expect(await runVirtually(main)).toMatchObject({ seconds: 2 });
      expect(ends.toSorted()).toEqual(['CancelledError 10', 'CancelledError 20', 'CancelledError 30']);
    });
  }

  test('also cancels the losers of a Promise.race', async () => {
    const { fn, ends } = noted();
    const main = async () => {
      const task = createTask(async () => {
        await Promise.race([fn(1), fn(20)]);
        await fn(30);
      });
      await sleep(2);
      task.cancel();
      await expect(task).rejects.toBeInstanceOf(CancelledError);
      await sleep(1);
    };
    expect(await runVirtually(main)).toMatchObject({ seconds: 3 });
    expect(ends.toSorted()).toEqual(['CancelledError 20', 'CancelledError 30', 'slept 1']);
  });

  test('carries the message to each of them', async () => {
    const seen: string[] = [];
    const waiting = async () => {
      try {
        await sleep(60);
      } catch (error) {
        seen.push((error as Error).message);
      }
    };
    const main = async () => {
      const task = createTask(async () => {
        await Promise.all([waiting(), waiting()]);
      });
      await sleep(1);
      task.cancel('why');
      await task;
    };
    await runVirtually(main);
    expect(seen).toEqual(['why', 'why']);
  });
});
