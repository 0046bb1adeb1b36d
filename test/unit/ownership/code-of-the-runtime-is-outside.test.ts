import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import {
  createTask,
  currentSignal,
  currentTask,
  getRunningLoop,
  Lock,
  sleep,
  type Task,
  taskGroup,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { outcome, type SimulatedRuntime, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R6: a callback that the runtime calls belongs to no task, although it inherited a task's async context. */

type Schedule = (runtime: SimulatedRuntime, callback: () => unknown) => void;

const message: Schedule = (_runtime, callback) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(0);
};

/** An emitter whose events come from the runtime. */
const listener: Schedule = (runtime, callback) => {
  const emitter = new EventEmitter();
  emitter.on('x', () => callback());
  runtime.timer(0.5, () => emitter.emit('x'));
};

const eventTarget: Schedule = (runtime, callback) => {
  const target = new EventTarget();
  target.addEventListener('x', () => callback());
  runtime.timer(0.5, () => target.dispatchEvent(new globalThis.Event('x')));
};

/** What calls a function as the runtime does. */
const callers: [name: string, schedule: Schedule][] = [
  ['a timer', (runtime, callback) => runtime.timer(0.5, callback)],
  ['setImmediate', (_runtime, callback) => setImmediate(callback)],
  ['process.nextTick', (_runtime, callback) => process.nextTick(callback)],
  ['a message', message],
  ['a listener of an emitter', listener],
  ['a listener of an event target', eventTarget],
];

/** Schedules a function in a task that waits for 10 seconds, and does something in the middle; gives what the function returned. */
async function called<T>(
  runtime: SimulatedRuntime,
  schedule: Schedule,
  callback: (setter: Task<unknown>) => Promise<T>,
  meanwhile: (setter: Task<unknown>) => void = () => {},
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const setter: Task<unknown> = createTask(
    async () => {
      schedule(runtime, () => callback(setter).then(resolve, reject));
      await sleep(10);
      return 'the setter went on';
    },
    { name: 'setter' },
  );
  getRunningLoop().callLater(5, meanwhile, setter);
  await outcome(setter);
  return await promise;
}

for (const [name, schedule] of callers) {
  describe(`code that is called by ${name}`, () => {
    test(
      'has no current task, at no point',
      simulated(async (runtime) => {
        const seen = await called(runtime, schedule, async () => {
          const first = currentTask();
          await sleep(1);
          const second = currentTask();
          await Promise.all([sleep(1), null]);
          return [first, second, currentTask()];
        });
        expect(seen).toEqual([null, null, null]);
      }),
    );

    test(
      'has the running loop, and a signal that nothing aborts, not that of the task',
      simulated(async (runtime) => {
        const seen = await called(
          runtime,
          schedule,
          async () => [getRunningLoop(), currentSignal()] as const,
          (setter) => setter.cancel(),
        );
        expect(seen[0] === getRunningLoop()).toBe(true);
        expect(seen[1].aborted).toBe(false);
      }),
    );

    test(
      'is not reached by the cancellation of the task',
      simulated(async (runtime) => {
        const end = await called(
          runtime,
          schedule,
          () => outcome(sleep(20, 'slept')),
          (setter) => setter.cancel(),
        );
        expect(end).toBe('slept');
      }),
    );

    test(
      'is not reached by a deadline inside which it was scheduled',
      simulated(async (runtime) => {
        const { promise, resolve } = Promise.withResolvers<unknown>();
        const limited = timeout(2, async () => {
          schedule(runtime, () => resolve(outcome(sleep(20, 'slept'))));
          await sleep(60);
        });
        expect(await outcome(limited)).toBe('TimeoutError');
        expect(await promise).toBe('slept');
      }),
    );

    test(
      'may await the very task',
      simulated(async (runtime) => {
        expect(await called(runtime, schedule, async (setter) => await setter)).toBe('the setter went on');
        const cancelled = await called(
          runtime,
          schedule,
          (setter) => outcome(setter),
          (setter) => setter.cancel(),
        );
        expect(cancelled).toBe('CancelledError');
      }),
    );

    test(
      'has deadlines, groups and waitFor of its own, which end neither the task nor each other',
      simulated(async (runtime) => {
        const ends = await called(runtime, schedule, async () => {
          const group = taskGroup(async (g) => {
            g.createTask(async () => {
              await sleep(1);
              throw new RangeError('of a child');
            });
            await sleep(60);
          });
          return await Promise.all([
            outcome(timeout(1, () => sleep(60))),
            outcome(waitFor(() => sleep(60), 2)),
            outcome(waitFor(new Lock().acquire(), 2)),
            outcome(group),
            outcome(timeout(50, () => sleep(3, 'in time'))),
          ]);
        });
        expect(ends).toEqual(['TimeoutError', 'TimeoutError', expect.anything(), 'ExceptionGroup', 'in time']);
      }),
    );

    test(
      'runs the body of a deadline as a task of its own',
      simulated(async (runtime) => {
        const seen = await called(runtime, schedule, async () => {
          const inside = await timeout(5, async () => {
            const task = currentTask();
            await sleep(1);
            return [task !== null, task?.getName() !== 'setter', currentTask() === task];
          });
          return [...inside, currentTask()];
        });
        expect(seen).toEqual([true, true, true, null]);
      }),
    );

    test(
      'makes tasks of its own',
      simulated(async (runtime) => {
        const end = await called(
          runtime,
          schedule,
          async () => await createTask(() => sleep(20, 'task')),
          (setter) => setter.cancel(),
        );
        expect(end).toBe('task');
      }),
    );

    test(
      'waits in line for a lock that its task holds',
      simulated(async (runtime) => {
        const lock = new Lock();
        const log: string[] = [];
        const holder = createTask(async () => {
          const { promise, resolve } = Promise.withResolvers<void>();
          await lock.acquire();
          schedule(runtime, async () => {
            await lock.acquire();
            log.push('callback');
            lock.release();
            resolve();
          });
          await outcome(timeout(2, () => sleep(60)));
          log.push('task');
          lock.release();
          await promise;
        });
        expect(await outcome(holder)).toBe(undefined);
        expect(log).toEqual(['task', 'callback']);
      }),
    );
  });
}

describe('a callback of queueMicrotask', () => {
  test(
    'does not end with a deadline of the task that comes later, and ends none of the task’s waits',
    simulated(async () => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const task = createTask(async () => {
        queueMicrotask(async () => {
          const ends = await Promise.all([outcome(timeout(1, () => sleep(60))), outcome(sleep(20, 'slept'))]);
          resolve(ends);
        });
        await sleep(0);
        await outcome(timeout(2, () => sleep(60)));
        return await sleep(10, 'went on');
      });
      expect(await task).toBe('went on');
      expect(await promise).toEqual(['TimeoutError', 'slept']);
    }),
  );
});

