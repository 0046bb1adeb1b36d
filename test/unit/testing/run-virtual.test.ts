import { readFile } from 'node:fs/promises';
import {
  createTask,
  Event,
  ExceptionGroup,
  Future,
  gather,
  getRunningLoop,
  Queue,
  run,
  sleep,
  taskGroup,
  timeout,
} from 'asyncio-ts';
import {
  DeadlockError,
  LeakError,
  LivelockError,
  runVirtual,
  UnretrievedError,
  VirtualClock,
} from 'asyncio-ts/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { muteLog } from '../../support/loops.ts';
import { describeBoth } from '../../support/spellings.ts';

/** What a promise rejects with. */
async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    return `it did not fail: ${await promise}`;
  } catch (error) {
    return error;
  }
}

const message = async (promise: PromiseLike<unknown>): Promise<string> => {
  const error = await failureOf(promise);
  return error instanceof Error ? error.message : String(error);
};

describeBoth('simulated time', (s) => {
  test('begins at 0 and jumps to the next timer when nothing is ready', async () => {
    const seen: number[] = [];
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      for (const delay of [0, 1, 3_600]) {
        yield* s.wait(sleep(delay));
        seen.push(loop.time());
      }
      return 'done';
    });
    expect(await runVirtual(main)).toBe('done');
    expect(seen).toEqual([0, 1, 3_601]);
  });

  test('passes two hours of staggered timers without waiting for them', { timeout: 60_000 }, async () => {
    const seconds = await runVirtual(
      s.fn(function* () {
        const worker = (index: number) =>
          s.fn(function* () {
            for (let round = 0; round < 72; round++) yield* s.wait(sleep(100 - index / 100));
          });
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              for (let index = 0; index < 100; index++) group.createTask(worker(index));
            }),
          ),
        );
        return getRunningLoop().time();
      }),
    );
    expect(seconds).toBeCloseTo(7_200, 6);
  });

  test('costs no more than it must with 10,000 tasks and as many jumps', { timeout: 60_000 }, async () => {
    let finished = 0;
    await runVirtual(
      s.fn(function* () {
        const worker = (seconds: number) =>
          s.fn(function* () {
            yield* s.wait(sleep(seconds));
            finished++;
          });
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              for (let seconds = 1; seconds <= 10_000; seconds++) group.createTask(worker(seconds));
            }),
          ),
        );
      }),
    );
    expect(finished).toBe(10_000);
  }); // it takes about 0.4 s; a cost that grows with the square of their number would be minutes

  test('expires deadlines, at their time', async () => {
    const main = s.fn(function* () {
      try {
        yield* s.wait(
          timeout(
            30,
            s.fn(function* () {
              yield* s.wait(sleep(60));
            }),
          ),
        );
      } catch (error) {
        return [(error as Error).name, getRunningLoop().time()];
      }
      return [];
    });
    expect(await runVirtual(main)).toEqual(['TimeoutError', 30]);
  });

  test('gives the same trace each time', async () => {
    const trace = async (): Promise<string[]> => {
      const seen: string[] = [];
      await runVirtual(
        s.fn(function* () {
          const worker = (name: string, delay: number) =>
            s.fn(function* () {
              for (let i = 0; i < 3; i++) {
                yield* s.wait(sleep(delay));
                seen.push(`${name} at ${getRunningLoop().time()}`);
              }
            });
          yield* s.wait(gather([2, 3, 2, 1].map((delay, i) => worker(`worker ${i}`, delay))));
        }),
      );
      return seen;
    };
    const first = await trace();
    expect(first).toHaveLength(12);
    expect(await trace()).toEqual(first);
  });

  test('passes while what is cancelled at the end cleans up', async () => {
    let cleanedAt = 0;
    await runVirtual(
      s.fn(function* () {
        createTask(
          s.fn(function* () {
            try {
              yield* s.wait(sleep(100));
            } finally {
              yield* s.wait(sleep(5));
              cleanedAt = getRunningLoop().time();
            }
          }),
        );
        yield* s.wait(sleep(1));
      }),
    );
    expect(cleanedAt).toBe(6);
  });
});

