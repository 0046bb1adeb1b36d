import {
  Barrier,
  BoundedSemaphore,
  Condition,
  createTask,
  Event as Flag,
  getRunningLoop,
  Lock,
  RuntimeError,
  Semaphore,
  sleep,
  ValueError,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { type Expected, expectMistake, expectThrown } from '../../support/mistakes.ts';
import { onOtherLoop } from '../../support/other-loop.ts';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

const wrongCount = (...says: string[]): Expected => ({ type: ValueError, code: 'INVALID_COUNT', says });
const noNumber = (...says: string[]): Expected => ({ type: TypeError, code: 'INVALID_ARGUMENT', says });
const notAcquired = (...says: string[]): Expected => ({ type: RuntimeError, code: 'NOT_ACQUIRED', says });
const notCallable = (...says: string[]): Expected => ({ type: TypeError, code: 'NOT_CALLABLE', says });

describe('a count', () => {
  const counts = {
    'of a semaphore': (count: never) => new Semaphore(count),
    'of a bounded semaphore': (count: never) => new BoundedSemaphore(count),
    'of parties': (count: never) => new Barrier(count),
  };

  for (const [what, make] of Object.entries(counts)) {
    test.each([-1, Number.NaN, 1.5, -0.5, Number.NEGATIVE_INFINITY])(`${what} cannot be %d`, (count) => {
      expectThrown(() => make(count as never), wrongCount('must be', 'whole number', String(count)));
    });
    test.each([['3'], [null], [3n], [true], [{}]])(`${what} must be a number, not %o`, (count) => {
      expectThrown(() => make(count as never), noNumber('a number'));
    });
  }

  test('of parties cannot be zero, nor so many that they never come', () => {
    expectThrown(() => new Barrier(0), wrongCount('parties must be a whole number of at least 1', 'got 0'));
    expectThrown(
      () => new Barrier(Number.POSITIVE_INFINITY),
      wrongCount('parties must be a whole number of at least 1', 'Infinity'),
    );
  });

  test('of parties must be given', () => {
    expectThrown(() => new Barrier(undefined as never), noNumber('Barrier: parties must be a number', 'undefined'));
  });
});

describeBoth('a release', (s) => {
  /** That a lock lets one after the other pass. */
  function* works(s: Spelling, lock: Lock | Semaphore | Condition): Generator<unknown, void, unknown> {
    yield* s.wait(lock.acquire());
    const next = createTask(() => lock.acquire());
    yield* iterations(s, 2);
    expect([next.done(), lock.locked()]).toEqual([false, true]);
    lock.release();
    yield* s.wait(next);
    lock.release();
    expect(lock.locked()).toBe(false);
  }

  test.each([
    ['a lock', () => new Lock()],
    ['a condition', () => new Condition()],
  ])('of %s that is free is refused, and it can be used on', (_, make) =>
    program(s, function* () {
      const lock = make();
      const expected = notAcquired('Lock is not acquired', '<Lock [unlocked]>', 'acquire it first');
      expectThrown(() => lock.release(), expected);
      yield* s.wait(lock.acquire());
      lock.release();
      expectThrown(() => lock.release(), expected);
      yield* works(s, lock);
    })(),
  );

  test(
    'of a bounded semaphore that has all its units is refused, and it can be used on',
    program(s, function* () {
      const semaphore = new BoundedSemaphore(1);
      const expected: Expected = {
        type: ValueError,
        code: 'RELEASED_TOO_OFTEN',
        says: ['released too many times', 'all its 1 units', 'once for each time'],
      };
      expectThrown(() => semaphore.release(), expected);
      yield* s.wait(semaphore.acquire());
      semaphore.release();
      expectThrown(() => semaphore.release(), expected);
      yield* works(s, semaphore);
    }),
  );

  test(
    'by hand and then by the guard is refused, and a task that holds the lock by then keeps it',
    program(s, function* () {
      const lock = new Lock();
      const guard = yield* s.wait(lock.acquire());
      lock.release();
      const holding = s.fn(function* () {
        using _ = yield* s.wait(lock.acquire());
        yield* s.wait(sleep(1));
        expect(lock.locked()).toBe(true);
      });
      const holder = createTask(holding, { name: 'next' });
      yield* iterations(s, 2);
      const expected = notAcquired('released already', 'Task next holds it now', 'not both');
      expectThrown(() => guard[Symbol.dispose](), expected);
      guard[Symbol.dispose](); // the second time it has nothing to release
      yield* s.wait(holder);
      yield* works(s, lock);
    }),
  );

  test(
    'by hand and then by the guard is refused when the lock is free',
    program(s, function* () {
      const lock = new Lock();
      const guard = yield* s.wait(lock.acquire());
      lock.release();
      expectThrown(() => guard[Symbol.dispose](), notAcquired('<Lock [unlocked]>'));
      yield* works(s, lock);
    }),
  );

  test(
    'by the guard is right after a condition has waited, which released and acquired the lock again',
    program(s, function* () {
      const condition = new Condition();
      const waiting = s.fn(function* () {
        using _ = yield* s.wait(condition.acquire());
        yield* s.wait(condition.wait());
      });
      const task = createTask(waiting);
      yield* iterations(s, 2);
      yield* s.wait(condition.acquire());
      condition.notify();
      condition.release();
      yield* s.wait(task);
      expect(condition.locked()).toBe(false);
    }),
  );
});

describeBoth('a guard', (s) => {
  test(
    'releases a lock that another task has acquired for its own: one that waited for the condition',
    program(s, function* () {
      const condition = new Condition();
      const waiting = s.fn(function* () {
        using _ = yield* s.wait(condition.acquire());
        yield* s.wait(createTask(() => condition.wait()));
      });
      const task = createTask(waiting);
      yield* iterations(s, 3);
      yield* s.wait(condition.acquire());
      condition.notify();
      condition.release();
      yield* s.wait(task);
      expect(condition.locked()).toBe(false);
    }),
  );
});

describeBoth('a body', (s) => {
  test.each([
    ['a lock', () => new Lock()],
    ['a condition', () => new Condition()],
    ['a semaphore', () => new Semaphore()],
  ])('for %s that is not a function is refused at once: a promise has begun its work already', (_, make) =>
    program(s, function* () {
      const lock = make();
      for (const [body, shown] of [
        [Promise.resolve(1), '[object Promise]'],
        [undefined, 'undefined'],
        [42, '42'],
      ]) {
        const error = thrownBy(() => lock.with(body as never));
        expectMistake(error, notCallable('a function is required', 'with(() => …)'));
        expect((error as Error).message).toMatch(shown === '[object Promise]' ? /promise/i : String(shown));
      }
      expect(lock.locked()).toBe(false);
      expect(yield* s.wait(lock.with(s.fn(function* () {})))).toBe(undefined);
    })(),
  );

  test(
    'that gives no coroutine is refused, and the lock is free again',
    program(s, function* () {
      const lock = new Lock();
      const error = yield* failure(s, lock.with((() => 42) as never));
      expectMistake(error, { type: TypeError, code: 'NOT_A_COROUTINE', says: ['42'] });
      expect(lock.locked()).toBe(false);
    }),
  );
});

describeBoth('a condition', (s) => {
  test(
    'cannot be waited for or notified without its lock, and can be used on',
    program(s, function* () {
      const condition = new Condition();
      const expected = notAcquired('un-acquired lock', '<Condition [unlocked]>', 'must be acquired first');
      expectThrown(() => condition.notify(), expected);
      expectThrown(() => condition.notifyAll(), expected);
      expectMistake(yield* failure(s, condition.wait()), expected);
      expectMistake(
        yield* failure(
          s,
          condition.waitFor(() => false),
        ),
        expected,
      );
      yield* s.wait(condition.acquire());
      condition.notifyAll();
      condition.release();
    }),
  );

  test(
    'notifies as many tasks as it is given a valid number, and otherwise none',
    program(s, function* () {
      const condition = new Condition();
      const waiting = createTask(() => condition.with(() => condition.wait()));
      yield* iterations(s, 2);
      yield* s.wait(condition.acquire());
      for (const count of [-1, Number.NaN, 1.5])
        expectThrown(
          () => condition.notify(count),
          wrongCount('the count must be a whole number of at least 0', String(count)),
        );
      expectThrown(() => condition.notify('1' as never), noNumber("'1'"));
      condition.release();
      yield* iterations(s, 3);
      expect([waiting.done(), condition.statistics().waiting]).toEqual([false, 1]);
      yield* s.wait(condition.acquire());
      condition.notify(Number.POSITIVE_INFINITY);
      condition.release();
      yield* s.wait(waiting);
    }),
  );

  test(
    'waits for a function, not for its result',
    program(s, function* () {
      const condition = new Condition();
      expectThrown(
        () => condition.waitFor(true as never),
        notCallable('a function is required', 'true', 'waitFor(() => …)'),
      );
      yield* iterations(s, 1);
    }),
  );

  test('is given a lock or nothing', () => {
    for (const lock of [null, {}, 1]) expectThrown(() => new Condition(lock as never), noNumberIsNeeded());
  });
});

function noNumberIsNeeded(): Expected {
  return { type: TypeError, code: 'INVALID_ARGUMENT', says: ['a Lock is required', 'leave it out'] };
}

describeBoth('use from another loop', (s) => {
  const differentLoop: Expected = {
    type: RuntimeError,
    code: 'DIFFERENT_LOOP',
    says: ['is bound to a different event loop', 'one for each loop'],
  };

  test.each<[string, () => { use(): unknown; free(): unknown }]>([
    [
      'a lock',
      () => {
        const lock = new Lock();
        getRunningLoop().callSoon(() => createTask(() => lock.acquire()));
        return { use: () => lock.acquire(), free: () => lock.release() };
      },
    ],
    [
      'a semaphore',
      () => {
        const semaphore = new Semaphore(0);
        return { use: () => semaphore.acquire(), free: () => semaphore.release() };
      },
    ],
    [
      'an event',
      () => {
        const event = new Flag();
        return { use: () => event.wait(), free: () => event.set() };
      },
    ],
    [
      'a barrier',
      () => {
        const barrier = new Barrier(3);
        const come = () => createTask(() => barrier.wait());
        return { use: () => barrier.wait(), free: () => [come(), come()] };
      },
    ],
  ])('of %s that tasks wait for is refused, and they are not disturbed', (_, make) =>
    program(s, function* () {
      const { use, free } = make();
      yield* iterations(s, 2);
      const waiting = createTask(use as () => Promise<unknown>);
      yield* iterations(s, 2);
      expect(waiting.done()).toBe(false);
      expectMistake(yield* onOtherLoop(s, use), differentLoop);
      expect(waiting.done()).toBe(false);
      free();
      yield* s.wait(waiting);
    })(),
  );

  test(
    'of a condition is refused with its lock still held',
    program(s, function* () {
      const condition = new Condition();
      const waiting = createTask(() => condition.with(() => condition.wait()));
      yield* iterations(s, 2);
      const use = s.fn(function* () {
        yield* s.wait(condition.acquire());
        try {
          yield* s.wait(condition.wait());
        } finally {
          expect(condition.locked()).toBe(true);
          condition.release();
        }
      });
      expectMistake(yield* onOtherLoop(s, use), differentLoop);
      yield* s.wait(condition.acquire());
      condition.notify();
      condition.release();
      yield* s.wait(waiting);
    }),
  );
});
