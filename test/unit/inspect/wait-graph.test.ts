import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  asCompleted,
  Barrier,
  Condition,
  coroutine,
  createTask,
  Event,
  Future,
  gather,
  iterate,
  Lock,
  mapConcurrent,
  Queue,
  Semaphore,
  shared,
  shield,
  sleep,
  taskGroup,
  timeout,
  wait,
  waitFor,
  wrapPromise,
} from 'asyncio-ts';
import { DeadlockError, type LeakError, runVirtual } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

type Main = Parameters<typeof runVirtual>[0];

async function standstillOf(main: Main): Promise<DeadlockError> {
  try {
    await runVirtual(main, { patience: 0.01 });
  } catch (error) {
    if (error instanceof DeadlockError) return error;
    throw error;
  }
  throw new Error('it came to an end');
}

/** A place in this file, or in the helper that waits for it in both spellings. */
const HERE = / at \S*\/(?:wait-graph\.test|spellings)\.ts:\d+:\d+/g;

/** The lines of the graph, in which the main task is called by its number. */
async function graphOf(main: Main): Promise<string[]> {
  const { message } = await standstillOf(main);
  const [title, ...lines] = message
    .replaceAll(HERE, ' [here]')
    .replaceAll(/\w+#1\b/g, 'Task-1')
    .split('\n');
  expect(title).toBe('nothing is left in the program that could ever run:');
  return lines.map((line) => line.slice(2));
}

const never = (s: Spelling) =>
  s.fn(function* () {
    yield* s.wait(new Event().wait());
  });

describeBoth('the wait-for graph tells what nothing will ever end, and where it is waited for', (s) => {
  const cases: Record<string, [what: string, body: () => Generator<unknown, unknown, unknown>]> = {
    'an event': [
      'set <Event [unset, waiters:1]>',
      function* () {
        yield* s.wait(new Event().wait());
      },
    ],
    'a future': [
      'set the result of <Future pending cb=[Task Main]>',
      function* () {
        yield* s.wait(new Future());
      },
    ],
    'a semaphore': [
      'release <Semaphore [locked, waiters:1]>',
      function* () {
        yield* s.wait(new Semaphore(0).acquire());
      },
    ],
    'an item': [
      'put an item into <Queue maxsize=0 _getters[1]>',
      function* () {
        yield* s.wait(new Queue().get());
      },
    ],
    'a place in a queue': [
      'take an item out of <Queue maxsize=1 _queue=[1] _putters[1] tasks=1>',
      function* () {
        const queue = new Queue<number>(1);
        queue.putNowait(1);
        yield* s.wait(queue.put(2));
      },
    ],
    'the end of the work of a queue': [
      'call taskDone() for the last item of <Queue maxsize=0 _queue=[1] tasks=1>',
      function* () {
        const queue = new Queue<number>();
        queue.putNowait(1);
        yield* s.wait(queue.join());
      },
    ],
    'a condition': [
      'notify <Condition [unlocked, waiters:1]>',
      function* () {
        const condition = new Condition();
        yield* s.wait(condition.acquire());
        yield* s.wait(condition.wait());
      },
    ],
    'the predicate of a condition': [
      'notify <Condition [unlocked, waiters:1]>',
      function* () {
        const condition = new Condition();
        yield* s.wait(condition.acquire());
        yield* s.wait(condition.waitFor(() => false));
      },
    ],
    'a barrier': [
      'complete <Barrier [filling, waiters:1/2]>',
      function* () {
        yield* s.wait(new Barrier(2).wait());
      },
    ],
    'a body in a timeout without a limit': [
      'set <Event [unset, waiters:1]>',
      function* () {
        yield* s.wait(timeout(null, never(s)));
      },
    ],
    'waitFor without a limit': [
      'set <Event [unset, waiters:1]>',
      function* () {
        yield* s.wait(waitFor(new Event().wait(), null));
      },
    ],
  };

  test.each(Object.entries(cases))('%s', async (_what, [what, body]) => {
    const main = async () => await createTask(s.fn(body), { name: 'Main' });
    expect(await graphOf(main)).toEqual([
      'Task-1 waits for Main [here]',
      `nothing will ever ${what}; Main waits for it [here]`,
    ]);
  });

  test('bare futures under gather(), wait() and asCompleted()', async () => {
    const line = (by: string, futures: string) =>
      `nothing will ever set the result of ${futures} that ${by}() waits for; Task-1 waits for it [here]`;
    const main = (body: () => Generator<unknown, unknown, unknown>) => graphOf(s.fn(body));
    const gathered = await main(function* () {
      yield* s.wait(gather([new Future(), new Future()]));
    });
    const waited = await main(function* () {
      yield* s.wait(wait([new Future()]));
    });
    const completed = await main(function* () {
      yield* s.wait(asCompleted([new Future()]).nextFuture());
    });
    expect(gathered).toEqual([line('gather', 'the 2 futures')]);
    expect(waited).toEqual([line('wait', 'the future')]);
    expect(completed).toEqual([line('asCompleted', 'the future')]);
  });

  test('the tasks that others wait for, by gather(), wait(), asCompleted(), shield(), shared() and themselves', async () => {
    const of = async (body: () => Generator<unknown, unknown, unknown>): Promise<string[]> => {
      const [line] = await graphOf(s.fn(body));
      return [line!];
    };
    const task = () => createTask(never(s));
    expect(
      await of(function* () {
        yield* s.wait(gather([never(s), never(s), new Future()]));
      }),
    ).toEqual(['Task-1 waits for Task-2, Task-3 and a future in gather() [here]']);
    expect(
      await of(function* () {
        yield* s.wait(wait([task()]));
      }),
    ).toEqual(['Task-1 waits for Task-2 in wait() [here]']);
    expect(
      await of(function* () {
        yield* s.wait(asCompleted([never(s)]).nextFuture());
      }),
    ).toEqual(['Task-1 waits for Task-2 in asCompleted() [here]']);
    expect(
      await of(function* () {
        yield* s.wait(shield(task()));
      }),
    ).toEqual(['Task-1 waits for Task-2 in shield() [here]']);
    expect(
      await of(function* () {
        yield* s.wait(shared(never(s))());
      }),
    ).toEqual(['Task-1 waits for Task-2 in a call of shared() [here]']);
    expect(
      await of(function* () {
        yield* s.wait(task());
      }),
    ).toEqual(['Task-1 waits for Task-2 [here]']);
  });

  test('groups inside groups', async () => {
    const lines = await graphOf(
      s.fn(function* () {
        yield* s.wait(
          taskGroup(
            s.fn(function* (outer) {
              outer.createTask(
                s.fn(function* () {
                  yield* s.wait(
                    taskGroup(
                      s.fn(function* (inner) {
                        inner.createTask(never(s), { name: 'inner' });
                      }),
                    ),
                  );
                }),
                { name: 'outer' },
              );
            }),
          ),
        );
      }),
    );
    expect(lines).toEqual([
      'Task-1 waits for outer of its task group [here]',
      'outer waits for inner of its task group [here]',
      'nothing will ever set <Event [unset, waiters:1]>; inner waits for it [here]',
    ]);
  });

  test('two tasks that hold what the other one wants, as a circle', async () => {
    const worker = (first: Lock, second: Lock) =>
      s.fn(function* () {
        yield* s.wait(first.acquire());
        yield* s.wait(sleep(1));
        yield* s.wait(second.acquire());
      });
    const main = s.fn(function* () {
      const [a, b] = [new Lock(), new Lock()];
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            group.createTask(worker(a, b), { name: 'one' });
            group.createTask(worker(b, a), { name: 'other' });
          }),
        ),
      );
    });
    expect((await standstillOf(main)).cycle).toEqual(['one', 'other']);
    const lock = '<Lock [locked, waiters:1]>';
    expect(await graphOf(main)).toEqual([
      'deadlock: one → other → one',
      `┌▶ one holds ${lock} and waits for ${lock}, held by other [here]`,
      `└─ other holds ${lock} and waits for ${lock}, held by one [here]`,
      'Task-1 waits for one, other of its task group [here]',
    ]);
  });

  test('a task that stands in several circles once, and the others as those who wait for it', async () => {
    const main = s.fn(function* () {
      const [a, b] = [new Lock(), new Semaphore(2)];
      const holder = s.fn(function* () {
        yield* s.wait(b.acquire());
        yield* s.wait(sleep(1));
        yield* s.wait(a.acquire());
      });
      const both = s.fn(function* () {
        yield* s.wait(a.acquire());
        yield* s.wait(sleep(1));
        yield* s.wait(b.acquire());
      });
      yield* s.wait(
        gather([
          createTask(both, { name: 'both' }),
          createTask(holder, { name: 'one' }),
          createTask(holder, { name: 'two' }),
        ]),
      );
    });
    const lines = await graphOf(main);
    expect(lines.filter((line) => line.startsWith('deadlock:'))).toEqual(['deadlock: both → one → both']);
    expect(lines.at(-1)).toBe('two waits for <Lock [locked, waiters:2]>, held by both [here]');
  });

  test('a thing of the program itself by what it calls itself, also in a leak', async () => {
    class Gate extends Event {
      override toString(): string {
        return '<the gate>';
      }
    }
    const waits = s.fn(function* () {
      yield* s.wait(new Gate().wait());
    });
    expect(await graphOf(waits)).toEqual(['nothing will ever end the wait for <the gate>; Task-1 waits for it [here]']);
    const leaking = s.fn(function* () {
      createTask(waits, { name: 'left' });
      yield* s.wait(sleep(1));
    });
    const error = await runVirtual(leaking, { failOnLeaks: true }).catch((failure: LeakError) => failure);
    expect((error as LeakError).left[0]).toMatch(/^task left(?: \(\w+\))?, which waits for <the gate> in wait\(\) at /);
  });

  test('tasks of one name apart', async () => {
    const [a, b] = [new Lock(), new Lock()];
    const worker = (first: Lock, second: Lock) =>
      s.fn(function* () {
        yield* s.wait(first.acquire());
        yield* s.wait(sleep(1));
        yield* s.wait(second.acquire());
      });
    const { cycle } = await standstillOf(
      s.fn(function* () {
        const tasks = [createTask(worker(a, b), { name: 'worker' }), createTask(worker(b, a), { name: 'worker' })];
        yield* s.wait(gather(tasks));
      }),
    );
    expect(cycle).toEqual(['worker', 'worker#2']);
  });

  test('a task that waits for what it holds itself', async () => {
    const main = s.fn(function* () {
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      yield* s.wait(lock.acquire());
    });
    expect(await graphOf(main)).toEqual([
      'deadlock: Task-1 → Task-1',
      '⟲ Task-1 holds <Lock [locked, waiters:1]> and waits for it [here]',
    ]);
  });

  test('a promise that is not of this library', async () => {
    const main = s.fn(function* () {
      yield* s.wait(wrapPromise(new Promise(() => {})));
    });
    expect(await graphOf(main)).toEqual(['Task-1 waits for a promise that is not of this library [here]']);
  });
});