describeBoth('a program in simulated time', (s) => {
  test('fails with what its main function throws, which keeps its stack', async () => {
    const thrown = new RangeError('too far');
    const { stack } = thrown;
    const error = await failureOf(
      runVirtual(
        s.fn(function* () {
          yield* s.wait(sleep(1));
          throw thrown;
        }),
      ),
    );
    expect(error).toBe(thrown);
    expect((error as Error).stack).toBe(stack);
  });

  test('may leave tasks behind, which are cancelled, unless leaks fail it', async () => {
    const main = s.fn(function* () {
      createTask(
        s.fn(function* worker() {
          yield* s.wait(sleep(100));
        }),
        { name: 'worker' },
      );
      getRunningLoop().callLater(5, function later() {});
      yield* s.wait(sleep(1));
      return 'done';
    });
    expect(await runVirtual(main)).toBe('done');
    const error = await failureOf(runVirtual(main, { failOnLeaks: true }));
    expect(error).toBeInstanceOf(LeakError);
    expect((error as LeakError).left).toEqual([
      expect.stringMatching(/^task worker, which waits for sleep\(\) at \S+\/\S+\.ts:\d+:\d+$/),
      'timer <TimerHandle when=5 later()>',
    ]);
  });

  test('lets what it has cancelled last end before it looks for leaks', async () => {
    const main = s.fn(function* () {
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(100));
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
    });
    await runVirtual(main, { failOnLeaks: true, failOnUnretrieved: true });
  });

  test('that loses an error fails with it, when it is asked to', async () => {
    const lost = new Error('nobody looks at this');
    const main = s.fn(function* () {
      createTask(
        s.fn(function* () {
          throw lost;
        }),
      );
      yield* s.wait(sleep(1));
    });
    const error = await failureOf(runVirtual(main, { failOnUnretrieved: true }));
    expect(error).toBeInstanceOf(UnretrievedError);
    expect((error as UnretrievedError).errors).toEqual([lost]);
    expect((error as UnretrievedError).cause).toBe(lost);
    const logged = muteLog('error');
    await runVirtual(main);
    expect(logged).toHaveBeenCalledOnce();
  });

  test('that leaks and loses fails with both', async () => {
    const main = s.fn(function* () {
      createTask(
        s.fn(function* () {
          throw new Error('lost');
        }),
      );
      createTask(
        s.fn(function* () {
          yield* s.wait(sleep(100));
        }),
      );
      yield* s.wait(sleep(1));
    });
    const error = await failureOf(runVirtual(main, { failOnLeaks: true, failOnUnretrieved: true }));
    expect(error).toBeInstanceOf(ExceptionGroup);
    expect((error as ExceptionGroup).errors.map((one) => (one as Error).name)).toEqual([
      'LeakError',
      'UnretrievedError',
    ]);
  });

  test('that fails tells its own error, and not what it has left', async () => {
    const main = s.fn(function* () {
      createTask(
        s.fn(function* () {
          yield* s.wait(sleep(100));
        }),
      );
      yield* s.wait(sleep(1));
      throw new RangeError('too far');
    });
    expect(await failureOf(runVirtual(main, { failOnLeaks: true }))).toBeInstanceOf(RangeError);
  });

  test('that runs on without any time passing is a livelock', async () => {
    const main = s.fn(function* () {
      for (;;) yield* s.wait(sleep(0));
    });
    const error = await failureOf(runVirtual(main, { maxSteps: 500 }));
    expect(error).toBeInstanceOf(LivelockError);
    expect((error as Error).message).toContain('500 iterations');
    expect((error as Error).message).toContain('What its tasks do now:\n  Task-1');
  });

  test('that runs on while time passes is none', async () => {
    const main = s.fn(function* () {
      for (let i = 0; i < 2_000; i++) yield* s.wait(sleep(i % 100 === 0 ? 1 : 0));
      return 'done';
    });
    expect(await runVirtual(main, { maxSteps: 500 })).toBe('done');
  });

  test('in which nothing is left that could ever run ends at once, with what it waits for', async () => {
    const main = s.fn(function* main() {
      const ready = new Event();
      yield* s.wait(sleep(10));
      yield* s.wait(ready.wait());
    });
    const error = await failureOf(runVirtual(main, { name: 'Main' }));
    expect(error).toBeInstanceOf(DeadlockError);
    expect((error as Error).message).toMatch(
      /^nothing is left in the program that could ever run:\n {2}nothing will ever set <Event \[unset, waiters:1\]>; Main(?: \(main\))? waits for it at \S+\.ts:\d+:\d+$/,
    );
  });

  test('whose left tasks refuse to end does not hang', async () => {
    const main = s.fn(function* () {
      createTask(
        s.fn(function* () {
          for (;;) {
            try {
              yield* s.wait(new Event().wait());
            } catch {
              // It goes on.
            }
          }
        }),
      );
      yield* s.wait(sleep(1));
      return 'done';
    });
    expect(await runVirtual(main)).toBe('done');
    const error = await failureOf(runVirtual(main, { failOnLeaks: true }));
    expect((error as ExceptionGroup).errors.map((one) => (one as Error).name)).toEqual(['LeakError', 'DeadlockError']);
  });

  test('may run beside others, as concurrent tests do', async () => {
    const program = (step: number) =>
      s.fn(function* () {
        const ready = new Event();
        const items = new Queue<number>();
        const helper = createTask(
          s.fn(function* () {
            yield* s.wait(sleep(step));
            ready.set();
            yield* s.wait(sleep(step));
            items.putNowait(step);
          }),
        );
        yield* s.wait(ready.wait());
        const item = yield* s.wait(items.get());
        yield* s.wait(helper);
        return [item, getRunningLoop().time()];
      });
    const ends = await Promise.all(
      [1, 2, 3, 4].map((step) => runVirtual(program(step), { failOnLeaks: true, failOnUnretrieved: true })),
    );
    expect(ends).toEqual([1, 2, 3, 4].map((step) => [step, 2 * step]));
  });

  test('comes to a standstill by itself, whatever runs beside it', async () => {
    const stuck = s.fn(function* () {
      yield* s.wait(sleep(1));
      yield* s.wait(new Future());
    });
    const fine = s.fn(function* () {
      for (let i = 0; i < 50; i++) yield* s.wait(sleep(1));
      return 'done';
    });
    const ends = await Promise.allSettled([runVirtual(stuck), runVirtual(fine), runVirtual(stuck)]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  });
});

