import {
  type AsCompleted,
  asCompleted,
  CancelledError,
  createTask,
  Future,
  getRunningLoop,
  sleep,
  type Task,
  TimeoutError,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, names, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

/** A task that takes a while. */
function sleeper(name: string, seconds: number): Task<string> {
  return createTask(sleep(seconds, name), { name });
}

describeBoth('asCompleted', (s) => {
  /** What `for await` does, in both spellings. */
  function* each<F>(futures: AsyncIterable<F>) {
    const all: F[] = [];
    const iterator = futures[Symbol.asyncIterator]();
    for (;;) {
      const next: IteratorResult<F> = yield* s.wait(iterator.next());
      if (next.done) return all;
      all.push(next.value);
    }
  }

  /** A coroutine that waits for the next future. */
  function nextOf<T>(completed: AsCompleted<T>) {
    return s.fn(function* () {
      return yield* s.wait(completed.nextFuture());
    });
  }

  test(
    'iterates asynchronously over the very tasks, in the order in which they are done',
    program(s, function* () {
      const tasks = [sleeper('c', 3), sleeper('a', 1), sleeper('b', 2)];
      const done = yield* each(asCompleted(tasks));
      expect(names(done as Task<string>[])).toEqual(['a', 'b', 'c']);
      expect(done.every((task) => tasks.includes(task as Task<string>))).toBe(true);
    }),
  );

  test(
    'makes tasks of coroutines, which start at once',
    program(s, function* () {
      const futures = asCompleted([sleep(2, 'b'), sleep(1, 'a')]);
      yield* s.wait(sleep(2));
      const done = yield* each(futures);
      expect(done.map((future) => future.result())).toEqual(['a', 'b']);
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'iterates plainly over awaitables, each of the next result',
    program(s, function* () {
      const results: string[] = [];
      for (const next of asCompleted([sleep(2, 'b'), sleep(1, 'a')])) results.push(yield* s.wait(next));
      expect(results).toEqual(['a', 'b']);
    }),
  );

  test(
    'gives what is done already in the order of the arguments',
    program(s, function* () {
      const tasks = [sleeper('c', 3), sleeper('a', 1), sleeper('b', 2)];
      yield* s.wait(sleep(5));
      expect(names((yield* each(asCompleted(tasks))) as Task<string>[])).toEqual(['c', 'a', 'b']);
    }),
  );

  test(
    'counts what is given twice once',
    program(s, function* () {
      const task = sleeper('a', 1);
      expect(yield* each(asCompleted([task, task]))).toHaveLength(1);
      expect([...asCompleted([task, task])]).toHaveLength(1);
    }),
  );

  test(
    'is over at once when there is nothing to wait for',
    program(s, function* () {
      expect(yield* each(asCompleted([]))).toEqual([]);
      expect([...asCompleted([])]).toEqual([]);
    }),
  );

  test(
    'throws the error of a failed one where its result is awaited, and goes on to the next',
    program(s, function* () {
      const error = new Error('failed');
      const failing = s.fn(function* () {
        yield* s.wait(sleep(1));
        throw error;
      });
      const [first, second] = [...asCompleted([sleep(2, 'later'), failing])];
      expect(yield* failure(s, first)).toBe(error);
      expect(yield* s.wait(second)).toBe('later');
    }),
  );

  test(
    'raises a TimeoutError for what is not done in time, and cancels nothing',
    program(s, function* () {
      const [quick, slow] = [sleeper('quick', 1), sleeper('slow', 5)];
      const iterator = asCompleted([quick, slow], { timeout: 2 })[Symbol.asyncIterator]();
      expect((yield* s.wait(iterator.next())).value === quick).toBe(true);
      expect(yield* failure(s, iterator.next())).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(2);
      expect(slow.done()).toBe(false);
      expect(yield* s.wait(slow)).toBe('slow');
    }),
  );

  test(
    'raises as many TimeoutErrors as results are missing',
    program(s, function* () {
      const awaitables = [...asCompleted([new Future(), new Future()], { timeout: 1 })];
      for (const next of awaitables) expect(yield* failure(s, next)).toBeInstanceOf(TimeoutError);
    }),
  );

  test(
    'cancels nothing when the wait for it is cancelled',
    program(s, function* () {
      const task = sleeper('a', 5);
      const iterator = asCompleted([task])[Symbol.asyncIterator]();
      const waiter = createTask(
        s.fn(function* () {
          yield* s.wait(iterator.next());
        }),
      );
      yield* iterations(s, 2);
      waiter.cancel();
      expect(yield* failure(s, waiter)).toBeInstanceOf(CancelledError);
      expect(yield* s.wait(task)).toBe('a');
    }),
  );

  test(
    'loses no result when a waiter is cancelled just as it is woken',
    program(s, function* () {
      const future = new Future<string>();
      const [first, second] = [...asCompleted([future, new Future<string>()])];
      const waiters = [first, second].map((next) =>
        createTask(
          s.fn(function* () {
            return yield* s.wait(next!);
          }),
        ),
      );
      yield* iterations(s, 2);
      future.setResult('kept');
      yield* iterations(s, 1);
      waiters[0]!.cancel();
      expect(yield* s.wait(waiters[1]!)).toBe('kept');
      expect(waiters[0]!.cancelled()).toBe(true);
    }),
  );

  test(
    'gives the result that a cancelled next() was waiting for to the next one',
    program(s, function* () {
      const completed = asCompleted([sleep(2, 'late')]);
      const cancelled = createTask(nextOf(completed));
      yield* s.wait(sleep(1));
      cancelled.cancel();
      expect(yield* failure(s, cancelled)).toBeInstanceOf(CancelledError);
      const done = yield* each(completed);
      expect(done.map((future) => future.result())).toEqual(['late']);
      expect(yield* s.wait(completed.nextFuture())).toEqual({ done: true, value: undefined });
    }),
  );

  test(
    'gives the result that a next() has waited too long for to the next one',
    program(s, function* () {
      const completed = asCompleted([sleep(3, 'late')]);
      for (let second = 0; second < 2; second++) {
        expect(
          yield* failure(
            s,
            timeout(1, () => completed.nextFuture()),
          ),
        ).toBeInstanceOf(TimeoutError);
      }
      const done = yield* each(completed);
      expect(done.map((future) => future.result())).toEqual(['late']);
      expect(getRunningLoop().time()).toBe(3);
    }),
  );

  test(
    'counts a next() that was cancelled before it began as none',
    program(s, function* () {
      const completed = asCompleted([sleep(1, 'only')]);
      const never = createTask(nextOf(completed));
      never.cancel();
      completed.nextFuture(); // and one that nobody ever awaits
      yield* iterations(s, 2);
      expect(never.cancelled()).toBe(true);
      expect((yield* each(completed)).map((future) => future.result())).toEqual(['only']);
    }),
  );

  test(
    'is over for those that come while others wait for all that is left, and not after one of these was cancelled',
    program(s, function* () {
      const completed = asCompleted([sleep(2, 'only')]);
      const waiter = createTask(nextOf(completed));
      yield* iterations(s, 2);
      expect((yield* s.wait(completed.nextFuture())).done).toBe(true);
      waiter.cancel();
      yield* iterations(s, 2);
      expect((yield* s.wait(completed.nextFuture())).value?.result()).toBe('only');
    }),
  );

  test(
    'counts the time that is up only for the waits that got it, not for cancelled ones',
    program(s, function* () {
      const completed = asCompleted([new Future(), new Future()], { timeout: 2 });
      expect(
        yield* failure(
          s,
          timeout(1, () => completed.nextFuture()),
        ),
      ).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(1);
      for (let i = 0; i < 2; i++) expect(yield* failure(s, completed.nextFuture())).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(2);
      expect((yield* s.wait(completed.nextFuture())).done).toBe(true);
    }),
  );

  test(
    'gives in a plain loop as many awaitables as there are inputs, and what a cancelled one has left to another loop',
    program(s, function* () {
      const completed = asCompleted([sleep(2, 'late')]);
      const outcomes: unknown[] = [];
      for (const next of completed)
        outcomes.push(
          yield* failure(
            s,
            timeout(1, () => next),
          ),
        );
      expect(outcomes).toEqual([expect.any(TimeoutError)]);
      for (const next of completed) outcomes.push(yield* s.wait(next));
      expect(outcomes.slice(1)).toEqual(['late']);
    }),
  );

  test(
    'refuses what cannot be awaited at once',
    program(s, function* () {
      expect(thrownBy(() => asCompleted([42] as never))).toBeInstanceOf(TypeError);
      expect(thrownBy(() => asCompleted(sleep(1) as never))).toBeInstanceOf(TypeError);
      expect(thrownBy(() => asCompleted(new Future() as never))).toBeInstanceOf(TypeError);
    }),
  );
});

describe('asCompleted in an async function', () => {
  test('is what `for await` iterates over', async () => {
    const main = async () => {
      const tasks = [sleeper('b', 2), sleeper('a', 1)];
      const done: Task<string>[] = [];
      for await (const task of asCompleted(tasks)) done.push(task as Task<string>);
      return names(done);
    };
    expect(await runVirtually(main)).toEqual({ result: ['a', 'b'], seconds: 2 });
  });
});
