import timers from 'node:timers/promises';
import {
  createTask,
  currentSignal,
  currentTask,
  Event,
  Future,
  getRunningLoop,
  Lock,
  sleep,
  type Task,
  taskGroup,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { outcome, type SimulatedRuntime, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R3: a request is delivered once to each line that it concerns; when all that it has hit is left over, it waits for the next await. */

/** Waits, and cleans up for a second with waits of the library; notes the errors that it gets. */
async function cleaningUp(log: string[], name: string, wait: () => PromiseLike<unknown>): Promise<void> {
  try {
    await wait();
    log.push(`${name} went on`);
  } catch (error) {
    log.push(`${name} ${(error as Error).name}`);
    throw error;
  } finally {
    try {
      await sleep(0.5);
      await sleep(0.5);
      log.push(`${name} cleaned up`);
    } catch (error) {
      log.push(`${name} was disturbed by ${(error as Error).name}`);
    }
  }
}

/** Cancels a task after some seconds; gives how it ended. */
async function cancelledAfter(seconds: number, task: Task<unknown>): Promise<unknown> {
  await sleep(seconds);
  task.cancel();
  return await outcome(task);
}

describeBoth('with one line, a request', (s) => {
  test(
    'is thrown once, and the clean-up is undisturbed',
    program(s, function* () {
      const log: string[] = [];
      const task = createTask(
        s.fn(function* () {
          try {
            yield* s.wait(sleep(60));
          } finally {
            for (let i = 0; i < 3; i++) {
              yield* s.wait(sleep(1));
              log.push('cleaned up');
            }
          }
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(log).toEqual(['cleaned up', 'cleaned up', 'cleaned up']);
    }),
  );

  test(
    'that comes when it was woken and has not gone on yet is thrown anyway',
    program(s, function* () {
      const future = new Future<string>();
      const task = createTask(
        s.fn(function* () {
          return yield* s.wait(future);
        }),
      );
      yield* iterations(s, 2);
      future.setResult('the result is lost for this task');
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(future.result()).toBe('the result is lost for this task');
    }),
  );

  test(
    'of itself is thrown at the next await that has to wait',
    program(s, function* () {
      const done = new Future<string>();
      done.setResult('done');
      const seen: unknown[] = [];
      const task = createTask(
        s.fn(function* () {
          currentTask()!.cancel();
          seen.push(yield* s.wait(done));
          yield* s.wait(new Lock().acquire());
          seen.push('acquired');
          yield* s.wait(sleep(1));
        }),
      );
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(seen).toEqual(['done', 'acquired']);
    }),
  );

  test(
    'that was not delivered before it returns cancels the task, and drops its result',
    program(s, function* () {
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(0));
          currentTask()!.cancel();
          return 'dropped';
        }),
      );
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(task.cancelled()).toBe(true);
    }),
  );
});

describe('with several lines, a request', () => {
  test(
    'is delivered once to each of them, and none is disturbed in its clean-up',
    simulated(async () => {
      const log: string[] = [];
      const task = createTask(() =>
        Promise.allSettled([
          cleaningUp(log, 'a', () => sleep(60)),
          cleaningUp(log, 'b', () => new Event().wait()),
          timeout(50, () => cleaningUp(log, 'c', () => sleep(0).then(() => sleep(60)))),
        ]),
      );
      await cancelledAfter(1, task);
      const all = ['a', 'b', 'c'].flatMap((name) => [`${name} CancelledError`, `${name} cleaned up`]);
      expect(log.toSorted()).toEqual(all);
    }),
  );

  test(
    'reaches them wherever each of them is: waiting, woken, giving way',
    simulated(async () => {
      const log: string[] = [];
      const future = new Future<void>();
      const giving = async () => {
        for (;;) await sleep(0);
      };
      const task = createTask(() =>
        Promise.allSettled([
          cleaningUp(log, 'waiting', () => sleep(60)),
          cleaningUp(log, 'woken', () => future),
          cleaningUp(log, 'giving way', giving),
        ]),
      );
      await sleep(0);
      await sleep(0);
      future.setResult();
      task.cancel();
      await outcome(task);
      const all = ['giving way', 'waiting', 'woken'].flatMap((name) => [
        `${name} CancelledError`,
        `${name} cleaned up`,
      ]);
      expect(log.toSorted()).toEqual(all);
    }),
  );

  test(
    'is thrown to the line that goes on and to what it has left over',
    simulated(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        await Promise.race([sleep(1), outcome(cleaningUp(log, 'loser', () => sleep(60)))]);
        await cleaningUp(log, 'line', () => sleep(50));
      });
      await cancelledAfter(2, task);
      expect(task.cancelled()).toBe(true);
      expect(log.toSorted()).toEqual([
        'line CancelledError',
        'line cleaned up',
        'loser CancelledError',
        'loser cleaned up',
      ]);
    }),
  );
});