describe('branches of one task, which only async functions have', () => {
  test('that wait for what the others hold are told one by one', async () => {
    const { message, cycle } = await standstillOf(async () => {
      const [a, b] = [new Lock(), new Lock()];
      const both = async (first: Lock, second: Lock) => {
        await first.acquire();
        await sleep(1);
        await second.acquire();
      };
      await Promise.all([both(a, b), both(b, a)]);
    });
    expect(cycle).toEqual(['Task-1']);
    const lines = message.split('\n').slice(1);
    expect(lines.map((line) => line.replace(/ at \S+:\d+:\d+$/, ' [here]'))).toEqual([
      '  deadlock: Task-1 → Task-1',
      '  ⟲ Task-1 holds <Lock [locked, waiters:1]> and waits for it, in one of its branches, [here]',
      '  ⟲ Task-1 holds <Lock [locked, waiters:1]> and waits for it, in another one, [here]',
    ]);
  });

  test('that have no part in a circle are told beside it', async () => {
    const { message } = await standstillOf(async () => {
      const [a, b] = [new Lock(), new Lock()];
      await a.acquire();
      const other = createTask(
        async () => {
          await b.acquire();
          await a.acquire();
        },
        { name: 'other' },
      );
      await sleep(1);
      await Promise.all([b.acquire(), new Event().wait(), other]);
    });
    expect(message).toContain('deadlock: Task-1 → other → Task-1');
    expect(message).toContain('nothing will ever set <Event [unset, waiters:1]>; Task-1 waits for it');
    expect(message.match(/Task-1 waits for other/g)).toHaveLength(1);
  });
});