describe('a function that is bound to its async context', () => {
  const bindings: [name: string, bind: (fn: () => unknown) => () => unknown][] = [
    ['AsyncResource.bind', (fn) => AsyncResource.bind(fn)],
    ['AsyncLocalStorage.bind', (fn) => AsyncLocalStorage.bind(fn)],
    [
      'AsyncLocalStorage.snapshot',
      (fn) => {
        const here = AsyncLocalStorage.snapshot();
        return () => here(fn);
      },
    ],
    [
      'runInAsyncScope',
      (fn) => {
        const resource = new AsyncResource('test');
        return () => resource.runInAsyncScope(fn);
      },
    ],
  ];

  for (const [name, bind] of bindings) {
    const schedule: Schedule = (runtime, callback) => {
      const bound = bind(callback);
      runtime.timer(0.5, bound);
    };

    test(
      `runs for the task that it carries: ${name}`,
      simulated(async (runtime) => {
        const seen = await called(runtime, schedule, async () => {
          const first = currentTask()?.getName();
          await sleep(1);
          return [first, currentTask()?.getName()];
        });
        expect(seen).toEqual(['setter', 'setter']);
      }),
    );

    test(
      `is cancelled with the scope that it carries: ${name}`,
      simulated(async (runtime) => {
        const end = await called(
          runtime,
          schedule,
          () => outcome(sleep(60)),
          (setter) => setter.cancel(),
        );
        expect(end).toBe('CancelledError');

        const { promise, resolve } = Promise.withResolvers<unknown>();
        const limited = timeout(2, async () => {
          schedule(runtime, () => resolve(outcome(sleep(60))));
          await sleep(60);
        });
        expect(await outcome(limited)).toBe('TimeoutError');
        expect(await promise).toBe('CancelledError');
      }),
    );
  }
});

