import { createTask, currentTask, Future, getRunningLoop, sleep, type Task, timeout, wait } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { outcome, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R4: a wait that was begun since the scope's latest step cancels what it waits for; what is left over, and code outside, never does. */

const job = () => createTask(() => sleep(20, 'job'), { name: 'job' });

/** Makes a task of a body that waits for a job, cancels the task after 5 seconds, and gives how the job ended. */
async function endOfJob(body: (job: Task<string>) => PromiseLike<unknown>): Promise<unknown> {
  const waitedFor = job();
  const task = createTask(async () => await body(waitedFor));
  await sleep(5);
  task.cancel();
  await outcome(task);
  return await outcome(waitedFor);
}

describeBoth('a task that awaits another one', (s) => {
  test(
    'hands its cancellation down, with the message, and waits for its end',
    program(s, function* () {
      const ends: string[] = [];
      const inner = createTask(
        s.fn(function* () {
          try {
            yield* s.wait(sleep(60));
          } catch (error) {
            yield* s.wait(sleep(1));
            ends.push((error as Error).message);
            throw error;
          }
        }),
      );
      const outer = createTask(
        s.fn(function* () {
          yield* s.wait(inner);
        }),
      );
      yield* s.wait(sleep(1));
      outer.cancel('why');
      expect(yield* failure(s, outer)).toMatchObject({ name: 'CancelledError' });
      expect([inner.cancelled(), ends, getRunningLoop().time()]).toEqual([true, ['why'], 2]);
    }),
  );

  test(
    'goes on with its result when that one refuses',
    program(s, function* () {
      const inner = createTask(
        s.fn(function* () {
          yield* failure(s, sleep(60));
          return 'refused';
        }),
      );
      const outer = createTask(
        s.fn(function* () {
          return yield* s.wait(inner);
        }),
      );
      yield* s.wait(sleep(1));
      outer.cancel();
      expect(yield* s.wait(outer)).toBe('refused');
      expect([outer.cancelling(), inner.cancelling()]).toEqual([1, 1]);
    }),
  );

  test(
    'cancels a future that it awaits, and not one that it has awaited before',
    program(s, function* () {
      const [before, now] = [new Future<void>(), new Future<void>()];
      const task = createTask(
        s.fn(function* () {
          yield* failure(
            s,
            timeout(
              1,
              s.fn(function* () {
                yield* s.wait(wait([before]));
              }),
            ),
          );
          yield* s.wait(now);
        }),
      );
      yield* s.wait(sleep(2));
      task.cancel();
      yield* failure(s, task);
      expect([before.cancelled(), now.cancelled()]).toEqual([false, true]);
    }),
  );

  test(
    'that was looked at by wait() continues',
    program(s, function* () {
      const looked = createTask(
        s.fn(function* () {
          return yield* s.wait(sleep(20, 'job'));
        }),
      );
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(wait([looked]));
        }),
      );
      yield* iterations(s, 3);
      task.cancel();
      yield* failure(s, task);
      expect(yield* s.wait(looked)).toBe('job');
    }),
  );
});

describe('a wait that was begun since the latest step', () => {
  const waits: [how: string, body: (job: Task<string>) => PromiseLike<unknown>][] = [
    ['await', async (task) => await task],
    ['return', (task) => task],
    ['Promise.all', (task) => Promise.all([task])],
    ['Promise.allSettled', (task) => Promise.allSettled([task])],
    ['Promise.race', (task) => Promise.race([task, new Promise(() => {})])],
    ['Promise.any', (task) => Promise.any([task])],
    ['Promise.resolve', async (task) => await Promise.resolve(task)],
    ['new Promise', (task) => new Promise((resolve) => resolve(task))],
    ['an async function that returns it', async (task) => await (async () => task)()],
    ['a branch', (task) => Promise.all([(async () => await task)(), sleep(60)])],
    ['a deadline', (task) => timeout(50, () => task)],
  ];

  for (const [how, body] of waits) {
    test(
      `cancels what it waits for: ${how}`,
      simulated(async () => {
        expect(await endOfJob(body)).toBe('CancelledError');
      }),
    );
  }

  test(
    'includes those behind a promise that is not of the library',
    simulated(async ({ foreign }) => {
      const body = async (task: Task<string>) => {
        await foreign(1);
        await Promise.all([task, sleep(60)]);
      };
      expect(await endOfJob(body)).toBe('CancelledError');
    }),
  );

  test(
    'is cancelled with the deadline of its scope, and what is waited for too',
    simulated(async () => {
      const waitedFor = job();
      expect(await outcome(timeout(1, async () => await waitedFor))).toBe('TimeoutError');
      expect(waitedFor.cancelled()).toBe(true);
    }),
  );
});

