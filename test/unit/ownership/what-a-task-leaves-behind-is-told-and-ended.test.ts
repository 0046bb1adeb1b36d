import {
  createTask,
  currentTask,
  EventLoop,
  Future,
  forEach,
  gather,
  getRunningLoop,
  iterate,
  Lock,
  run,
  sleep,
  type Task,
  taskGroup,
  timeout,
  wrapPromise,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, test, vi } from 'vitest';
import { muteLog } from '../../support/loops.ts';
import { runInProcess } from '../../support/processes.ts';
import { outcome, SimulatedRuntime, simulate, simulated } from '../../support/simulated-runtime.ts';
import { runVirtually } from '../../support/spellings.ts';

/** R8: lines that a task leaves behind are cancelled and end; they do not wait for ever. */

/** Waits, and cleans up for a second; notes the errors that it gets, and when. */
async function cleaningUp(log: string[], name: string, wait: () => PromiseLike<unknown>): Promise<void> {
  const note = (what: string) => log.push(`${getRunningLoop().time()} ${name} ${what}`);
  try {
    await wait();
    note('went on');
  } catch (error) {
    note((error as Error).name);
    throw error;
  } finally {
    try {
      await sleep(1);
      note('cleaned up');
    } catch (error) {
      note(`was disturbed by ${(error as Error).name}`);
    }
  }
}

/** A line that no code awaits, and whose rejection is to be ignored. */
function floating(line: Promise<unknown>): void {
  line.catch(() => {});
}

const LEFT = /left behind/;

describe('lines that still wait when a scope fails', () => {
  test(
    'are cancelled with it, also if it has failed because a future was cancelled that it waited for',
    simulated(async () => {
      const log: string[] = [];
      const future = new Future<void>();
      getRunningLoop().callLater(1, () => future.cancel());
      const body = () => Promise.race([future, cleaningUp(log, 'line', () => sleep(60))]);
      expect(await outcome(timeout(5, body))).toBe('CancelledError');
      await sleep(3);
      expect(log).toEqual(['1 line CancelledError', '2 line cleaned up']);
    }),
  );

  test(
    'are cancelled with it: a deadline',
    simulated(async () => {
      const log: string[] = [];
      const failing = async () => {
        await sleep(1);
        throw new RangeError('of a branch');
      };
      const both = timeout(50, async () => await Promise.all([cleaningUp(log, 'sibling', () => sleep(60)), failing()]));
      expect(await outcome(both)).toBe('RangeError');
      expect(await sleep(10, 'went on')).toBe('went on');
      expect(log).toEqual(['1 sibling CancelledError', '2 sibling cleaned up']);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'are cancelled with it: the body of a group',
    simulated(async () => {
      const log: string[] = [];
      const group = taskGroup(async () => {
        floating(cleaningUp(log, 'line', () => sleep(60)));
        await sleep(1);
        throw new RangeError('of the body');
      });
      expect(await outcome(group)).toBe('ExceptionGroup');
      await sleep(10);
      expect(log).toEqual(['1 line CancelledError', '2 line cleaned up']);
    }),
  );

  test(
    'are cancelled with it: a task, which stays open until they have cleaned up',
    simulated(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        floating(cleaningUp(log, 'line', () => sleep(60)));
        await sleep(1);
        throw new RangeError('of the task');
      });
      await sleep(1.5);
      expect(task.done()).toBe(false);
      expect(await outcome(task)).toBe('RangeError');
      expect(log).toEqual(['1 line CancelledError', '2 line cleaned up']);
    }),
  );

  test(
    'do not concern a scope that ends well: they go on',
    simulated(async () => {
      const log: string[] = [];
      await timeout(50, async () => {
        floating(cleaningUp(log, 'line', () => sleep(5)));
        await sleep(1);
      });
      await sleep(10);
      expect(log).toEqual(['5 line went on', '6 line cleaned up']);
    }),
  );
});

