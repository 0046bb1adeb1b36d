import { EventEmitter, setMaxListeners } from 'node:events';
import {
  Condition,
  ContextVar,
  createTask,
  currentSignal,
  Event,
  Future,
  forEach,
  gather,
  getRunningLoop,
  on,
  once,
  Semaphore,
  shared,
  shield,
  sleep,
  type Task,
  taskGroup,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { outcome, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

/** Load: what one task has many of costs so much for each, not for each pair; chains need no deep stack. */

const variable = new ContextVar<number>('variable');

/** Milliseconds of the processor that work takes, at best of two: other processes do not count. */
async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 2; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

/** How many times the work for 16,000 takes the time of that for 2,000: 8 where it is linear, 64 where it is quadratic. */
async function growth(work: (count: number) => Promise<unknown>): Promise<number> {
  await work(2_000); // warm-up
  let least = Number.POSITIVE_INFINITY;
  // Once more where a busy machine, or a collection of garbage, has made one of the two slow.
  for (let attempt = 0; attempt < 3 && least >= LINEAR; attempt++) {
    const few = await milliseconds(() => work(2_000));
    const many = await milliseconds(() => work(16_000));
    least = Math.min(least, many / Math.max(few, 2));
  }
  return least;
}

const LINEAR = 30;

describe('16,000 awaits in one task', () => {
  const branches: [what: string, work: (count: number) => Promise<unknown>][] = [
    [
      'branches that end at once',
      (count) =>
        Promise.all(
          Array.from({ length: count }, async () => {
            await sleep(0);
            await sleep(0);
          }),
        ),
    ],
    [
      'branches that wait for one event',
      async (count) => {
        const event = new Event();
        const all = Promise.all(Array.from({ length: count }, async () => await event.wait()));
        await sleep(0);
        event.set();
        await all;
      },
    ],
    [
      'deadlines side by side',
      (count) => Promise.all(Array.from({ length: count }, () => timeout(50, () => sleep(1)))),
    ],
    [
      'deadlines that pass side by side',
      (count) => Promise.all(Array.from({ length: count }, () => outcome(timeout(1, () => sleep(50))))),
    ],
    [
      'branches that are cancelled',
      async (count) => {
        const task = createTask(() => Promise.all(Array.from({ length: count }, async () => await new Future())));
        await sleep(1);
        task.cancel();
        await outcome(task);
        expect(task.cancelled()).toBe(true);
      },
    ],
    [
      'branches inside a deadline that passes',
      (count) => outcome(timeout(1, () => Promise.all(Array.from({ length: count }, async () => await sleep(50))))),
    ],
    [
      'deadlines one after the other whose signals are looked at',
      async (count) => {
        for (let i = 0; i < count; i++) {
          await timeout(50, async () => {
            expect(currentSignal().aborted).toBe(false);
            await sleep(0);
          });
        }
      },
    ],
    [
      'deadlines side by side whose signals are looked at',
      (count) =>
        Promise.all(
          Array.from({ length: count }, () =>
            timeout(50, async () => {
              currentSignal();
              await sleep(1);
            }),
          ),
        ),
    ],
    [
      'deadlines that pass side by side and abort their signals',
      async (count) => {
        const signals: AbortSignal[] = [];
        const body = async () => {
          signals.push(currentSignal());
          await sleep(50);
        };
        await Promise.all(Array.from({ length: count }, () => outcome(timeout(1, body))));
        expect(signals.every(({ aborted }) => aborted)).toBe(true);
      },
    ],
    [
      'groups whose signals are aborted one by one',
      (count) =>
        Promise.all(
          Array.from({ length: count }, () =>
            outcome(
              taskGroup(async (group) => {
                currentSignal();
                group.cancel();
                await sleep(50);
              }),
            ),
          ),
        ),
    ],
    [
      'signals of left scopes to which the program has references',
      async (count) => {
        const signals: AbortSignal[] = [];
        const task = createTask(async () => {
          for (let i = 0; i < count; i++) await timeout(50, async () => signals.push(currentSignal()));
          await sleep(50);
        });
        await sleep(1);
        task.cancel();
        await outcome(task);
        expect([signals.length, signals.every(({ aborted }) => aborted)]).toEqual([count, true]);
      },
    ],
    [
      'tasks that one signal may cancel',
      async (count) => {
        const { signal } = new AbortController();
        await gather(Array.from({ length: count }, () => createTask(() => sleep(1), { signal })));
      },
    ],
    [
      'tasks that one signal cancels',
      async (count) => {
        const controller = new AbortController();
        const { signal } = controller;
        const tasks = Array.from({ length: count }, () => createTask(() => sleep(50), { signal }));
        await sleep(1);
        controller.abort();
        await gather(tasks, { returnExceptions: true });
        expect(tasks.every((task) => task.cancelled())).toBe(true);
      },
    ],
    [
      'loops over streams side by side, which listen to the signal of one task',
      (count) =>
        Promise.all(
          Array.from({ length: count }, () =>
            forEach(
              (async function* () {
                yield 1;
              })(),
              async () => {},
            ),
          ),
        ),
    ],
    [
      'shields of one task that are left by their deadlines',
      async (count) => {
        const task = createTask(() => sleep(50));
        await Promise.all(Array.from({ length: count }, () => outcome(timeout(1, () => shield(task)))));
        expect(task.done()).toBe(false);
        task.cancel();
      },
    ],
    [
      'calls of one shared function that differ in their second argument',
      async (count) => {
        const row = shared(async (_table: string, id: number) => await sleep(1, id));
        await Promise.all(Array.from({ length: count }, (_, id) => row('users', id)));
      },
    ],
    [
      'waits for one event of a target',
      async (count) => {
        const target = new EventTarget();
        setMaxListeners(0, target);
        const all = Promise.all(Array.from({ length: count }, () => once(target, 'x')));
        target.dispatchEvent(new globalThis.Event('x'));
        await all;
      },
    ],
    [
      'waits for one event of a target that are cancelled',
      async (count) => {
        const target = new EventTarget();
        setMaxListeners(0, target);
        const task = createTask(() => Promise.all(Array.from({ length: count }, async () => await once(target, 'x'))));
        await sleep(1);
        task.cancel();
        expect(await outcome(task)).toBe('CancelledError');
      },
    ],
    [
      'waits for one event of an emitter',
      async (count) => {
        const emitter = new EventEmitter().setMaxListeners(0);
        const all = Promise.all(Array.from({ length: count }, () => once(emitter, 'x')));
        emitter.emit('x');
        await all;
      },
    ],
    [
      'iterators of one emitter that are closed in the order in which they began',
      async (count) => {
        const emitter = new EventEmitter().setMaxListeners(0);
        const all = Array.from({ length: count }, () => on(emitter, 'x', { close: ['end'] }));
        for (const events of all) await events.return();
      },
    ],
    [
      'done callbacks that are removed one by one',
      async (count) => {
        const future = new Future<void>();
        const callbacks = Array.from({ length: count }, () => () => {});
        for (const callback of callbacks) future.addDoneCallback(callback);
        for (const callback of callbacks) expect(future.removeDoneCallback(callback)).toBe(1);
      },
    ],
    [
      'branches that set a variable after a foreign promise',
      (count) =>
        Promise.all(
          Array.from({ length: count }, async (_, i) => {
            await new Promise(setImmediate);
            variable.set(i);
            await sleep(0);
          }),
        ),
    ],
    [
      'waits that a finished task has left, and that nobody awaits',
      async (count) => {
        const event = new Event();
        const main = async () => {
          for (let i = 0; i < count; i++) void event.wait().catch(() => {});
        };
        await createTask(main);
        await sleep(1);
        event.set();
        await sleep(1);
      },
    ],
    [
      'steps of a line that a finished task has left, beside waits that nobody awaits',
      async (count) => {
        const event = new Event();
        let steps = 0;
        const line = async () => {
          for (; steps < count; steps++) await sleep(0);
          event.set();
        };
        const main = async () => {
          for (let i = 0; i < count; i++) void event.wait().catch(() => {});
          void line();
        };
        await createTask(main);
        await event.wait();
        expect(steps).toBe(count);
      },
    ],
    [
      'tasks that are notified one by one while the lock is held',
      async (count) => {
        const condition = new Condition();
        const tasks = Array.from({ length: count }, () => createTask(() => condition.with(() => condition.wait())));
        await sleep(1);
        await condition.with(async () => {
          for (let i = 0; i < count; i++) condition.notify();
        });
        await gather(tasks);
      },
    ],
    [
      'tasks that a semaphore lets in one by one within one step',
      async (count) => {
        const semaphore = new Semaphore(0);
        const tasks = Array.from({ length: count }, () => createTask(() => semaphore.acquire()));
        await sleep(1);
        for (let i = 0; i < count; i++) semaphore.release();
        await gather(tasks);
      },
    ],
    [
      'losers of races that a request takes off',
      async (count) => {
        const task = createTask(async () => {
          const losers = Array.from({ length: count }, () => outcome(new Future()));
          await Promise.race([sleep(1), ...losers]);
          await sleep(50);
        });
        await sleep(2);
        task.cancel();
        await outcome(task);
        expect(task.cancelled()).toBe(true);
      },
    ],
  ];

  for (const [what, work] of branches) {
    test(`cost linear time: ${what}`, { timeout: 120_000 }, async () => {
      const { result } = await runVirtually(async () => await growth(work));
      expect(result).toBeLessThan(LINEAR);
    });
  }

  test('hold their results apart', async () => {
    const main = async () =>
      await Promise.all(
        Array.from({ length: 16_000 }, async (_, i) => {
          await sleep(i % 10);
          return i;
        }),
      );
    const { result } = await runVirtually(main);
    expect(result).toEqual(Array.from({ length: 16_000 }, (_, i) => i));
  });
});

describeBoth('a chain of 5,000 tasks that await each other', (s) => {
  const chain = (length: number) => {
    const first: Task<unknown> = createTask(
      s.fn(function* () {
        yield* s.wait(sleep(60));
      }),
    );
    const tasks = [first];
    for (let i = 0; i < length; i++) {
      const before = tasks[i]!;
      tasks.push(
        createTask(
          s.fn(function* () {
            yield* s.wait(before);
          }),
        ),
      );
    }
    return tasks;
  };

  test(
    'is cancelled as a whole by the cancellation of the last',
    program(s, function* () {
      const tasks = chain(5_000);
      yield* s.wait(sleep(1));
      const last = tasks.at(-1)!;
      expect(last.cancel()).toBe(true);
      yield* failure(s, last);
      expect(tasks.every((task) => task.cancelled())).toBe(true);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'is cancelled as a whole by a deadline around an await of the last',
    program(s, function* () {
      const tasks = chain(5_000);
      const body = s.fn(function* () {
        yield* s.wait(tasks.at(-1)!);
      });
      expect(yield* failure(s, timeout(1, body))).toMatchObject({ name: 'TimeoutError' });
      expect(tasks.every((task) => task.cancelled())).toBe(true);
    }),
  );

  test(
    'fails as a whole with the first, without a deep stack',
    program(s, function* () {
      const error = new RangeError('of the first');
      const future = new Future<void>();
      let last: Task<unknown> = createTask(
        s.fn(function* () {
          yield* s.wait(future);
        }),
      );
      for (let i = 0; i < 5_000; i++) {
        const before = last;
        last = createTask(
          s.fn(function* () {
            yield* s.wait(before);
          }),
        );
      }
      yield* s.wait(sleep(1));
      future.setException(error);
      expect((yield* failure(s, last)) === error).toBe(true);
    }),
  );

  test(
    'says who asked for its cancellation first, however long it is',
    program(s, function* () {
      const tasks = chain(5_000);
      yield* s.wait(sleep(1));
      tasks.at(-1)!.cancel();
      yield* failure(s, tasks.at(-1)!);
      expect(tasks[0]!.cancelRequest!.through).toMatch(/was cancelled by /);
    }),
  );

  test(
    'is as it is for short ones: each is cancelled once, from the last to the first',
    program(s, function* () {
      for (const length of [3, 199, 200, 201, 450]) {
        const tasks = chain(length);
        yield* iterations(s, 3);
        tasks.at(-1)!.cancel('why');
        yield* failure(s, tasks.at(-1)!);
        expect(tasks.map((task) => task.cancelling())).toEqual(Array(length + 1).fill(1));
        expect(tasks.every((task) => task.cancelled() && task.cancelRequest!.message === 'why')).toBe(true);
      }
    }),
  );
});

describeBoth('100,000 tasks', (s) => {
  test('end with their results', { timeout: 120_000 }, async () => {
    const work = s.fn(function* () {
      yield* s.wait(sleep(0));
      return 1;
    });
    const main = s.fn(function* () {
      const tasks = Array.from({ length: 100_000 }, () => createTask(work));
      const results = yield* s.wait(gather(tasks));
      return results.length;
    });
    expect((await runVirtually(main)).result).toBe(100_000);
  });

  test('are cancelled by their group', { timeout: 120_000 }, async () => {
    const waiting = s.fn(function* () {
      yield* s.wait(sleep(60));
    });
    const main = s.fn(function* () {
      const tasks: Task<void>[] = [];
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            for (let i = 0; i < 100_000; i++) tasks.push(group.createTask(waiting));
            yield* s.wait(sleep(1));
            group.cancel();
          }),
        ),
      );
      return tasks.every((task) => task.cancelled());
    });
    expect((await runVirtually(main)).result).toBe(true);
  });
});

