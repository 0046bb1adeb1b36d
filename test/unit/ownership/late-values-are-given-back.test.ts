import {
  coroutine,
  createTask,
  currentTask,
  type Future,
  gather,
  getRunningLoop,
  Lock,
  sleep,
  timeout,
  waitFor,
  wrapPromise,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { outcome, simulate, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R10: when a promise is fulfilled after the wait for it was given up, `onLate` gets the value. */

describeBoth('onLate', (s) => {
  /** A promise to be settled by hand, and what `onLate` was given of it. */
  const wrapped = () => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const late: string[] = [];
    return { future: wrapPromise(promise, { onLate: (value) => late.push(value) }), late, resolve, reject };
  };

  test(
    'receives what comes after the task was cancelled',
    program(s, function* () {
      const { future, late, resolve } = wrapped();
      const task = createTask(
        s.fn(function* () {
          return yield* s.wait(future);
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(late).toEqual([]);
      resolve('a connection');
      yield* s.wait(sleep(1));
      expect(late).toEqual(['a connection']);
    }),
  );

  test(
    'receives what has come, when the task is cancelled before it could go on with it',
    program(s, function* () {
      const { promise, resolve } = Promise.withResolvers<string>();
      const late: string[] = [];
      const future = wrapPromise(promise, { onLate: (value) => late.push(value) });
      const task = createTask(
        s.fn(function* () {
          return yield* s.wait(future);
        }),
      );
      yield* s.wait(sleep(1));
      void promise.then(() => task.cancel()); // after the future has its value, and before the next iteration
      resolve('a connection');
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(late).toEqual(['a connection']);
      expect(future.cancelled()).toBe(true); // nobody else can take it
    }),
  );

  test(
    'receives what has come only when none of several waits takes it',
    program(s, function* () {
      for (const [cancelled, given] of [
        [1, []],
        [2, ['a connection']],
      ] as const) {
        const { promise, resolve } = Promise.withResolvers<string>();
        const late: string[] = [];
        const future = wrapPromise(promise, { onLate: (value) => late.push(value) });
        const taker = s.fn(function* () {
          return yield* s.wait(future);
        });
        const tasks = [createTask(taker), createTask(taker)];
        yield* s.wait(sleep(1));
        void promise.then(() => {
          for (const task of tasks.slice(0, cancelled)) task.cancel();
        });
        resolve('a connection');
        yield* s.wait(gather(tasks, { returnExceptions: true }));
        expect(late).toEqual(given);
        expect(tasks.map((task) => task.cancelled())).toEqual([true, cancelled === 2]);
      }
    }),
  );

  test(
    'gets a value that arrives after a deadline, of timeout and of waitFor',
    program(s, function* () {
      const [one, other] = [wrapped(), wrapped()];
      const body = s.fn(function* () {
        yield* s.wait(one.future);
      });
      yield* failure(s, timeout(1, body));
      yield* failure(s, waitFor(other.future, 1));
      one.resolve('first');
      other.resolve('second');
      yield* s.wait(sleep(1));
      expect([one.late, other.late]).toEqual([['first'], ['second']]);
    }),
  );

  test(
    'is not called for what is in time, nor for an error that comes late',
    program(s, function* () {
      const [inTime, failing] = [wrapped(), wrapped()];
      inTime.resolve('in time');
      expect(yield* s.wait(inTime.future)).toBe('in time');
      failing.future.cancel();
      failing.reject(new Error('late'));
      yield* s.wait(sleep(1));
      expect([inTime.late, failing.late]).toEqual([[], []]);
    }),
  );

  test(
    'receives what came for a task that had been cancelled before it could go on',
    program(s, function* () {
      const { future, late, resolve } = wrapped();
      const task = createTask(
        s.fn(function* () {
          return yield* s.wait(future);
        }),
      );
      yield* iterations(s, 2);
      task.cancel();
      resolve('in the same moment');
      yield* failure(s, task);
      yield* s.wait(sleep(1));
      expect(late).toEqual(['in the same moment']);
    }),
  );

  test(
    'that throws goes to the exception handler, and affects nothing else',
    program(s, function* (reports) {
      const { promise, resolve } = Promise.withResolvers<string>();
      const error = new RangeError('of onLate');
      const future = wrapPromise(promise, {
        onLate: () => {
          throw error;
        },
      });
      future.cancel();
      resolve('late');
      yield* s.wait(sleep(1));
      expect(reports.splice(0)).toMatchObject([{ message: 'Exception in onLate of wrapPromise()', exception: error }]);
    }),
  );

  test(
    'beside an onCancel that throws: that goes to the exception handler, and the wait ends anyway',
    program(s, function* (reports) {
      const error = new RangeError('of onCancel');
      const late: string[] = [];
      const { promise, resolve } = Promise.withResolvers<string>();
      const onCancel = () => {
        throw error;
      };
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(wrapPromise(promise, { onCancel, onLate: (value) => late.push(value) }));
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(reports.splice(0)).toMatchObject([
        { message: 'Exception in onCancel of wrapPromise()', exception: error },
      ]);
      resolve('late');
      yield* s.wait(sleep(1));
      expect(late).toEqual(['late']);
    }),
  );

  test(
    'gives a lock back that comes late: the next one gets it',
    program(s, function* () {
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      const { promise, resolve } = Promise.withResolvers<Lock>();
      const future = wrapPromise(promise, { onLate: (late) => late.release() });
      yield* failure(s, waitFor(future, 1));
      resolve(lock);
      yield* s.wait(sleep(1));
      expect(lock.locked()).toBe(false);
    }),
  );
});

describe('a value that arrives late', () => {
  test(
    'goes to onLate also where a branch has given the wait up, and the task goes on',
    simulated(async ({ foreign }) => {
      const late: string[] = [];
      const connect = () => wrapPromise(foreign(5, 'connection'), { onLate: (value) => late.push(value) });
      expect(await Promise.all([outcome(timeout(1, connect)), sleep(2, 'sibling')])).toEqual([
        'TimeoutError',
        'sibling',
      ]);
      await sleep(10);
      expect(late).toEqual(['connection']);
    }),
  );

  test(
    'goes to onLate also where a gather or a group has given the wait up',
    simulated(async ({ foreign }) => {
      const late: string[] = [];
      const connect = async (name: string) =>
        await wrapPromise(foreign(5, name), { onLate: (value) => late.push(value) });
      await outcome(
        timeout(
          1,
          async () =>
            await gather(
              () => connect('a'),
              () => connect('b'),
            ),
        ),
      );
      await sleep(10);
      expect(late.toSorted()).toEqual(['a', 'b']);
    }),
  );

  for (const [what, wait] of [
    ['itself', async (future: Future<string>) => await future],
    [
      'in a frame',
      coroutine(function* (future: Future<string>) {
        return yield* future;
      }),
    ],
  ] as const) {
    test(
      `goes to onLate also where the loser of a race has waited for it ${what}, and its task was cancelled`,
      simulated(async ({ foreign }) => {
        const late: string[] = [];
        let future: Future<string> | undefined;
        const task = createTask(async () => {
          future = wrapPromise(foreign(5, 'connection'), { onLate: (value) => late.push(value) });
          await Promise.race([sleep(1), wait(future)]);
          await sleep(60);
        });
        await sleep(2);
        task.cancel();
        await outcome(task);
        expect(future!.done()).toBe(false); // a leftover does not cancel what it waits for
        await sleep(10);
        expect(late).toEqual(['connection']);
        expect(await outcome(future)).toBe('CancelledError');
      }),
    );
  }

  test(
    'does not go to onLate while another line waits for it, nor is it lost without onLate',
    simulated(async ({ foreign }) => {
      const late: string[] = [];
      const held = wrapPromise(foreign(5, 'held'), { onLate: (value) => late.push(value) });
      const plain = wrapPromise(foreign(5, 'plain'));
      const task = createTask(async () => {
        await Promise.race([sleep(1), held, plain]);
        await sleep(60);
      });
      await sleep(2);
      task.cancel();
      await outcome(task);
      expect(await held).toBe('held');
      expect(await plain).toBe('plain');
      expect(late).toEqual([]);
    }),
  );

  test('goes to onLate also after run() has ended', async () => {
    const late: string[] = [];
    let settled: PromiseLike<unknown> | undefined;
    await simulate(async ({ foreign }) => {
      const promise = foreign(50, 'connection');
      settled = promise;
      createTask(async () => await wrapPromise(promise, { onLate: (value) => late.push(value) }));
      await sleep(1);
    });
    await settled;
    await null;
    expect(late).toEqual(['connection']);
  });

  test(
    'without onLate is reported in debug mode when it has to be closed, with the place, once for each place',
    simulated(
      async ({ foreign, warnings }) => {
        const bring = (name: PropertyKey) => foreign(2, { [name]: () => {} });
        const wraps = [
          () => wrapPromise(bring(Symbol.dispose)),
          () => wrapPromise(bring(Symbol.asyncDispose)),
          () => wrapPromise(bring('release')),
          () => wrapPromise(bring('close')),
        ];
        for (const wrap of [...wraps, ...wraps]) await outcome(waitFor(wrap(), 1));
        await sleep(5);
        const told = /onLate[\s\S]*late-values-are-given-back\S*:\d+/;
        expect(warnings.splice(0)).toEqual(Array(4).fill(expect.stringMatching(told)));
      },
      { debug: true },
    ),
  );

  test(
    'without onLate is reported nowhere else, and not when it is a plain value',
    simulated(
      async ({ foreign }) => {
        for (const value of [1, 'text', null, {}, { close: 'not a function' }])
          await outcome(waitFor(wrapPromise(foreign(2, value)), 1));
        await sleep(5);
        expect(currentTask()!.cancelling()).toBe(0);
      },
      { debug: true },
    ),
  );

  test(
    'without onLate is dropped without a report outside debug mode',
    simulated(async ({ foreign }) => {
      await outcome(waitFor(wrapPromise(foreign(2, { close: () => {} })), 1));
      await sleep(5);
      expect(getRunningLoop().time()).toBe(6);
    }),
  );
});