describe('real work in simulated time', () => {
  test('is waited for before the clock jumps', async () => {
    const main = async () => {
      const text = await timeout(5, async () => await readFile(new URL(import.meta.url), 'utf8'));
      return [text.includes('is waited for before the clock jumps'), getRunningLoop().time()];
    };
    expect(await runVirtual(main)).toEqual([true, 0]);
  });

  test('is waited for though other work of its kind was under way when the program began', async () => {
    const others = [1, 2, 3, 4].map(() => readFile(new URL(import.meta.url)));
    const main = async () => await timeout(5, async () => (await readFile(new URL(import.meta.url))).length > 0);
    expect(await Promise.all([1, 2, 3].map(() => runVirtual(main)))).toEqual([true, true, true]);
    await Promise.all(others);
  });

  test('may be all that is left, and is followed by simulated time', async () => {
    const main = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      await sleep(60);
      return getRunningLoop().time();
    };
    expect(await runVirtual(main)).toBe(60);
  });

  test('that never ends runs into its deadline', async () => {
    const main = async () => {
      const error = await failureOf(timeout(5, () => new Promise(() => {})));
      return [(error as Error).name, getRunningLoop().time()];
    };
    expect(await runVirtual(main)).toEqual(['TimeoutError', 5]);
  });

  test('that never ends, and has no deadline, is a standstill', async () => {
    const main = async () => await new Promise(() => {});
    expect(await message(runVirtual(main, { patience: 0.02 }))).toContain('a promise that is not of this library');
  });
});

describe('simulated time while timers are faked', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const main = async () => {
    await sleep(10);
    await taskGroup(async (group) => {
      group.createTask(() => sleep(20));
      group.createTask(function* () {
        yield* sleep(30);
      });
    });
    return getRunningLoop().time();
  };

  test.each([
    ['what Vitest fakes by default', undefined],
    ['everything', ['setTimeout', 'setImmediate', 'setInterval', 'performance', 'Date', 'queueMicrotask', 'hrtime']],
  ] as const)('passes all the same: %s', async (_what, toFake) => {
    vi.useFakeTimers(toFake === undefined ? undefined : { toFake: [...toFake] });
    expect(await runVirtual(main)).toBe(40);
    expect(await Promise.all([runVirtual(main), runVirtual(main)])).toEqual([40, 40]);
  });

  test('still ends with a standstill', async () => {
    vi.useFakeTimers();
    expect(await failureOf(runVirtual(async () => await new Event().wait()))).toBeInstanceOf(DeadlockError);
    const never = async () => await new Promise(() => {});
    expect(await failureOf(runVirtual(never, { patience: 0.02 }))).toBeInstanceOf(DeadlockError);
  });
});

describe('runVirtual', () => {
  test('refuses to be called in a running loop', async () => {
    const inner = run(async () => await failureOf(runVirtual(async () => {})));
    expect(await inner).toMatchObject({ code: 'LOOP_RUNNING' });
  });

  test('refuses numbers that it cannot use', async () => {
    const main = async () => {};
    await expect(runVirtual(main, { patience: -1 })).rejects.toThrow(/runVirtual: patience/);
    await expect(runVirtual(main, { patience: '1' as never })).rejects.toThrow(/runVirtual: patience/);
    await expect(runVirtual(main, { maxSteps: Number.NaN })).rejects.toThrow(
      /runVirtual: maxSteps must be a whole number/,
    );
  });

  test('says its own name when it is given what cannot be run, or a promise in debug mode', async () => {
    await expect(runVirtual(42 as never)).rejects.toThrow(/^runVirtual: .* is required, got 42/);
    const warn = muteLog('warn');
    expect(await runVirtual(Promise.resolve('done'), { debug: true })).toBe('done');
    expect(warn.mock.calls.flat().join()).toMatch(/runVirtual\(\) was given a promise.*: write runVirtual\(main\)/);
    await using clock = new VirtualClock();
    expect(() => clock.start(42 as never)).toThrow(/^clock\.start: .* is required, got 42/);
  });

  test('knows its options', async () => {
    const wrong = { failOnLeak: true } as object;
    expect(await message(runVirtual(async () => {}, wrong))).toContain('failOnLeaks');
  });

  test('names the main task', async () => {
    const { currentTask } = await import('asyncio-ts');
    expect(await runVirtual(async () => currentTask()?.getName(), { name: 'Main' })).toBe('Main');
  });
});
