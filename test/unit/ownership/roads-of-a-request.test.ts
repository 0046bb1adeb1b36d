import {
  coroutine,
  createTask,
  currentSignal,
  currentTask,
  Future,
  getRunningLoop,
  sleep,
  type Task,
  taskGroup,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { outcome, type SimulatedRuntime, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** The table of the roads of a request, row by row, each by `cancel()` and by a deadline. */

/** Runs a body until a request comes at 5 seconds, and gives how it ended, and when. */
const requests: [by: string, end: (body: () => Promise<unknown>) => Promise<[end: unknown, at: number]>][] = [
  [
    'cancel()',
    async (body) => {
      const task = createTask(body);
      await sleep(5);
      task.cancel();
      const end = await outcome(task);
      return [end === 'CancelledError' ? 'ended' : end, getRunningLoop().time()];
    },
  ],
  [
    'a deadline',
    async (body) => {
      const end = await outcome(timeout(5, async () => await body()));
      return [end === 'TimeoutError' ? 'ended' : end, getRunningLoop().time()];
    },
  ],
  [
    'a failed group',
    async (body) => {
      const group = taskGroup(async (g) => {
        g.createTask(async () => {
          await sleep(5);
          throw new RangeError('of a child');
        });
        await body();
      });
      const end = await outcome(group);
      return [end === 'ExceptionGroup' ? 'ended' : end, getRunningLoop().time()];
    },
  ],
];

for (const [by, end] of requests) {
  describe(`a request by ${by}, to a line that`, () => {
    const row = (what: string, body: (runtime: SimulatedRuntime) => Promise<unknown>, at = 5) =>
      test(
        what,
        simulated(async (runtime) => {
          expect(await end(() => body(runtime))).toEqual(['ended', at]);
        }),
      );

    row('waits since the latest step, cancels what it waits on', async () => {
      const future = new Future<void>();
      try {
        await future;
      } finally {
        expect(future.cancelled()).toBe(true);
      }
    });

    row('waits in frames of the library, goes through them', async () => await timeout(50, () => sleep(60)));

    row('waits in a generator that it awaits, goes through it', async () => {
      const log: string[] = [];
      const inner = coroutine(function* () {
        try {
          yield* sleep(60);
        } finally {
          log.push('generator');
        }
      });
      try {
        await inner();
      } finally {
        expect(log).toEqual(['generator']);
      }
    });

    row('was woken in the same moment, is thrown where it goes on', async () => {
      await sleep(5);
      await sleep(0);
    });

    row('gives way, is thrown where it goes on', async () => {
      while (getRunningLoop().time() < 5) await sleep(1);
      for (;;) await sleep(0);
    });

    row('follows an async function, is thrown in the function’s own wait', async () => {
      const log: string[] = [];
      const inner = async () => {
        try {
          await sleep(60);
        } finally {
          log.push('inner');
        }
      };
      try {
        await coroutine(inner)();
      } finally {
        expect(log).toEqual(['inner']);
      }
    });

    row('follows the promise of a plain body that has begun no wait, leaves it', async ({ foreign }) => {
      await timeout(50, () => foreign(60));
    });

    row(
      'waits no more, having left the loser of a race, is thrown at its next await',
      async ({ foreign }) => {
        await Promise.race([sleep(1), sleep(60)]);
        await foreign(10);
        await sleep(1);
      },
      11,
    );

    row(
      'is at a foreign promise, is thrown at its next await',
      async ({ foreign }) => {
        await foreign(10);
        await sleep(1);
      },
      10,
    );

    row(
      'is at a foreign promise, is thrown when it asks the signal',
      async ({ foreign }) => {
        await foreign(10);
        currentSignal().throwIfAborted();
      },
      10,
    );

    row(
      'is at a foreign promise inside an inner scope, is thrown at its next await there',
      async ({ foreign }) => {
        await timeout(50, async () => {
          await foreign(10);
          await sleep(1);
        });
      },
      10,
    );

    row(
      'is at a foreign promise, and goes into another scope then, is thrown there',
      async ({ foreign }) => {
        await foreign(10);
        await timeout(50, () => sleep(1));
      },
      10,
    );

    test(
      'is outside, is never heard',
      simulated(async ({ timer, foreign }) => {
        const ends: unknown[] = [];
        await end(async () => {
          timer(1, async () => ends.push(await outcome(sleep(20, 'slept'))));
          await sleep(60);
        });
        await foreign(30);
        expect(ends).toEqual(['slept']);
      }),
    );
  });
}

describeBoth('a request', (s) => {
  test(
    'to a line that was woken: the latest message wins',
    program(s, function* () {
      const future = new Future<void>();
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(future);
        }),
      );
      yield* iterations(s, 2);
      future.setResult();
      task.cancel('first');
      task.cancel('latest');
      expect(yield* failure(s, task)).toMatchObject({ message: 'latest' });
    }),
  );

  test(
    'to a line that waits: the first message wins, as in CPython',
    program(s, function* () {
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(new Future());
        }),
      );
      yield* iterations(s, 2);
      task.cancel('first');
      expect(yield* failure(s, task)).toMatchObject({ message: 'first' });
    }),
  );

  test(
    'to a line that has an error on its way takes its place',
    program(s, function* () {
      const future = new Future<void>();
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(future);
        }),
      );
      yield* iterations(s, 2);
      future.setException(new RangeError('on its way'));
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(future.exception()).toMatchObject({ name: 'RangeError' });
    }),
  );

  test(
    'of a line to itself, with its frames on the stack, cancels the future where it really waits',
    program(s, function* () {
      const future = new Future<void>();
      const task = createTask(
        s.fn(function* () {
          currentTask()!.cancel('itself');
          yield* s.wait(future);
        }),
      );
      expect(yield* failure(s, task)).toMatchObject({ message: 'itself' });
      expect(future.cancelled()).toBe(true);
    }),
  );

  test(
    'of a deadline that passes while its own frames are on the stack waits for the next await in its scope',
    program(s, function* () {
      const log: string[] = [];
      const body = s.fn(function* () {
        yield* s.wait(sleep(0));
        log.push('went on');
        yield* s.wait(sleep(60));
      });
      expect(yield* failure(s, timeout(0, body))).toMatchObject({ name: 'TimeoutError' });
      expect(log).toEqual([]);
    }),
  );

  test(
    'to a group that failed while it was cancelled from outside is heard at the task’s next await',
    program(s, function* () {
      const log: string[] = [];
      const failing = s.fn(function* (): Generator<unknown, void, unknown> {
        yield* failure(s, sleep(60));
        throw new RangeError('of a child');
      });
      const task: Task<unknown> = createTask(
        s.fn(function* () {
          const error = yield* failure(
            s,
            taskGroup(
              s.fn(function* (group) {
                group.createTask(failing);
                yield* s.wait(sleep(50));
              }),
            ),
          );
          log.push((error as Error).name);
          yield* s.wait(sleep(1));
          log.push('never');
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect([log, task.cancelling()]).toEqual([['ExceptionGroup'], 1]);
    }),
  );

  test(
    'of a deadline around such a group is received in the deadline’s scope, and not by the task',
    program(s, function* () {
      const log: string[] = [];
      const failing = s.fn(function* (): Generator<unknown, void, unknown> {
        yield* failure(s, sleep(60));
        throw new RangeError('of a child');
      });
      const body = s.fn(function* () {
        const group = s.fn(function* (g: { createTask(f: typeof failing): unknown }) {
          g.createTask(failing);
          yield* s.wait(sleep(50));
        });
        log.push(((yield* failure(s, taskGroup(group))) as Error).name);
        yield* s.wait(sleep(1));
        log.push('never');
      });
      expect(yield* failure(s, timeout(1, body))).toMatchObject({ name: 'TimeoutError' });
      expect(yield* s.wait(sleep(1, 'went on'))).toBe('went on');
      expect([log, currentTask()!.cancelling()]).toEqual([['ExceptionGroup'], 0]);
    }),
  );
});

describe('steps are counted for each scope', () => {
  test(
    'so that steps of a sibling do not make an unfinished branch a leftover',
    simulated(async () => {
      const job = createTask(() => sleep(60));
      const busy = async () => {
        for (;;) await sleep(0.1);
      };
      const limited = () => outcome(timeout(5, async () => await Promise.all([job, sleep(50)])));
      const task = createTask(() => Promise.all([limited(), outcome(timeout(10, busy))]));
      expect(await task).toEqual(['TimeoutError', 'TimeoutError']);
      expect(job.cancelled()).toBe(true);
    }),
  );

  test(
    'so that a step inside an inner scope counts for those around it',
    simulated(async () => {
      const job = createTask(() => sleep(60, 'job'));
      const task = createTask(async () => {
        void outcome(job); // looked at, and then the line goes on
        await timeout(50, async () => {
          await sleep(1);
          await sleep(60);
        });
      });
      await sleep(5);
      task.cancel();
      await outcome(task);
      expect(await job).toBe('job');
    }),
  );
});