describe('a wait that is left over', () => {
  const looks: [how: string, look: (job: Task<string>) => PromiseLike<unknown>][] = [
    ['Promise.race', async (task) => await Promise.race([task, sleep(1)])],
    ['Promise.any', async (task) => await Promise.any([task, sleep(1)])],
    [
      'Promise.resolve',
      async (task) => {
        void Promise.resolve(task).catch(() => {});
        await sleep(1);
      },
    ],
    [
      'Promise.allSettled',
      async (task) => {
        void Promise.allSettled([task]);
        await sleep(1);
      },
    ],
    [
      'a branch',
      async (task) => {
        void outcome(task);
        await sleep(1);
      },
    ],
  ];

  for (const [how, look] of looks) {
    test(
      `ends, and what was waited for lives on: ${how}`,
      simulated(async () => {
        const body = async (task: Task<string>) => {
          await look(task);
          await sleep(60);
        };
        expect(await endOfJob(body)).toBe('job');
      }),
    );

    test(
      `does not concern a deadline that comes later: ${how}`,
      simulated(async () => {
        const looked = job();
        await look(looked);
        expect(await outcome(timeout(1, () => sleep(60)))).toBe('TimeoutError');
        expect(await looked).toBe('job');
        expect(currentTask()!.cancelling()).toBe(0);
      }),
    );
  }

  test.each([
    ['by a function that is awaited', 'memo'],
    ['by a branch that ends', 'branch'],
  ])(
    'when the race was decided in the step of a line outside the deadline: %s',
    async (_what, decided) =>
      await simulated(async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const waker = async () => {
          await sleep(1);
          resolve();
        };
        const waking = waker();
        const waitedFor = job();
        const body = async () => {
          await Promise.race([waitedFor, decided === 'memo' ? waking : promise]);
          await sleep(60);
        };
        expect(await outcome(timeout(5, body))).toBe('TimeoutError');
        expect(await outcome(waitedFor)).toBe('job');
      })(),
  );

  test(
    'gets the request of its scope: the promise that waits rejects, while the job goes on',
    simulated(async () => {
      let looked: unknown;
      const body = async (task: Task<string>) => {
        void outcome(Promise.resolve(task)).then((end) => {
          looked = end;
        });
        await sleep(1);
        await sleep(60);
      };
      expect(await endOfJob(body)).toBe('job');
      expect(looked).toBe('CancelledError');
    }),
  );
});

describe('code outside', () => {
  test(
    'never cancels what it awaits, however it ends',
    simulated(async ({ timer }) => {
      const waitedFor = job();
      const ends: unknown[] = [];
      const setter = createTask(async () => {
        timer(1, async () => ends.push(await Promise.race([outcome(waitedFor), outcome(sleep(2, 'first'))])));
        await sleep(60);
      });
      await sleep(5);
      setter.cancel();
      await outcome(setter);
      expect(await waitedFor).toBe('job');
      expect(ends).toEqual(['first']);
    }),
  );
});

describe('then(f) of a future', () => {
  test(
    'is not a wait: it ends when the future does, whatever becomes of the task that called it',
    simulated(async () => {
      const heard: unknown[] = [];
      const body = async (task: Task<string>) => {
        task.then((value) => heard.push(value));
        await sleep(60);
      };
      expect(await endOfJob(body)).toBe('job');
      expect(heard).toEqual(['job']);
    }),
  );

  test(
    'is not a wait of a deadline either, nor are catch and finally',
    simulated(async () => {
      const heard: unknown[] = [];
      const waitedFor = job();
      const body = async () => {
        waitedFor.then((value) => heard.push(value));
        waitedFor.catch(() => heard.push('never'));
        waitedFor.finally(() => heard.push('finally'));
        await sleep(60);
      };
      expect(await outcome(timeout(1, body))).toBe('TimeoutError');
      expect(await waitedFor).toBe('job');
      await sleep(0);
      expect(heard.toSorted()).toEqual(['finally', 'job']);
    }),
  );

  test(
    'awaited is a promise of its own: the task that awaits it does not hand its cancellation down',
    simulated(async () => {
      expect(await endOfJob(async (task) => await task.then((value) => value))).toBe('job');
    }),
  );
});

describe('then(f) of a coroutine', () => {
  test(
    'is code of the scope that called it',
    simulated(async () => {
      const ends: unknown[] = [];
      const note = (name: string, promise: PromiseLike<unknown>) =>
        void outcome(promise).then((end) => ends.push([name, end]));
      const body = async () => {
        note(
          'inside',
          sleep(10).then(() => 'slept'),
        );
        await sleep(60);
      };
      note(
        'outside',
        sleep(10).then(() => 'slept'),
      );
      expect(await outcome(timeout(1, body))).toBe('TimeoutError');
      await sleep(20);
      expect(ends).toEqual([
        ['inside', 'CancelledError'],
        ['outside', 'slept'],
      ]);
    }),
  );

  test(
    'runs in the task that called it, and ends with it',
    simulated(async () => {
      const ends: unknown[] = [];
      const task = createTask(
        async () => {
          const named = timeout(50, async () => {
            ends.push(currentTask()!.getName());
            await sleep(40);
          });
          void outcome(named.then(() => 'over')).then((end) => ends.push(end));
          await sleep(60);
        },
        { name: 'caller' },
      );
      await sleep(1);
      task.cancel();
      await outcome(task);
      await sleep(0);
      expect(ends).toEqual(['caller', 'CancelledError']);
    }),
  );
});
