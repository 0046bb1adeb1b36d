import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Awaitable,
  coroutine,
  createTask,
  ensureFuture,
  Future,
  forEach,
  gather,
  getRunningLoop,
  mapConcurrent,
  runCoroutineThreadsafe,
  shield,
  sleep,
  taskGroup,
  timeout,
  waitFor,
} from 'asyncio-ts';
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

describe('AsyncLocalStorage in functions that this library calls', () => {
  const storage = new AsyncLocalStorage<string>();
  const show = async () => storage.getStore();
  /** What each of these gives for a function, called where the storage has a value and awaited in a task without one. */
  const ways: Record<string, (fn: () => Promise<unknown>) => Awaitable<unknown>> = {
    'a task made of a lazy coroutine': (fn) => createTask(coroutine(fn)()),
    'a task made of a timeout': (fn) => createTask(timeout(1, fn)),
    'a task made of a waitFor': (fn) => createTask(waitFor(fn, 1)),
    'a task made of a group': (fn) => createTask(taskGroup(fn)),
    'a task made of forEach': (fn) => {
      let seen: unknown;
      const each = async () => {
        seen = await fn();
      };
      return createTask(async () => {
        await createTask(forEach([1], each));
        return seen;
      });
    },
    'a gathered lazy coroutine': (fn) => createTask(async () => (await gather(coroutine(fn)()))[0]),
    'a gathered mapConcurrent': (fn) =>
      createTask(async () => (await gather(mapConcurrent([1], fn, { limit: 1 })))[0]?.[0]),
    'a shielded timeout': (fn) => shield(timeout(1, fn)),
    'a task of a group with a limit': (fn) =>
      createTask(taskGroup(async (group) => await group.createTask(timeout(1, fn)), { limit: 1 })),
    'runCoroutineThreadsafe with a function': (fn) => ensureFuture(runCoroutineThreadsafe(fn, getRunningLoop())),
    'runCoroutineThreadsafe with a coroutine': (fn) =>
      ensureFuture(runCoroutineThreadsafe(coroutine(fn)(), getRunningLoop())),
  };

  for (const [name, make] of Object.entries(ways)) {
    test(`has the value of where it was called: ${name}`, async () => {
      const main = async () => await storage.run('value', () => make(show));
      expect(await runVirtually(main)).toMatchObject({ result: 'value' });
    });
  }

  test('has the value of the caller in every call of mapConcurrent, and where its items come from', async () => {
    const asyncItems = async function* () {
      yield storage.getStore();
      await sleep(1);
      yield storage.getStore();
    };
    const items = function* () {
      yield storage.getStore();
      yield storage.getStore();
    };
    const both = async (item: unknown) => {
      await sleep(1);
      return [item, storage.getStore()];
    };
    const main = async () =>
      await storage.run('value', async () => {
        const seen: unknown[] = [];
        for (const source of [items, asyncItems]) {
          for (const ordered of [true, false]) {
            seen.push(...(await mapConcurrent(source(), both, { limit: 1, ordered })));
            for await (const pair of mapConcurrent(source(), both, { limit: 2, ordered })) seen.push(pair);
          }
        }
        return seen;
      });
    const { result } = await runVirtually(main);
    expect(result).toEqual(Array(16).fill(['value', 'value']));
  });

  test('has in mapConcurrent the value from its call, even when another task asks for the results', async () => {
    const main = async () => {
      const results = storage.run('caller', () => mapConcurrent([1, 2], show, { limit: 1 }));
      const seen: unknown[] = [];
      await storage.run('consumer', async () => {
        for await (const value of results) seen.push(value, storage.getStore());
      });
      return [...seen, storage.getStore()];
    };
    expect(await runVirtually(main)).toMatchObject({ result: ['caller', 'consumer', 'caller', 'consumer', undefined] });
  });
});