describe('lines that still wait when their task is cancelled', () => {
  test(
    'are all cancelled, each cleans up, and the task is open until the last of them is gone',
    simulated(async () => {
      const log: string[] = [];
      const task = createTask(() =>
        Promise.all([
          cleaningUp(log, 'a', () => sleep(60)),
          cleaningUp(log, 'b', () => timeout(50, () => cleaningUp(log, 'inner', () => sleep(60)))),
        ]),
      );
      await sleep(1);
      task.cancel();
      await sleep(1.5);
      expect(task.done()).toBe(false);
      await outcome(task);
      expect(task.cancelled()).toBe(true);
      expect(log).toEqual([
        '1 a CancelledError',
        '1 inner CancelledError',
        '2 a cleaned up',
        '2 inner cleaned up',
        '2 b CancelledError',
        '3 b cleaned up',
      ]);
    }),
  );

  test(
    'include those that are not awaited',
    simulated(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        floating(cleaningUp(log, 'floating', () => sleep(60)));
        await sleep(60);
      });
      await sleep(1);
      task.cancel();
      await outcome(task);
      expect(log).toEqual(['1 floating CancelledError', '2 floating cleaned up']);
    }),
  );

  test(
    'are waited for by a group, a gather and a deadline around the task',
    simulated(async () => {
      const log: string[] = [];
      const branches = () =>
        Promise.all([cleaningUp(log, 'a', () => sleep(60)), cleaningUp(log, 'b', () => sleep(60))]);
      await outcome(timeout(1, async () => await gather(branches)));
      log.push(`${getRunningLoop().time()} left`);
      expect(log.at(-1)).toBe('2 left');
      expect(log).toHaveLength(5);
    }),
  );
});

describe('lines of a task that has finished', () => {
  test(
    'go on, with deadlines of their own',
    simulated(async () => {
      const log: unknown[] = [];
      await createTask(async () => {
        floating(
          (async () => {
            await sleep(1);
            log.push(await outcome(timeout(1, () => sleep(60))));
            log.push(await sleep(1, 'to its end'));
          })(),
        );
      });
      await sleep(10);
      expect(log).toEqual(['TimeoutError', 'to its end']);
    }),
  );

  test(
    'have no current task any more',
    simulated(async () => {
      const seen: unknown[] = [];
      await createTask(async () => {
        floating(
          (async () => {
            await sleep(1);
            seen.push(currentTask());
          })(),
        );
      });
      await sleep(5);
      expect(seen).toEqual([null]);
    }),
  );

  test('are cancelled when run() ends, have time to clean up, and are reported', async () => {
    const log: string[] = [];
    await simulate(
      async () => {
        await createTask(async () => {
          floating(cleaningUp(log, 'of a task', () => sleep(60)));
        });
        floating(cleaningUp(log, 'of main', () => sleep(60)));
        await sleep(1);
      },
      { warnings: [/Task-\d+ had left behind/, /Task 'main' had left behind/] },
    );
    expect(log.toSorted()).toEqual([
      '1 of a task CancelledError',
      '1 of main CancelledError',
      '2 of a task cleaned up',
      '2 of main cleaned up',
    ]);
  });

  test('are reported once for their task, with what they wait for, and what to write', async () => {
    await simulate(
      async () => {
        floating(sleepingFunction());
        floating(outcome(new Future()));
        await sleep(1);
      },
      {
        warnings: [
          /^The end of run\(\) has cancelled what Task 'main' had left behind.*createTask\(f\)[\s\S]*Future[\s\S]*sleep/,
        ],
      },
    );
  });

  test('are reported with their places when the task ends, in debug mode: each place once', async () => {
    const place = /at \S*what-a-task-leaves-behind\S*:\d+/;
    await simulate(
      async ({ warnings }) => {
        await createTask(async () => {
          floating(sleepingFunction());
        });
        expect(warnings.splice(0)).toEqual([
          expect.stringMatching(/^Task-\d+ has ended, and has left an await behind/),
        ]);
        floating((async () => await sleep(60))());
      },
      {
        debug: true,
        warnings: [new RegExp(`^Task 'main' has ended[\\s\\S]*${place.source}`)],
      },
    );
  });

  test('that clean up over several awaits are waited for', async () => {
    const log: string[] = [];
    await simulate(
      async () => {
        floating(
          (async () => {
            try {
              await sleep(60);
            } finally {
              for (let i = 0; i < 3; i++) await sleep(1);
              log.push(`${getRunningLoop().time()} cleaned up`);
            }
          })(),
        );
        await sleep(1);
      },
      { warnings: [LEFT] },
    );
    expect(log).toEqual(['4 cleaned up']);
  });

  test('that were started after a foreign promise are cancelled as well', async () => {
    const log: string[] = [];
    await simulate(
      async ({ foreign }) => {
        await foreign(1);
        floating(cleaningUp(log, 'late', () => sleep(60)));
        await sleep(1);
      },
      { warnings: [LEFT] },
    );
    expect(log).toEqual(['2 late CancelledError', '3 late cleaned up']);
  });
});