describeBoth('a chain of tasks, each of which awaits the one before', (s) => {
  test('is cancelled in linear time at the end of run()', { timeout: 120_000 }, async () => {
    const chain = async (length: number): Promise<void> => {
      const main = s.fn(function* () {
        let last: Task<unknown> = createTask(
          s.fn(function* () {
            yield* s.wait(sleep(60));
          }),
        );
        for (let i = 0; i < length; i++) {
          const before = last;
          last = createTask(
            s.fn(function* () {
              yield* s.wait(before);
            }),
          );
        }
        yield* s.wait(sleep(1));
      });
      await runVirtually(main);
    };
    expect(await growth(chain)).toBeLessThan(LINEAR);
  });
});

describe('deep nesting', () => {
  /** Deadlines inside each other, each begun in a step of its own. */
  const nested = async (depth: number): Promise<unknown> => {
    await sleep(0);
    return depth === 0 ? await sleep(60) : await timeout(90, () => nested(depth - 1));
  };

  test(
    'of 1,000 deadlines is left as a whole by the outermost',
    simulated(async () => {
      expect(await outcome(timeout(1, () => nested(1_000)))).toBe('TimeoutError');
      expect(await sleep(1, 'went on')).toBe('went on');
    }),
  );

  test(
    'of 12,000 deadlines needs no deep stack when the task is cancelled',
    { timeout: 120_000 },
    simulated(async () => {
      const task = createTask(() => nested(12_000));
      await sleep(1);
      expect(task.cancel()).toBe(true);
      await outcome(task);
      expect([task.cancelled(), getRunningLoop().time()]).toEqual([true, 1]);
    }),
  );
});