describe('a request that hits the loser of a race alone', () => {
  /** Goes past a race, and waits for a foreign promise from 1 to 11. */
  const racing = (foreign: SimulatedRuntime['foreign'], loser: () => PromiseLike<unknown>) => async () => {
    await Promise.race([sleep(1), outcome(loser())]);
    await foreign(10);
    await sleep(5);
    return 'ran to the end';
  };
  const losers: [what: string, loser: () => PromiseLike<unknown>][] = [
    ['a sleep', () => sleep(60)],
    ['a future', () => new Future()],
    ['a wait for an event', () => new Event().wait()],
    ['an async function', () => sleepingFunction()],
    ['frames of the library, which go on', () => timeout(50, () => sleep(60))],
    ['an async function with a clean-up that awaits nothing', () => noting()],
  ];

  for (const [what, loser] of losers) {
    test(
      `waits for the task's next await, when cancel() has made it: ${what}`,
      simulated(async ({ foreign }) => {
        const task = createTask(racing(foreign, loser));
        expect(await cancelledAfter(5, task)).toBe('CancelledError');
        expect(getRunningLoop().time()).toBe(11);
      }),
    );

    test(
      `waits for the next await in the deadline's scope, when that has passed: ${what}`,
      simulated(async ({ foreign }) => {
        expect(await outcome(timeout(5, racing(foreign, loser)))).toBe('TimeoutError');
        expect(getRunningLoop().time()).toBe(11);
      }),
    );

    test(
      `waits for the next await in the group's body, when a child has failed: ${what}`,
      simulated(async ({ foreign }) => {
        const group = taskGroup(async (g) => {
          g.createTask(async () => {
            await sleep(5);
            throw new RangeError('of a child');
          });
          return await racing(foreign, loser)();
        });
        expect(await outcome(group)).toBe('ExceptionGroup');
        expect(getRunningLoop().time()).toBe(11);
      }),
    );
  }

  test(
    'cancels a task whose body ends without another await',
    simulated(async ({ foreign }) => {
      const task = createTask(async () => {
        await Promise.race([sleep(1), sleep(60)]);
        await foreign(10);
        return 'dropped';
      });
      expect(await cancelledAfter(5, task)).toBe('CancelledError');
    }),
  );

  test(
    'is thrown once, however many losers it has hit, and the clean-up is undisturbed',
    simulated(async ({ foreign }) => {
      const log: string[] = [];
      const task = createTask(async () => {
        await Promise.race([sleep(1), sleep(60), sleep(50), new Future()]);
        await foreign(10);
        await cleaningUp(log, 'line', () => sleep(5));
      });
      await cancelledAfter(5, task);
      expect(log).toEqual(['line CancelledError', 'line cleaned up']);
    }),
  );

  test(
    'counts as delivered when a new await of the library is begun in the scope',
    simulated(async ({ foreign }) => {
      const log: string[] = [];
      const task = createTask(racing(foreign, () => cleaningUp(log, 'loser', () => sleep(60))));
      expect(await cancelledAfter(5, task)).toBe('ran to the end');
      expect(log).toEqual(['loser CancelledError', 'loser cleaned up']);
    }),
  );

  test(
    'counts as delivered when the body has settled with it',
    simulated(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        const loser = sleepingFunction();
        await Promise.race([sleep(1), loser]);
        await cleaningUp(log, 'line', () => loser); // at a promise, but of a function whose wait the request hits
      });
      await cancelledAfter(5, task);
      expect(log).toEqual(['line CancelledError', 'line cleaned up']);
      expect(task.cancelled()).toBe(true);
    }),
  );

  test(
    'and a second one are both heard: the next await throws',
    simulated(async ({ foreign }) => {
      const task = createTask(racing(foreign, () => sleep(60)));
      await sleep(5);
      task.cancel('first');
      await sleep(1);
      task.cancel('second');
      expect(await task.catch((error: unknown) => (error as Error).message)).toBe('second');
      expect(task.cancelling()).toBe(2);
    }),
  );

  test(
    'of a deadline inside a branch waits for that branch, and for no sibling',
    simulated(async ({ foreign }) => {
      const sibling = async () => {
        for (let i = 0; i < 20; i++) await sleep(1);
        return 'sibling';
      };
      const ends = await Promise.all([
        outcome(
          timeout(
            5,
            racing(foreign, () => sleep(60)),
          ),
        ),
        sibling(),
      ]);
      expect(ends).toEqual(['TimeoutError', 'sibling']);
    }),
  );
});