describe('a line that begins to wait while run() is ending', () => {
  for (const microtasks of [0, 1, 2, 3, 4, 5, 6, 8, 12, 20]) {
    for (const [what, first] of [
      ['a deadline', () => timeout(1, async () => {})],
      ['nothing', async () => {}],
    ] as const) {
      test(`is cancelled, and is waited for: ${microtasks} microtasks, then ${what}`, async () => {
        const log: string[] = [];
        const line = async () => {
          for (let i = 0; i < microtasks; i++) await null;
          await first();
          await cleaningUp(log, 'line', () => sleep(60));
        };
        const ends: Promise<unknown>[] = [];
        await simulate(
          async () => {
            createTask(async () => {
              ends.push(outcome(line()));
            });
          },
          { warnings: null },
        );
        expect(await Promise.all(ends)).toEqual(['CancelledError']);
        // Where the deadline itself was cancelled, the line did not come as far as its wait.
        expect([[], ['0 line CancelledError', '1 line cleaned up']]).toContainEqual(log);
      });
    }
  }
});

describe('lines that begin to wait while others clean up at the end of run()', () => {
  const FAR = 1_000;

  test('are cancelled, and all clean up once, however many microtasks each of them is away from its wait', async () => {
    const log: string[] = [];
    const microtasks = [0, 1, 2, 3, 4, 5, 6, 8, 12, 20, 40];
    const line = async (count: number) => {
      for (let i = 0; i < count; i++) await null;
      await cleaningUp(log, `${count}`, () => sleep(FAR));
    };
    const ends: Promise<unknown>[] = [];
    const main = async () => {
      for (const count of microtasks) ends.push(outcome(line(count)));
    };
    // As programs run: the helpers of other tests let macrotasks pass after the main function.
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    await run(main, { loopFactory: () => new EventLoop({ host: new VirtualHost() }) });
    warn.mockRestore();
    expect(await Promise.all(ends)).toEqual(microtasks.map(() => 'CancelledError'));
    expect(log.toSorted()).toEqual(
      microtasks.flatMap((count) => [`0 ${count} CancelledError`, `1 ${count} cleaned up`]).toSorted(),
    );
  });
});

