import { ALL_COMPLETED, allTasks, asCompleted, createTask, gather, sleep, Task, wait } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { names } from '../../support/programs.ts';
import { runVirtually } from '../../support/spellings.ts';

/** A task that takes a while. */
function sleeper(name: string, seconds: number): Task<string> {
  return createTask(sleep(seconds, name), { name });
}

describe('a task that an async function returns', () => {
  test('is awaited, as any promise is', async () => {
    const main = async () => {
      const make = async () => sleeper('made', 3);
      const made: string = await make();
      return made;
    };
    expect(await runVirtually(main)).toEqual({ result: 'made', seconds: 3 });
  });

  test('is awaited also at the end of a task', async () => {
    const main = async () => await createTask(async () => sleeper('made', 3));
    expect(await runVirtually(main)).toEqual({ result: 'made', seconds: 3 });
  });
});

describe('collections of tasks hold the tasks, not their results', () => {
  test('in what `wait` gives', async () => {
    const main = async () => {
      const [a, b] = [sleeper('a', 1), sleeper('b', 9)];
      const { done, pending } = await wait([a, b], { timeout: 2, returnWhen: ALL_COMPLETED });
      expect([...done].every((task) => task instanceof Task)).toBe(true);
      return [names(done), names(pending)];
    };
    expect(await runVirtually(main)).toEqual({ result: [['a'], ['b']], seconds: 2 });
  });

  test('in `allTasks`', async () => {
    const collect = async () => allTasks();
    const main = async () => {
      sleeper('a', 1);
      return names(await collect());
    };
    expect(await runVirtually(main, { name: 'main' })).toMatchObject({ result: ['main', 'a'] });
  });

  test('in `for await` over `asCompleted`', async () => {
    const main = async () => {
      const done: Task<string>[] = [];
      for await (const task of asCompleted([sleeper('b', 2), sleeper('a', 1)])) {
        expect(task.done()).toBe(true);
        done.push(task as Task<string>);
      }
      return names(done);
    };
    expect(await runVirtually(main)).toEqual({ result: ['a', 'b'], seconds: 2 });
  });

  test('in arrays and objects that async functions return', async () => {
    const make = async () => ({ task: sleeper('a', 5), tasks: [sleeper('b', 5)] });
    const main = async () => {
      const { task, tasks } = await make();
      return [task.done(), tasks[0]!.done()];
    };
    expect(await runVirtually(main)).toEqual({ result: [false, false], seconds: 0 });
  });

  test('unlike in `gather`, which is for the results', async () => {
    const main = async () => await gather([sleeper('a', 1), sleeper('b', 2)]);
    expect(await runVirtually(main)).toEqual({ result: ['a', 'b'], seconds: 2 });
  });
});