describe('a callback that has awaited a foreign promise before it uses the library', () => {
  const late: Schedule = (runtime, callback) =>
    runtime.timer(0.5, async () => {
      await runtime.foreign(0.5);
      callback();
    });

  test(
    'has deadlines of its own anyway',
    simulated(async (runtime) => {
      expect(await called(runtime, late, () => outcome(timeout(1, () => sleep(60))))).toBe('TimeoutError');
    }),
  );

  test(
    'does not absorb a request that is meant for the task',
    simulated(async (runtime) => {
      const task = createTask(async () => {
        late(runtime, () => outcome(sleep(60)));
        await sleep(2);
        await runtime.foreign(10);
        await sleep(5);
        return 'ran to the end';
      });
      await sleep(5);
      task.cancel();
      expect(await outcome(task)).toBe('CancelledError');
    }),
  );
});

describe('a then callback of a plain promise', () => {
  const chain = (runtime: SimulatedRuntime, work: () => PromiseLike<unknown>) =>
    outcome(runtime.foreign(0.5).then(work));

  test(
    'has deadlines of its own, also while the task that built the chain awaits something else',
    simulated(async (runtime) => {
      let chained: Promise<unknown> | undefined;
      const task = createTask(async () => {
        chained = chain(runtime, () => timeout(1, () => sleep(60)));
        return await sleep(5, 'slept');
      });
      expect([await task, await chained]).toEqual(['slept', 'TimeoutError']);
    }),
  );

  test(
    'does not end with a deadline of the task around other work',
    simulated(async (runtime) => {
      const chained = chain(runtime, () => sleep(5, 'chained'));
      expect(await outcome(timeout(1, () => sleep(60)))).toBe('TimeoutError');
      expect(await chained).toBe('chained');
    }),
  );
});

describeBoth('code outside', (s) => {
  test(
    'may await a task whose body it was scheduled in, and gets its result',
    program(s, function* () {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const task: Task<string> = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(1));
          setImmediate(async () => resolve([currentTask(), await task]));
          return yield* s.wait(sleep(2, 'result'));
        }),
      );
      expect(yield* s.wait(task)).toBe('result');
      yield* s.wait(sleep(0));
      const seen = createTask(async () => await promise);
      expect(yield* s.wait(seen)).toEqual([null, 'result']);
    }),
  );

  test(
    'that enters a deadline by hand gets an error that there is no task',
    program(s, function* () {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      setImmediate(() => {
        try {
          timeout(1).enterNow();
        } catch (error) {
          resolve(error);
        }
      });
      const seen = createTask(async () => await promise);
      expect(yield* s.wait(seen)).toMatchObject({ name: 'RuntimeError', code: 'NO_TASK' });
    }),
  );

  test(
    'that awaits itself, being a line of its task, gets an error',
    program(s, function* () {
      const task: Task<unknown> = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(1));
          return yield* failure(s, task);
        }),
      );
      expect(yield* s.wait(task)).toMatchObject({ name: 'RuntimeError' });
    }),
  );
});