describe('a line that comes back late from a foreign promise', () => {
  test(
    'into a task that was cancelled gets that cancellation at its next await, once, and cleans up undisturbed',
    simulated(async ({ foreign }) => {
      const log: string[] = [];
      const late = async () => {
        await foreign(5);
        log.push('came back');
        await cleaningUp(log, 'late', () => sleep(60));
      };
      const task = createTask(() => Promise.all([sleep(60), late()]));
      await sleep(1);
      task.cancel();
      await outcome(task);
      expect(task.cancelled()).toBe(true);
      await sleep(30);
      expect(log).toEqual(['came back', '5 late CancelledError', '6 late cleaned up']);
    }),
  );

  test(
    'into a deadline that has left it behind gets the deadline’s cancellation at its next await, once',
    simulated(async ({ foreign }) => {
      const log: string[] = [];
      const late = async () => {
        await foreign(5);
        log.push('came back');
        await cleaningUp(log, 'late', () => sleep(60));
      };
      expect(await outcome(timeout(1, () => late()))).toBe('TimeoutError');
      expect(getRunningLoop().time()).toBe(1);
      await sleep(30);
      expect(log).toEqual(['came back', '5 late CancelledError', '6 late cleaned up']);
    }),
  );

  test(
    'that ends without an await of the library ends as it would have',
    simulated(async ({ foreign }) => {
      const ends: unknown[] = [];
      const late = async () => {
        try {
          await foreign(5);
          return 'a result';
        } finally {
          ends.push('late');
        }
      };
      let line: Promise<unknown> | undefined;
      const task = createTask(() => {
        line = late();
        return Promise.all([sleep(60), line]);
      });
      await sleep(1);
      task.cancel();
      await outcome(task);
      expect(await line).toBe('a result');
      expect(ends).toEqual(['late']);
    }),
  );

  test(
    'while an async generator is closed by its return() cleans up undisturbed',
    simulated(async ({ foreign }) => {
      const log: string[] = [];
      const items = async function* () {
        try {
          yield 1;
          await foreign(5);
          yield 2;
        } finally {
          await sleep(1);
          log.push(`${getRunningLoop().time()} cleaned up`);
        }
      };
      const consume = createTask(() => forEach(iterate(items()), async () => {}));
      await sleep(1);
      consume.cancel();
      expect(await outcome(consume)).toBe('CancelledError');
      await sleep(30);
      expect(log).toEqual(['6 cleaned up']);
    }),
  );
});

describe('lines that are between two awaits when run() ends', () => {
  test('are told once, and their clean-up is waited for, also where no scope of theirs is left', async () => {
    const log: string[] = [];
    let task: Task<unknown> | null = null;
    const ending = runVirtually(async () => {
      task = currentTask();
      const line = async () => {
        await timeout(60, async () => {
          task!.cancel();
        });
        await cleaningUp(log, 'line', () => sleep(60));
      };
      floating(line());
    });
    expect(await outcome(ending)).toBe('CancelledError');
    expect(log).toEqual(['0 line CancelledError', '1 line cleaned up']);
  });

  test('wait for nothing that they have left: a leftover of theirs ends with its await', async () => {
    muteLog('warn');
    let loop: EventLoop | null = null;
    await runVirtually(async () => {
      loop = getRunningLoop();
      const future = new Future<void>();
      const body = async () => {
        await outcome(future);
        await Promise.all([sleep(1), sleep(40)]);
      };
      floating((async () => await timeout(5, body))());
      await sleep(2);
    });
    expect(loop!.time()).toBe(5);
  });
});

