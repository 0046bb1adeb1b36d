import { AsyncLocalStorage } from 'node:async_hooks';
import { coroutine, createTask, Future, gather, getRunningLoop, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { runInProcess } from '../../support/processes.ts';
import { iterations } from '../../support/programs.ts';
import { runVirtually, spellings } from '../../support/spellings.ts';

/** An `AsyncLocalStorage` of the user, and what it holds at several moments. */
function userStorage() {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const note = () => seen.push(storage.getStore());
  return { storage, seen, note };
}

describe('AsyncLocalStorage in async functions', () => {
  test('keeps its value across awaits of all kinds', async () => {
    const { storage, seen, note } = userStorage();
    const lazyGenerator = coroutine(function* () {
      yield* sleep(1);
    });
    const lazyAsync = coroutine(async () => {
      await sleep(1);
      note();
    });
    const body = async () => {
      const future = new Future<void>();
      getRunningLoop().callLater(1, () => future.setResult());
      const awaitables = [
        sleep(0),
        sleep(1),
        future,
        createTask(sleep(1)),
        gather(sleep(1), sleep(1)),
        lazyGenerator(),
        lazyAsync(),
        new Promise((resolve) => setImmediate(resolve)),
        null,
      ];
      for (const awaitable of awaitables) {
        await awaitable;
        note();
      }
    };
    const main = async () => await storage.run('value', body);
    await runVirtually(main);
    expect(seen).toEqual(Array(10).fill('value'));
  });

  test('has in a task the value of where the task was made', async () => {
    const { storage, seen, note } = userStorage();
    const body = async () => {
      note();
      await sleep(1);
      note();
    };
    const main = async () => {
      const tasks = [
        storage.run('a', () => createTask(body)),
        storage.run('b', () => createTask(body)),
        createTask(body),
      ];
      await gather(tasks);
      note();
    };
    await runVirtually(main);
    expect(seen).toEqual(['a', 'b', undefined, 'a', 'b', undefined, undefined]);
  });

  test('has in main the value of where it is run', async () => {
    const { storage, seen, note } = userStorage();
    const main = async () => {
      note();
      await sleep(1);
      note();
    };
    await storage.run('around', () => runVirtually(main));
    expect(seen).toEqual(['around', 'around']);
    expect(storage.getStore()).toBe(undefined);
  });

  test('keeps a value that is set inside a task within that task', async () => {
    const { storage, seen, note } = userStorage();
    const body = async () => {
      storage.enterWith('inside');
      await sleep(1);
      note();
    };
    const main = async () => {
      await gather(
        createTask(body),
        createTask(async () => {
          await sleep(1);
          note();
        }),
      );
      note();
    };
    await runVirtually(main);
    expect(seen).toEqual(['inside', undefined, undefined]);
  });

  test('keeps values apart where several awaits of one task are under way', async () => {
    const { storage, seen, note } = userStorage();
    const body = async (seconds: number) => {
      await sleep(seconds);
      note();
      await sleep(seconds);
      note();
    };
    const main = async () => {
      await Promise.all([storage.run('a', () => body(2)), storage.run('b', () => body(3)), body(5)]);
      note();
    };
    await runVirtually(main);
    expect(seen).toEqual(['a', 'b', 'a', undefined, 'b', undefined, undefined]);
  });

  test('keeps its value while the task is cancelled and cleans up', async () => {
    const { storage, seen, note } = userStorage();
    const body = async () => {
      try {
        await sleep(60);
      } finally {
        note();
        await sleep(1);
        note();
      }
    };
    const main = async () => {
      const task = storage.run('value', () => createTask(body));
      await sleep(1);
      task.cancel();
      await expect(task).rejects.toThrow();
    };
    await runVirtually(main);
    expect(seen).toEqual(['value', 'value']);
  });
});

describe('AsyncLocalStorage in generator coroutines', () => {
  const generators = spellings[0]!;

  test('keeps its value across steps when it is asked for', async () => {
    const { storage, seen, note } = userStorage();
    function* body() {
      note();
      yield* sleep(0);
      note();
      yield* sleep(1);
      note();
      yield* createTask(sleep(1));
      note();
      yield* coroutine(async () => {
        note();
        await sleep(1);
        note();
      })();
      note();
    }
    function* main() {
      const asked = { asyncContext: true };
      yield* gather(
        storage.run('a', () => createTask(body(), asked)),
        storage.run('b', () => createTask(body(), asked)),
      );
      note();
    }
    await runVirtually(main);
    expect(seen.filter((value) => value === 'a')).toHaveLength(7);
    expect(seen.filter((value) => value === 'b')).toHaveLength(7);
    expect(seen.filter((value) => value === undefined)).toHaveLength(1);
    expect(seen.at(-1)).toBe(undefined);
  });

  test('keeps its value when the task is made of a generator function', async () => {
    const { storage, seen, note } = userStorage();
    function* body() {
      note();
      yield* sleep(1);
      note();
    }
    function* main() {
      yield* storage.run('value', () => createTask(body, { asyncContext: true }));
    }
    await runVirtually(main);
    expect(seen).toEqual(['value', 'value']);
  });

  test('keeps its value while the task is cancelled and cleans up', async () => {
    const { storage, seen, note } = userStorage();
    function* body() {
      try {
        yield* sleep(60);
      } finally {
        note();
        yield* sleep(1);
        note();
      }
    }
    function* main() {
      const task = storage.run('value', () => createTask(body(), { asyncContext: true }));
      yield* iterations(generators, 2);
      task.cancel();
      try {
        yield* task;
      } catch {
        note();
      }
    }
    await runVirtually(main);
    expect(seen).toEqual(['value', 'value', undefined]);
  });

  test('is that of the moment of creation also for an eager start', async () => {
    const { storage, seen, note } = userStorage();
    function* body() {
      note();
      yield* sleep(1);
      note();
    }
    function* main() {
      yield* storage.run('value', () => createTask(body(), { asyncContext: true, eagerStart: true }));
    }
    await runVirtually(main);
    expect(seen).toEqual(['value', 'value']);
  });
});

describe('AsyncLocalStorage in generator coroutines that did not ask for it', () => {
  /** Runs a program in a process of its own, where no loop was made yet. */
  function output(program: string): string {
    const { stdout } = runInProcess(`
      import { AsyncLocalStorage } from 'node:async_hooks';
      import { createTask, run, sleep } from 'asyncio-ts';
      const storage = new AsyncLocalStorage();
      function* body() {
        yield* sleep(0);
        return String(storage.getStore());
      }
      ${program}
    `);
    return stdout;
  }

  test('never has the value of an earlier run', () => {
    const program = `
      await storage.run('earlier', () => run(body));
      console.log(await run(body));
    `;
    expect(output(program)).toBe('undefined');
  });

  test('has the value of where the loop was made', () => {
    expect(output("console.log(await storage.run('of the run', () => run(body)));")).toBe('of the run');
  });
});
