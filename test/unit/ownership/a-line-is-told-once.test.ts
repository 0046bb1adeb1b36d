import { AsyncLocalStorage } from 'node:async_hooks';
import {
  ContextVar,
  createTask,
  currentSignal,
  currentTask,
  Future,
  getRunningLoop,
  sleep,
  type Task,
  type TaskGroup,
  taskGroup,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { outcome, simulate, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

/** R3, R9: the requests that a line has received stay known along it, through the constructs that it awaits; those of other lines do not. */

/** A group whose one task fails at once, and whose other one needs two seconds to clean up. */
function* failingGroup(s: Spelling): Generator<unknown, void, unknown> {
  const failing = s.fn(function* (): Generator<unknown, void, unknown> {
    throw new RangeError('at once');
  });
  const slow = s.fn(function* () {
    try {
      yield* s.wait(sleep(60));
    } finally {
      yield* s.wait(sleep(2));
    }
  });
  const body = s.fn(function* (group: TaskGroup) {
    group.createTask(failing);
    group.createTask(slow);
  });
  expect(yield* failure(s, taskGroup(body))).toMatchObject({ name: 'ExceptionGroup' });
}

describeBoth('a deadline that passes while a failed group cleans up', (s) => {
  test(
    'is refused by a body that goes on without another await, as in CPython',
    program(s, function* () {
      const body = s.fn(function* () {
        yield* failingGroup(s);
        return 'went on';
      });
      expect(yield* s.wait(timeout(1, body))).toBe('went on');
      expect([currentTask()!.cancelling(), getRunningLoop().time()]).toEqual([0, 2]);
    }),
  );

  test(
    'is thrown at the next await, with the story of the deadline',
    program(s, function* () {
      let told = '';
      const body = s.fn(function* (): Generator<unknown, void, unknown> {
        yield* failingGroup(s);
        const error = yield* failure(s, sleep(60));
        told = (error as Error).message;
        throw error;
      });
      expect(yield* failure(s, timeout(1, body))).toMatchObject({ name: 'TimeoutError' });
      expect([told, getRunningLoop().time()]).toEqual([expect.stringMatching(/was cancelled by timeout\(1 s\)$/), 2]);
    }),
  );

  test(
    'is thrown at the next await also where a deadline inside it has passed as well, and was left',
    program(s, function* () {
      const inner = s.fn(function* () {
        yield* failingGroup(s);
      });
      const body = s.fn(function* () {
        yield* s.wait(timeout(1.5, inner));
        yield* s.wait(sleep(60));
      });
      expect(yield* failure(s, timeout(1, body))).toMatchObject({ name: 'TimeoutError' });
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'aborts a signal that is asked for later with the story of the deadline',
    program(s, function* () {
      const body = s.fn(function* () {
        yield* failingGroup(s);
        yield* failure(s, sleep(60));
        return (currentSignal().reason as Error).message;
      });
      expect(yield* s.wait(timeout(1, body))).toMatch(/was cancelled by timeout\(1 s\)$/);
    }),
  );
});

describe('a request that has hit a leftover of the line itself', () => {
  /** A function that is not awaited makes all waits that began before its step leftovers. */
  const floating = async () => {
    void (async () => await sleep(0.5))();
  };

  test(
    'is refused by the body of a deadline that goes on',
    simulated(async () => {
      const body = async () => {
        await floating();
        await outcome(
          taskGroup(async (group) => {
            group.createTask(() => sleep(60));
          }),
        );
        await sleep(2);
        return 'went on';
      };
      expect(await timeout(1, body)).toBe('went on');
      expect(getRunningLoop().time()).toBe(3);
    }),
  );

  test(
    'is refused where the deadline is awaited in frames',
    simulated(async () => {
      const body = function* () {
        yield* taskGroup(function* (group) {
          group.createTask(function* () {
            yield* sleep(60);
          });
        });
      };
      const catching = function* () {
        try {
          yield* body();
        } catch {
          // refused
        }
        return 'went on';
      };
      await floating();
      expect(await timeout(1, catching)).toBe('went on');
    }),
  );

  test(
    'leaves a deadline late whose body has not got it',
    simulated(async ({ foreign }) => {
      const body = async () => {
        await Promise.race([sleep(0.5), sleep(60)]);
        await foreign(2);
        return 'late';
      };
      const error: unknown = await timeout(1, body).then(String, (thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'TimeoutError', late: 'late' });
    }),
  );
});

describe('a line that has received a request', () => {
  test(
    'cleans up undisturbed when a failure was thrown instead of the cancellation that it got',
    simulated(async () => {
      const log: string[] = [];
      const line = async () => {
        try {
          await sleep(60);
        } finally {
          log.push(String(await outcome(sleep(5, 'cleaned up'))));
        }
      };
      const task = createTask(async () => {
        void line();
        const group = taskGroup(async (g) => {
          g.createTask(async () => {
            try {
              await sleep(60);
            } catch {
              throw new RangeError('in clean-up');
            }
          });
          await sleep(60);
        });
        log.push(String(await outcome(group)), String(await outcome(sleep(1))));
        await sleep(1);
        throw new RangeError('of the task');
      });
      await sleep(1);
      task.cancel();
      await outcome(task);
      expect(log).toEqual(['ExceptionGroup', 'CancelledError', 'cleaned up']);
    }),
  );

  test(
    'late, inside a deadline, goes on afterwards: it gets the request once',
    simulated(async ({ foreign }) => {
      const log: unknown[] = [];
      const line = async () => {
        void (async () => {
          try {
            await sleep(60);
          } finally {
            await sleep(20); // keeps the task open
          }
        })();
        const body = async () => {
          await foreign(5);
          await sleep(1);
        };
        log.push(await outcome(timeout(30, body)), await outcome(sleep(1, 'went on')));
      };
      const task = createTask(async () => await Promise.all([line(), sleep(60)]));
      await sleep(1);
      task.cancel();
      await outcome(task);
      expect(log).toEqual(['CancelledError', 'went on']);
    }),
  );

  test('by the signal does not stand for another line that comes back when run() has ended', async () => {
    const log: unknown[] = [];
    let settled: Promise<unknown> = Promise.resolve();
    await simulate(async ({ foreign }) => {
      const task: Task<unknown> = createTask(async () => {
        const bound = AsyncLocalStorage.bind(async () => {
          log.push(await outcome(sleep(60)));
        });
        settled = foreign(20).then(bound);
        task.cancel();
        currentSignal().throwIfAborted();
      });
      await outcome(task);
    });
    await settled;
    expect(log).toEqual(['CancelledError']);
  });
});

describe('a line that is woken by one that was told of something', () => {
  /** A line that waits in a deadline for a promise of the program, and what it does when that is resolved. */
  const waiting = (log: string[]) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const line = async () => {
      await promise;
      log.push('came back', String(await outcome(sleep(1, 'went on'))), String(await outcome(sleep(1, 'cleaned up'))));
    };
    return { line, resolve };
  };

  const told = ['came back', 'CancelledError', 'cleaned up'];

  test(
    'is told when it comes back into a deadline that was left without it: the waker was told of that deadline',
    simulated(async () => {
      for (const pause of [async () => {}, async () => await sleep(1)]) {
        const log: string[] = [];
        const { line, resolve } = waiting(log);
        expect(await outcome(timeout(1, () => line()))).toBe('TimeoutError');
        await pause();
        resolve();
        await sleep(5);
        expect(log).toEqual(told);
      }
    }),
  );

  test(
    'is told when the waker was told of another deadline, long ago or in a branch',
    simulated(async () => {
      const log: string[] = [];
      const { line, resolve } = waiting(log);
      const waker = async () => {
        expect(await outcome(timeout(1, () => sleep(60)))).toBe('TimeoutError');
        await sleep(2);
        resolve();
      };
      await Promise.all([outcome(timeout(2, () => line())), waker()]);
      await sleep(5);
      expect(log).toEqual(told);
    }),
  );

  test(
    'is told when another line of what was left got the request',
    simulated(async () => {
      const log: string[] = [];
      const { line, resolve } = waiting(log);
      const branches = () => Promise.all([sleep(60), line()]);
      expect(await outcome(timeout(1, branches))).toBe('TimeoutError');
      await sleep(1);
      resolve();
      await sleep(5);
      expect(log).toEqual(told);
    }),
  );

  test(
    'is told when the waker came late into another deadline',
    simulated(async ({ foreign }) => {
      const log: string[] = [];
      const { line, resolve } = waiting(log);
      const late = async () => {
        await foreign(3);
        expect(await outcome(sleep(60))).toBe('CancelledError');
        resolve();
      };
      expect(await outcome(timeout(1, () => line()))).toBe('TimeoutError');
      expect(await outcome(timeout(1, () => late()))).toBe('TimeoutError');
      await sleep(9);
      expect(log).toEqual(told);
    }),
  );

  test(
    'is not told again when it has awaited the one that came late',
    simulated(async ({ foreign }) => {
      const log: string[] = [];
      const late = async () => {
        await foreign(3);
        await sleep(60);
      };
      const caller = async () => {
        log.push(String(await outcome(late())), String(await outcome(sleep(1, 'cleaned up'))));
      };
      expect(await outcome(timeout(1, () => caller()))).toBe('TimeoutError');
      await sleep(9);
      expect(log).toEqual(['CancelledError', 'cleaned up']);
    }),
  );
});

describe('a line that was told by the signal of a scope around its own', () => {
  type Cleaning = (signal: AbortSignal) => Promise<void>;

  const ends: [what: string, end: (line: Cleaning) => Promise<unknown>][] = [
    [
      'the task was cancelled',
      async (line) => {
        const task = createTask(async () => {
          const signal = currentSignal();
          await timeout(60, () => line(signal));
        });
        await sleep(1);
        task.cancel();
        return await outcome(task);
      },
    ],
    [
      'a deadline has passed',
      async (line) =>
        await outcome(
          timeout(1, async () => {
            const signal = currentSignal();
            await timeout(60, () => line(signal));
          }),
        ),
    ],
    [
      'a group has failed',
      async (line) =>
        await outcome(
          taskGroup(async (group) => {
            group.createTask(async () => {
              await sleep(1);
              throw new RangeError('of a child');
            });
            const signal = currentSignal();
            await timeout(60, () => line(signal));
          }),
        ),
    ],
  ];

  for (const [what, end] of ends) {
    for (const microtasks of [0, 3, 30]) {
      test(
        `cleans up undisturbed: ${what}, ${microtasks} microtasks ago`,
        simulated(async () => {
          const log: unknown[] = [];
          const line: Cleaning = async (signal) => {
            try {
              await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
            } finally {
              for (let i = 0; i < microtasks; i++) await null;
              log.push(await outcome(sleep(1, 'cleaned')), await outcome(sleep(1, 'up')));
            }
          };
          await end(line);
          await sleep(5);
          expect(log).toEqual(['cleaned', 'up']);
        }),
      );
    }
  }
});

describe('a branch that cleans up', () => {
  const branches = async (log: unknown[]) => {
    const cleaning = async (seconds: number) => {
      try {
        await sleep(60);
      } finally {
        log.push(await outcome(sleep(seconds, 'cleaned up')));
      }
    };
    await Promise.all([cleaning(5), cleaning(1)]);
  };
  const failing = async (group: TaskGroup, body: () => Promise<void>) => {
    group.createTask(async () => {
      await sleep(1);
      throw new RangeError('of a child');
    });
    await body();
  };
  const cases: [what: string, run: (body: () => Promise<void>) => PromiseLike<unknown>][] = [
    ['its group, which has failed', (body) => taskGroup((group) => failing(group, body))],
    ['its group, which was cancelled with a deadline', (body) => timeout(1, () => taskGroup(body))],
    [
      'a deadline in a group that has failed',
      (body) => taskGroup((group) => failing(group, async () => await timeout(60, body))),
    ],
    [
      'a deadline that was left by another error',
      (body) =>
        timeout(1, () =>
          timeout(60, async () => {
            await outcome(body());
            throw new RangeError('in place of the cancellation');
          }),
        ),
    ],
  ];

  for (const [what, construct] of cases) {
    test(
      `is not cancelled a second time when another one leaves ${what}`,
      simulated(async () => {
        const log: unknown[] = [];
        await outcome(construct(() => branches(log)));
        await sleep(20);
        expect(log).toEqual(['cleaned up', 'cleaned up']);
      }),
    );
  }
});

test(
  'a line that comes late is told at its first await, also of what is there already',
  simulated(async ({ foreign }) => {
    const log: string[] = [];
    const done = new Future<void>();
    done.setResult();
    const body = () =>
      (async () => {
        await foreign(5);
        log.push(String(await outcome(done)));
        log.push(String(await outcome(sleep(1, 'cleaned up'))));
      })();
    const task = createTask(async () => await timeout(1, body));
    expect(await outcome(task)).toBe('TimeoutError');
    await sleep(9);
    expect(log).toEqual(['CancelledError', 'cleaned up']);
  }),
);

test(
  'the reason that a line has read does not stand for a later request that another line misses',
  simulated(async ({ foreign }) => {
    const log: string[] = [];
    const late = async () => {
      await foreign(9);
      log.push(String(await outcome(sleep(1))));
    };
    const inner = async () => {
      try {
        const { promise, reject } = Promise.withResolvers<void>();
        const signal = currentSignal();
        signal.addEventListener('abort', () => reject(signal.reason));
        await promise;
      } catch {
        await outcome(timeout(60, () => late())); // it goes on after the deadline of its own, until the one around it
      }
    };
    await outcome(timeout(5, async () => await timeout(1, inner)));
    await sleep(20);
    expect(log).toEqual(['CancelledError']);
  }),
);

test('what a line awaits after the end of its run counts as awaited, though it never runs', async () => {
  const wait = sleep(60);
  let settled: Promise<unknown> = Promise.resolve();
  await simulate(async ({ foreign }) => {
    const bound = AsyncLocalStorage.bind(async () => await outcome(wait));
    settled = foreign(20).then(bound);
  });
  expect(await settled).toBe('CancelledError');
  expect(() => wait[Symbol.iterator]()).toThrow('cannot reuse already awaited coroutine');
});

describe('a branch of a group that cleans up', () => {
  /** Its other branch ends at once, and the group with it. */
  const branches = (log: unknown[]) => async () => {
    const cleansUp = async () => {
      try {
        await sleep(60);
      } finally {
        log.push(await outcome(sleep(2, 'cleaned up')));
      }
    };
    await Promise.all([cleansUp(), sleep(60)]);
  };

  test(
    'is told once when a task of the group has cancelled the group',
    simulated(async () => {
      const log: unknown[] = [];
      await taskGroup(async (group) => {
        group.createTask(async () => {
          await sleep(1);
          group.cancel();
        });
        await branches(log)();
      });
      await sleep(5);
      expect(log).toEqual(['cleaned up']);
    }),
  );

  test(
    'is told once when a deadline around the group has passed',
    simulated(async () => {
      const log: unknown[] = [];
      expect(await outcome(timeout(1, () => taskGroup(branches(log))))).toBe('TimeoutError');
      expect(await outcome(timeout(1, async () => await taskGroup(branches(log))))).toBe('TimeoutError');
      await sleep(5);
      expect(log).toEqual(['cleaned up', 'cleaned up']);
    }),
  );
});

describe('a line that cancels its own task', () => {
  test(
    'in a branch, inside a deadline, gets the request at its next await, although another branch gets it at once',
    simulated(async () => {
      const log: unknown[] = [];
      const task: Task<unknown> = createTask(async () => {
        const asking = async () => {
          await timeout(30, async () => {
            task.cancel();
          });
          log.push(await outcome(sleep(5)));
        };
        await Promise.allSettled([sleep(60), timeout(20, asking)]);
      });
      await outcome(task);
      expect(log).toEqual(['CancelledError']);
    }),
  );

  test(
    'and ends leaves the request to the line that awaits it',
    simulated(async () => {
      const log: unknown[] = [];
      const task: Task<unknown> = createTask(async () => {
        void sleep(60);
        const asking = async () => {
          await sleep(1);
          task.cancel();
        };
        await asking();
        log.push(await outcome(sleep(5)));
      });
      await outcome(task);
      expect(log).toEqual(['CancelledError']);
    }),
  );

  test(
    'and ends leaves nothing to a line that has caught the request',
    simulated(async () => {
      const log: unknown[] = [];
      const task: Task<unknown> = createTask(async () => {
        const asking = async () => {
          await sleep(1);
          task.cancel();
        };
        log.push(await outcome(Promise.all([sleep(60), asking()])), await outcome(sleep(5, 'went on')));
        return 'refused';
      });
      expect(await outcome(task)).toBe('refused');
      expect(log).toEqual(['CancelledError', 'went on']);
    }),
  );
});

describe('the first segment of a task', () => {
  const user = new ContextVar<string>('user', { default: 'nobody' });

  test(
    'that sets a variable after it has begun a function sees it after each await of the library, and the function does not',
    simulated(async () => {
      for (const wait of [
        () => sleep(0),
        () => sleep(1),
        () => timeout(1, async () => {}),
        () => taskGroup(async () => {}),
      ]) {
        const task = createTask(async () => {
          const other = (async () => {
            await sleep(5);
            return user.get();
          })();
          user.set('main');
          await wait();
          const seen = user.get();
          await sleep(1);
          return [seen, user.get(), await other];
        });
        expect(await task).toEqual(['main', 'main', 'nobody']);
      }
    }),
  );
});

describeBoth('a line that a finished task has left behind', (s) => {
  test(
    'has no current task',
    simulated(async () => {
      const seen: unknown[] = [];
      const line = s.fn(function* () {
        yield* s.wait(sleep(2));
        seen.push(currentTask());
      });
      await createTask(async () => {
        timeout(30, line).then(null, null);
        return 'done';
      });
      await sleep(5);
      expect(seen).toEqual([null]);
    }),
  );
});