describe('the place of a wait', () => {
  /** The columns of the waits in the line that has the mark. */
  async function placesOf(main: Main): Promise<string[]> {
    const { message } = await standstillOf(main);
    return [...message.matchAll(/wait-graph\.test\.ts:(\d+):\d+/g)].map(([, line]) =>
      sourceLines[Number(line) - 1]!.trim(),
    );
  }
  const sourceLines = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n');

  test('is the line that awaits, in async functions', async () => {
    async function inner(): Promise<void> {
      await sleep(1);
      await new Event().wait();
    }
    expect(
      await placesOf(async () => {
        await inner();
      }),
    ).toEqual(['await new Event().wait();']);
    expect(
      await placesOf(async () => {
        await gather([inner]);
      }),
    ).toEqual(['await gather([inner]);', 'await new Event().wait();']);
  });

  test('is the line that delegates, in generators', async () => {
    function* inner(): Generator<unknown, void, unknown> {
      yield* sleep(1);
      yield* new Event().wait();
    }
    expect(
      await placesOf(function* () {
        yield* inner();
      }),
    ).toEqual(['yield* new Event().wait();']);
    expect(
      await placesOf(function* () {
        yield* gather([inner]);
      }),
    ).toEqual(['yield* gather([inner]);', 'yield* new Event().wait();']);
  });
});