describe('a request that comes while the line is at a foreign promise', () => {
  const attempt = async (
    { foreign }: SimulatedRuntime,
    deliver: () => unknown,
    construct: (body: () => Promise<void>) => PromiseLike<unknown> = (body) => body(),
  ) => {
    const log: string[] = [];
    const task = createTask(async () => {
      await construct(async () => {
        await foreign(5);
        log.push('came back');
        await cleaningUp(log, 'line', async () => await deliver());
      });
    });
    await cancelledAfter(1, task);
    expect(task.cancelled()).toBe(true);
    return log;
  };
  const once = ['came back', 'line CancelledError', 'line cleaned up'];

  test(
    'is thrown at its next await',
    simulated(async (runtime) => {
      expect(await attempt(runtime, () => sleep(5))).toEqual(once);
    }),
  );

  test(
    'is thrown at its next await inside a deadline, or a group',
    simulated(async (runtime) => {
      expect(
        await attempt(
          runtime,
          () => sleep(5),
          (body) => timeout(50, body),
        ),
      ).toEqual(once);
      expect(
        await attempt(
          runtime,
          () => sleep(5),
          (body) => taskGroup(body),
        ),
      ).toEqual(once);
    }),
  );

  test(
    'counts as delivered when signal.throwIfAborted() throws it',
    simulated(async (runtime) => {
      expect(await attempt(runtime, () => currentSignal().throwIfAborted())).toEqual(once);
      expect(await attempt(runtime, () => currentTask()!.signal.throwIfAborted())).toEqual(once);
      const within = (body: () => Promise<void>) => timeout(50, body);
      expect(await attempt(runtime, () => currentSignal().throwIfAborted(), within)).toEqual(once);
    }),
  );

  test(
    'counts as delivered when the reason of the signal is read',
    simulated(async (runtime) => {
      const log = await attempt(runtime, () => {
        throw currentSignal().reason;
      });
      expect(log).toEqual(once);
    }),
  );

  test(
    'counts as delivered when a promise is rejected because of the signal',
    simulated(async () => {
      const log: string[] = [];
      const nap = () => timers.setTimeout(1_000_000, undefined, { signal: currentSignal() });
      const task = createTask(async () => {
        try {
          await nap();
        } catch (error) {
          log.push((error as Error).name);
          await sleep(1);
          log.push('cleaned up');
          throw error;
        }
      });
      await cancelledAfter(1, task);
      expect(log).toEqual(['AbortError', 'cleaned up']);
      expect(task.cancelled()).toBe(true);
    }),
  );

  test(
    'is not told by asking whether the signal is aborted',
    simulated(async ({ foreign }) => {
      const seen: unknown[] = [];
      const task = createTask(async () => {
        const signal = currentSignal();
        await foreign(5);
        seen.push(signal.aborted);
        await sleep(5);
      });
      expect(await cancelledAfter(1, task)).toBe('CancelledError');
      expect(seen).toEqual([true]);
    }),
  );
});

describe('the corners that are documented', () => {
  test(
    'a race that a foreign promise has won leaves a loser that takes a request, until the line awaits the library',
    simulated(async ({ foreign }) => {
      const racing = (between: () => PromiseLike<unknown>) =>
        createTask(async () => {
          await Promise.race([foreign(1), outcome(sleep(60))]);
          await between();
          await foreign(10);
          await sleep(1);
          return 'ran to the end';
        });
      expect(
        await cancelledAfter(
          5,
          racing(async () => {}),
        ),
      ).toBe('ran to the end');
      expect(
        await cancelledAfter(
          5,
          racing(() => sleep(0)),
        ),
      ).toBe('CancelledError');
    }),
  );
});

async function sleepingFunction(): Promise<void> {
  await sleep(60);
}

async function noting(): Promise<void> {
  try {
    await sleep(60);
  } finally {
    currentTask()?.getName();
  }
}