describe('what comes after run()', () => {
  test('late results of promises and futures are dropped quietly', async () => {
    const runtime = new SimulatedRuntime();
    const settled: PromiseLike<unknown>[] = [];
    await simulate(async () => {
      const [later, failing] = [runtime.foreign(50), runtime.foreignFailure(60, new Error('late'))];
      failing.catch(() => {});
      wrapPromise(later);
      wrapPromise(failing);
      settled.push(
        later,
        failing.catch(() => {}),
      );
    });
    await Promise.all(settled);
    await runtime.foreign(1);
  });

  test('nothing throws "Event loop is closed" into the process, whatever a line does then', () => {
    const { stdout, stderr, status } = runInProcess(`
      import { Event, Future, Lock, Queue, run, sleep, taskGroup, timeout, gather, createTask } from 'asyncio-ts';
      const foreign = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      process.on('unhandledRejection', (error) => console.log('unhandled', String(error)));
      process.on('uncaughtException', (error) => console.log('uncaught', String(error)));
      const ways = {
        sleep: () => sleep(1),
        'sleep(0)': () => sleep(0),
        timeout: () => timeout(1, () => sleep(5)),
        group: () => taskGroup(async () => { await sleep(5); }),
        future: (things) => things.future,
        lock: (things) => things.lock.acquire(),
        event: (things) => things.event.wait(),
        queue: (things) => things.queue.get(),
        gather: () => gather(() => sleep(1)),
        task: () => createTask(() => sleep(1)),
      };
      const ends = {};
      for (const [name, way] of Object.entries(ways)) {
        let late;
        await run(async () => {
          const things = { future: new Future(), lock: new Lock(), event: new Event(), queue: new Queue() };
          await things.lock.acquire();
          late = (async () => {
            await foreign(5);
            await way(things);
          })();
          late.then(() => { ends[name] = 'ok'; }, (error) => { ends[name] = error.name; });
          await sleep(0);
        });
        await foreign(10);
      }
      await foreign(10);
      console.log(JSON.stringify(ends));
      process.exit();
    `);
    expect(stderr).not.toMatch(/Event loop is closed/);
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines).toHaveLength(1);
    const ends = JSON.parse(lines[0]!) as Record<string, string>;
    expect(Object.keys(ends)).toHaveLength(10);
    expect(new Set(Object.values(ends))).toEqual(new Set(['CancelledError']));
  });

  test('a future that is set then wakes no task, and throws nothing', async () => {
    let future: Future<string> | undefined;
    const log: unknown[] = [];
    await simulate(
      async () => {
        const own = new Future<string>();
        future = own;
        floating(outcome(own).then((end) => log.push(end)));
        await sleep(1);
      },
      { warnings: [LEFT] },
    );
    expect(log).toEqual(['CancelledError']);
    if (!future!.done()) future!.setResult('late');
  });
});

async function sleepingFunction(): Promise<void> {
  await sleep(60);
}

describe('lines that were told of a cancellation which their task has refused', () => {
  const CLEANED = ['1 line CancelledError', '2 line cleaned up'];
  const WAITS: Readonly<Record<string, () => PromiseLike<unknown>>> = {
    'a wait': () => sleep(60),
    'a deadline': () => timeout(90, () => sleep(60)),
    'a deadline around an async function': () => timeout(90, async () => await sleep(60)),
    'a group': () =>
      taskGroup(async () => {
        await sleep(60);
      }),
    'a lock': () => new Lock().with(async () => await sleep(60)),
  };
  for (const [what, wait] of Object.entries(WAITS)) {
    test(`clean up undisturbed when run() ends: ${what}`, async () => {
      const log: string[] = [];
      const warn = muteLog('warn');
      const controller = new AbortController();
      const main = async () => {
        floating(cleaningUp(log, 'line', wait));
        getRunningLoop().callLater(1, () => controller.abort());
        try {
          await sleep(60); // it goes on before the line does, since the latest wait is told first
          return 'went on';
        } catch {
          return 'refused';
        }
      };
      expect((await runVirtually(main, { signal: controller.signal })).result).toBe('refused');
      expect(log).toEqual(CLEANED);
      expect(warn).toHaveBeenCalledOnce();
    });
  }

  test('end before others go on, as lines of a task that is under way do', async () => {
    const log: string[] = [];
    muteLog('warn');
    await runVirtually(async () => {
      const task = createTask(async () => {
        floating(
          (async () => {
            await taskGroup(async () => await sleep(1));
            log.push('line');
          })(),
        );
        await sleep(0);
      });
      await task;
      getRunningLoop().callLater(1, () => getRunningLoop().callSoon(() => log.push('callback')));
      await sleep(2);
    });
    expect(log).toEqual(['line', 'callback']);
  });
});