describe('the wait-for graph', () => {
  test('names the operation that a task was made of', async () => {
    const of = async (make: () => Parameters<typeof createTask>[0]): Promise<string | undefined> =>
      (await graphOf(async () => await createTask(make()))).at(-1)?.match(/([\w.]+)#2 /)?.[1];
    expect(await of(() => new Event().wait())).toBe('Event.wait');
    expect(await of(() => new Queue().get())).toBe('Queue.get');
    expect(await of(() => new Semaphore(0).acquire())).toBe('Semaphore.acquire');
    expect(await of(() => taskGroup(async () => await new Event().wait()))).toBe('taskGroup');
    expect(await of(() => wait([new Future()]))).toBe('wait');
    expect(
      await of(
        () =>
          async function named() {
            await new Event().wait();
          },
      ),
    ).toBe('named');
    expect(
      await of(() =>
        coroutine(function* lazy() {
          yield* new Event().wait();
        })(),
      ),
    ).toBe('lazy');
  });

  test('has both waits of a task that waits in two places', async () => {
    const main = async () => await Promise.all([new Event().wait(), new Queue().get()]);
    expect(await graphOf(main)).toEqual([
      'nothing will ever set <Event [unset, waiters:1]>; Task-1 waits for it [here]',
      'nothing will ever put an item into <Queue maxsize=0 _getters[1]>; Task-1 waits for it [here]',
    ]);
  });

  test('names the event that a loop over a queue waits for', async () => {
    const main = async () => {
      for await (const _ of iterate(new Queue())) break;
    };
    expect(await graphOf(main)).toEqual([
      'nothing will ever put an item into <Queue maxsize=0 _getters[1]>; Task-1 waits for it [here]',
    ]);
  });

  test('has no circle where calls of mapConcurrent() hold the slots that one task has taken', async () => {
    const main = async () => await mapConcurrent([1, 2, 3], async () => await new Future(), { limit: 2 });
    const lines = await graphOf(main);
    expect(lines.some((line) => /<ConcurrentMap limit=2 2 running>; Task-2 waits for it/.test(line))).toBe(true);
    expect((await standstillOf(main)).cycle).toEqual([]);
  });

  test('is cut off where nobody would read on, and finds its way through long chains', async () => {
    const { message, cycle } = await standstillOf(async () => {
      let last = createTask(() => new Event().wait() as PromiseLike<unknown>);
      for (let i = 0; i < 500; i++) {
        const before = last;
        last = createTask(async () => await before);
      }
      await last;
    });
    expect(cycle).toEqual([]);
    expect(message.split('\n')).toHaveLength(102);
    expect(message).toMatch(/and 402 more lines$/);
  });
});