describeBoth('gathers of 20,000 levels', (s) => {
  const sleeping = s.fn(function* () {
    yield* s.wait(sleep(60));
  });
  /** `gather(gather(… gather(first, other) …))`. */
  const nested = (first: Task<unknown>, levels: number): Future<unknown> => {
    let last: Future<unknown> = gather(first, createTask(sleeping));
    for (let i = 1; i < levels; i++) last = gather(last);
    return last;
  };

  test(
    'are cancelled as a whole, each task once',
    program(s, function* () {
      const first = createTask(sleeping);
      const last = nested(first, 20_000);
      yield* s.wait(sleep(1));
      expect(last.cancel('why')).toBe(true);
      expect(first.cancelling()).toBe(1);
      expect(yield* failure(s, last)).toMatchObject({ name: 'CancelledError', message: 'why' });
      expect([first.cancelled(), last.done(), last.cancel()]).toEqual([true, true, false]);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'are left by a deadline around them',
    program(s, function* () {
      const first = createTask(sleeping);
      const last = nested(first, 20_000);
      const body = s.fn(function* () {
        yield* s.wait(last);
      });
      expect(yield* failure(s, timeout(1, body))).toMatchObject({ name: 'TimeoutError' });
      expect(first.cancelled()).toBe(true);
    }),
  );

  test(
    'and tasks in turn are cancelled as a whole',
    program(s, function* () {
      const first = createTask(sleeping);
      let last: Task<unknown> = first;
      for (let i = 0; i < 5_000; i++) {
        const before = gather(last);
        last = createTask(
          s.fn(function* () {
            yield* s.wait(before);
          }),
        );
      }
      yield* s.wait(sleep(1));
      expect(last.cancel()).toBe(true);
      yield* failure(s, last);
      expect([first.cancelling(), first.cancelled(), last.cancelled()]).toEqual([1, true, true]);
    }),
  );

  test(
    'fail with the first error, as few do',
    program(s, function* () {
      const error = new RangeError('of the first');
      const failing = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(1));
          throw error;
        }),
      );
      expect((yield* failure(s, nested(failing, 20_000))) === error).toBe(true);
    }),
  );
});
