import {
  CancelledError,
  coroutine,
  createTask,
  currentTask,
  eagerTaskFactory,
  Future,
  gather,
  getRunningLoop,
  sleep,
  Task,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

/** A task that takes a while, and then as long again to clean up when it is cancelled. */
function slowToCancel(s: Spelling, seconds: number): Task<string> {
  return createTask(
    s.fn(function* () {
      try {
        yield* s.wait(sleep(seconds));
        return 'finished';
      } finally {
        yield* s.wait(sleep(seconds));
      }
    }),
  );
}

/** A task that does not let itself be cancelled. */
function stubborn(s: Spelling): Task<string> {
  return createTask(
    s.fn(function* () {
      try {
        yield* s.wait(sleep(60));
        return 'finished';
      } catch {
        return 'refused';
      }
    }),
  );
}

/** A coroutine function that fails after a while. */
function failsAfter(s: Spelling, seconds: number, error: Error) {
  return s.fn(function* () {
    yield* s.wait(sleep(seconds));
    throw error;
  });
}

describeBoth('gather collects results', (s) => {
  test.each<[string, (given: unknown[]) => void]>([
    ['takes from', (given) => given.splice(0, 2)],
    ['adds to', (given) => given.push(s.fn(function* () {}))],
    ['changes', (given) => given.fill(null)],
  ])('of what it was given, though a task that starts eagerly %s that array', (_, change) =>
    program(s, function* () {
      getRunningLoop().setTaskFactory(eagerTaskFactory);
      const given: (() => Promise<string>)[] = [];
      const named = (name: string) =>
        s.fn(function* () {
          if (name === 'a') change(given);
          yield* s.wait(sleep(1));
          return name;
        }) as () => Promise<string>;
      given.push(named('a'), named('b'), named('c'));
      expect(yield* s.wait(gather(given))).toEqual(['a', 'b', 'c']);
    })(),
  );

  test(
    'of nothing in a list that is done at once',
    program(s, function* () {
      const nothing = gather();
      expect(nothing.done()).toBe(true);
      expect(yield* s.wait(nothing)).toEqual([]);
      expect(yield* s.wait(gather([]))).toEqual([]);
    }),
  );

  test(
    'in the order of the arguments, whichever is done first',
    program(s, function* () {
      const results = yield* s.wait(gather(sleep(3, 'a'), sleep(1, 'b'), sleep(2, 'c')));
      expect(results).toEqual(['a', 'b', 'c']);
      expect(getRunningLoop().time()).toBe(3);
    }),
  );

  test(
    'from a list as from arguments',
    program(s, function* () {
      expect(yield* s.wait(gather([sleep(1, 'a'), sleep(1, 'b')]))).toEqual(['a', 'b']);
    }),
  );

  test(
    'once for an awaitable that is given twice, in each of its places',
    program(s, function* () {
      let calls = 0;
      const counted = coroutine(
        s.fn(function* () {
          yield* s.wait(sleep(1));
          return ++calls;
        }),
      );
      const once = counted();
      const future = new Future<string>();
      future.setResult('f');
      expect(yield* s.wait(gather(once, future, once, future))).toEqual([1, 'f', 1, 'f']);
    }),
  );

  test(
    'once for a generator that is given twice, and for each of many',
    program(s, function* () {
      let calls = 0;
      const counted = function* (): Generator<unknown, number, unknown> {
        yield* sleep(1);
        return calls++;
      };
      const once = counted();
      expect(yield* s.wait(gather(once, sleep(1, 'between'), once))).toEqual([0, 'between', 0]);
      const many = Array.from({ length: 500 }, () => counted());
      const results = yield* s.wait(gather([...many, ...many]));
      expect(results.slice(0, 500)).toEqual(results.slice(500));
      expect([calls, getRunningLoop().time()]).toEqual([501, 2]);
    }),
  );

  test(
    'once for a generator that is given twice, whatever the task factory makes of it',
    program(s, function* () {
      const loop = getRunningLoop();
      loop.setTaskFactory((loop, coro, options) => {
        const wrapped = function* (): Generator<unknown, never, unknown> {
          return (yield* coro as Iterable<unknown>) as never;
        };
        return new Task(typeof coro === 'function' ? coro : wrapped(), { ...options, loop });
      });
      const once = sleep(1, 'once');
      expect(yield* s.wait(gather(once, once))).toEqual(['once', 'once']);
    }),
  );

  test(
    'not of a coroutine that others await already',
    program(s, function* () {
      const taken = sleep(1);
      createTask(taken);
      expect(thrownBy(() => gather(taken, sleep(1)))).toMatchObject({ code: 'COROUTINE_REUSED' });
    }),
  );

  test(
    'of functions, coroutines, futures and promises alike',
    program(s, function* () {
      const fn = s.fn(function* () {
        yield* s.wait(sleep(1));
        return 'function';
      });
      const results = gather(fn, sleep(1, 'coroutine'), createTask(sleep(1, 'task')), Promise.resolve('promise'));
      expect(yield* s.wait(results)).toEqual(['function', 'coroutine', 'task', 'promise']);
    }),
  );

  test(
    'of tasks that begin whether or not anybody waits for the result',
    program(s, function* () {
      const begun = new Set<unknown>();
      const noted = coroutine(
        s.fn(function* () {
          begun.add(currentTask());
          yield* s.wait(sleep(1));
        }),
      );
      const both = gather(noted(), noted());
      yield* iterations(s, 1);
      expect(begun.size).toBe(2);
      expect(begun.has(currentTask())).toBe(false);
      yield* s.wait(both);
    }),
  );
});

describeBoth('gather with a failure', (s) => {
  test(
    'fails with what failed first, wherever it was given, when several fail in one iteration',
    program(s, function* () {
      const futures = Array.from({ length: 5 }, () => new Future<number>());
      const all = gather(futures);
      const whole = gather(futures, { returnExceptions: true });
      futures[4]!.setResult(4);
      futures[3]!.setException(new Error('3'));
      futures[0]!.setResult(0);
      futures[1]!.cancel('1');
      futures[2]!.setException(new Error('2'));
      expect(yield* failure(s, all)).toMatchObject({ message: '3' });
      expect((yield* s.wait(whole)).map(String)).toEqual(['0', 'CancelledError: 1', 'Error: 2', 'Error: 3', '4']);
    }),
  );

  test(
    'fails in the turn of the one that failed, not earlier',
    program(s, function* () {
      const loop = getRunningLoop();
      const [one, other] = [new Future<void>(), new Future<void>()];
      const both = gather(one, other);
      const trace: boolean[] = [];
      one.setResult();
      loop.callSoon(() => trace.push(both.done()));
      other.setException(new Error('other'));
      loop.callSoon(() => trace.push(both.done()));
      yield* failure(s, both);
      expect(trace).toEqual([false, true]);
    }),
  );

  test(
    'fails at once with the first error, and the others go on',
    program(s, function* () {
      const error = new Error('first');
      const other = createTask(sleep(3, 'other'));
      expect(yield* failure(s, gather(failsAfter(s, 1, error), other))).toBe(error);
      expect(getRunningLoop().time()).toBe(1);
      expect(other.done()).toBe(false);
      expect(yield* s.wait(other)).toBe('other');
    }),
  );

  test(
    'consumes the later errors of the others silently',
    program(s, function* () {
      const first = new Error('first');
      const both = gather(failsAfter(s, 1, first), failsAfter(s, 2, new Error('second')));
      expect(yield* failure(s, both)).toBe(first);
      yield* s.wait(sleep(2));
      // `program` fails the test should the loop report the second error, at the latest when it closes.
    }),
  );

  test(
    'cannot be cancelled afterwards',
    program(s, function* () {
      const other = createTask(sleep(3, 'other'));
      const both = gather(failsAfter(s, 1, new Error('first')), other);
      yield* failure(s, both);
      expect(both.cancel()).toBe(false);
      expect(yield* s.wait(other)).toBe('other');
    }),
  );

  test(
    'puts errors among the results when asked to',
    program(s, function* () {
      const error = new Error('second');
      const results = gather([sleep(2, 'a'), failsAfter(s, 1, error)], { returnExceptions: true });
      expect(yield* s.wait(results)).toEqual(['a', error]);
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'shows a cancelled task among the results by a CancelledError without its message',
    program(s, function* () {
      const task = createTask(sleep(60));
      const results = gather([task, sleep(1, 'b')], { returnExceptions: true });
      yield* iterations(s, 1);
      task.cancel('the message');
      const [error, b] = yield* s.wait(results);
      expect(error).toBeInstanceOf(CancelledError);
      expect(error).toMatchObject({ message: '', args: [''] });
      expect(b).toBe('b');
    }),
  );
});

describeBoth('cancelling a gather', (s) => {
  test(
    'cancels what it waits for, and is itself done only after that',
    program(s, function* () {
      const [a, b] = [createTask(sleep(60)), createTask(sleep(60))];
      const both = gather(a, b);
      yield* iterations(s, 1);
      expect(both.cancel()).toBe(true);
      expect(both.done()).toBe(false);
      yield* failure(s, both);
      expect([a.cancelled(), b.cancelled()]).toEqual([true, true]);
    }),
  );

  test(
    'never makes it cancelled: the CancelledError is its error',
    program(s, function* () {
      const both = gather(sleep(60), sleep(60));
      yield* iterations(s, 1);
      both.cancel();
      expect(yield* failure(s, both)).toBeInstanceOf(CancelledError);
      expect(both.cancelled()).toBe(false);
      expect(both.exception()).toBeInstanceOf(CancelledError);
    }),
  );

  test(
    'lets the caller go on when the first has ended, while others still clean up',
    program(s, function* () {
      const [fast, slow] = [slowToCancel(s, 1), slowToCancel(s, 5)];
      const both = gather(fast, slow);
      yield* iterations(s, 1);
      both.cancel();
      expect(yield* failure(s, both)).toBeInstanceOf(CancelledError);
      expect(getRunningLoop().time()).toBe(1);
      expect([fast.done(), slow.done()]).toEqual([true, false]);
      yield* failure(s, slow);
    }),
  );

  test(
    'waits for all with returnExceptions, and raises even when all of them refused',
    program(s, function* () {
      const [refusing, slow] = [stubborn(s), slowToCancel(s, 5)];
      const both = gather([refusing, slow, stubborn(s)], { returnExceptions: true });
      yield* iterations(s, 1);
      both.cancel();
      expect(yield* failure(s, both)).toBeInstanceOf(CancelledError);
      expect(getRunningLoop().time()).toBe(5);
      expect(refusing.result()).toBe('refused');

      const refusers = gather([stubborn(s), stubborn(s)], { returnExceptions: true });
      yield* iterations(s, 1);
      refusers.cancel();
      expect(yield* failure(s, refusers)).toBeInstanceOf(CancelledError);
    }),
  );

  test(
    'happens with the cancellation of the task that waits for it',
    program(s, function* () {
      const child = createTask(sleep(60));
      const waiter = createTask(
        s.fn(function* () {
          yield* s.wait(gather(child, sleep(60)));
        }),
      );
      yield* iterations(s, 2);
      waiter.cancel();
      yield* failure(s, waiter);
      expect([waiter.cancelled(), child.cancelled()]).toEqual([true, true]);
    }),
  );

  test(
    'is refused when all it waits for is done',
    program(s, function* () {
      const future = new Future<string>();
      const one = gather(future);
      future.setResult('done');
      expect(one.cancel()).toBe(false);
      expect(yield* s.wait(one)).toEqual(['done']);
    }),
  );

  test(
    'is not what the cancellation of one of them is: the others go on',
    program(s, function* () {
      const [one, other] = [createTask(sleep(60)), createTask(sleep(3, 'other'))];
      const both = gather(one, other);
      yield* iterations(s, 1);
      one.cancel('why');
      expect(yield* failure(s, both)).toMatchObject({ name: 'CancelledError', message: 'why' });
      expect(yield* s.wait(other)).toBe('other');
    }),
  );
});

describeBoth('the same function given to gather twice', (s) => {
  test(
    'is called once, as the same coroutine would run once',
    program(s, function* () {
      let calls = 0;
      const count = s.fn(function* () {
        yield* s.wait(sleep(1));
        return ++calls;
      });
      expect(yield* s.wait(gather(count, count))).toEqual([1, 1]);
      expect(
        yield* s.wait(
          gather(
            () => count(),
            () => count(),
          ),
        ),
      ).toEqual([2, 3]);
    }),
  );
});
