import { type AwaitableCoroutine, type CoroutineFunction, createTask, gather, getRunningLoop, sleep } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, program } from '../programs.ts';
import { describeBoth, type Spelling } from '../spellings.ts';

/** Whatever lets one task at a time pass. */
export interface LockLike {
  acquire(): AwaitableCoroutine<Disposable>;
  release(): void;
  locked(): boolean;
  with<T>(body: CoroutineFunction<T>): AwaitableCoroutine<T>;
}

/** Tasks that want a lock, by name, and the order in which they get it. */
class Takers {
  readonly #s: Spelling;
  readonly #lock: LockLike;
  readonly got: string[] = [];

  constructor(s: Spelling, lock: LockLike) {
    this.#s = s;
    this.#lock = lock;
  }

  /** A task that takes the lock and ends without releasing it: the next task has to release it. */
  take(name: string) {
    const { got } = this;
    const [s, lock] = [this.#s, this.#lock];
    const body = s.fn(function* () {
      yield* s.wait(lock.acquire());
      got.push(name);
    });
    return createTask(body, { name });
  }
}

/**
 * What is true of every lock, and of everything that can stand in for one.
 *
 * @param make a free lock
 * @param waiting how many tasks wait for one
 */
export function lockLaws<L extends LockLike>(name: string, make: () => L, waiting: (lock: L) => number): void {
  describeBoth(`${name} as a lock`, (s) => {
    test(
      'lets one task at a time pass, in the order in which they asked',
      program(s, function* () {
        const lock = make();
        const trace: string[] = [];
        const work = s.fn(function* (worker: string) {
          yield* s.wait(lock.acquire());
          trace.push(`${worker} in`);
          yield* s.wait(sleep(1));
          trace.push(`${worker} out`);
          lock.release();
        });
        yield* s.wait(gather(['a', 'b', 'c'].map((worker) => () => work(worker))));
        expect(trace).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
        expect([lock.locked(), getRunningLoop().time()]).toEqual([false, 3]);
      }),
    );

    test(
      'is taken without giving others a turn when it is free',
      program(s, function* () {
        const lock = make();
        let turns = 0;
        getRunningLoop().callSoon(() => turns++);
        yield* s.wait(lock.acquire());
        expect([turns, lock.locked()]).toEqual([0, true]);
      }),
    );

    test(
      'is not asked for before the call is awaited',
      program(s, function* () {
        const lock = make();
        const acquiring = lock.acquire();
        yield* iterations(s, 2);
        expect(lock.locked()).toBe(false);
        yield* s.wait(acquiring);
        expect(lock.locked()).toBe(true);
      }),
    );

    test(
      'cannot be taken before the tasks that wait, not even by the task that has just released it',
      program(s, function* () {
        const lock = make();
        const takers = new Takers(s, lock);
        yield* s.wait(lock.acquire());
        const waiting = takers.take('waiting');
        yield* iterations(s, 1);
        waiting.addDoneCallback(() => lock.release());
        lock.release();
        yield* s.wait(lock.acquire());
        expect(takers.got).toEqual(['waiting']);
      }),
    );

    test(
      'goes to the next one when a waiter in the middle is cancelled',
      program(s, function* () {
        const lock = make();
        const takers = new Takers(s, lock);
        yield* s.wait(lock.acquire());
        const [a, b, c] = [takers.take('a'), takers.take('b'), takers.take('c')];
        yield* iterations(s, 1);
        b.cancel();
        lock.release();
        yield* s.wait(a);
        lock.release();
        yield* s.wait(c);
        expect([takers.got, b.cancelled()]).toEqual([['a', 'c'], true]);
      }),
    );

    test(
      'is passed on by a waiter that is woken and cancelled at once',
      program(s, function* () {
        const lock = make();
        const takers = new Takers(s, lock);
        yield* s.wait(lock.acquire());
        const [a, b] = [takers.take('a'), takers.take('b')];
        yield* iterations(s, 1);
        lock.release();
        a.cancel();
        yield* s.wait(b);
        expect([takers.got, a.cancelled()]).toEqual([['b'], true]);
      }),
    );

    test(
      'is free when all tasks that waited were cancelled, woken or not',
      program(s, function* () {
        const lock = make();
        const takers = new Takers(s, lock);
        yield* s.wait(lock.acquire());
        const tasks = ['a', 'b', 'c'].map((taker) => takers.take(taker));
        yield* iterations(s, 1);
        lock.release();
        for (const task of tasks) task.cancel();
        yield* iterations(s, 2);
        expect([takers.got, lock.locked(), waiting(lock)]).toEqual([[], false, 0]);
        yield* s.wait(lock.acquire());
        expect(lock.locked()).toBe(true);
      }),
    );

    test(
      'loses the place of a waiter that is cancelled: when it asks again it is the last',
      program(s, function* () {
        const lock = make();
        const takers = new Takers(s, lock);
        yield* s.wait(lock.acquire());
        const first = takers.take('first');
        const second = takers.take('second');
        yield* iterations(s, 1);
        first.cancel();
        yield* iterations(s, 1);
        const again = takers.take('first again');
        yield* iterations(s, 1);
        lock.release();
        yield* s.wait(second);
        lock.release();
        yield* s.wait(again);
        expect(takers.got).toEqual(['second', 'first again']);
      }),
    );

    test(
      'may be released by any task, and by a callback',
      program(s, function* () {
        const lock = make();
        yield* s.wait(new Takers(s, lock).take('holder'));
        const stranger = s.fn(function* () {
          lock.release();
        });
        yield* s.wait(createTask(stranger));
        expect(lock.locked()).toBe(false);
        yield* s.wait(lock.acquire());
        getRunningLoop().callSoon(() => lock.release());
        yield* s.wait(lock.acquire());
        expect(lock.locked()).toBe(true);
      }),
    );

    test(
      'gives a guard that releases it when its scope is left, once',
      program(s, function* () {
        const lock = make();
        {
          using guard = yield* s.wait(lock.acquire());
          expect(guard).toBeTruthy();
          expect(lock.locked()).toBe(true);
        }
        expect(lock.locked()).toBe(false);
        const guard = yield* s.wait(lock.acquire());
        guard[Symbol.dispose]();
        yield* s.wait(lock.acquire()); // somebody else has it now
        guard[Symbol.dispose]();
        expect(lock.locked()).toBe(true);
      }),
    );

    test(
      'is held by with() for the time of the body, whose result it gives',
      program(s, function* () {
        const lock = make();
        const body = s.fn(function* () {
          expect(lock.locked()).toBe(true);
          yield* s.wait(sleep(1));
          return 'result';
        });
        expect(yield* s.wait(lock.with(body))).toBe('result');
        expect(lock.locked()).toBe(false);
      }),
    );

    test(
      'is released by with() when the body fails and when it is cancelled',
      program(s, function* () {
        const lock = make();
        const error = new Error('body');
        const failing = s.fn(function* () {
          yield* s.wait(sleep(1));
          throw error;
        });
        expect(yield* failure(s, lock.with(failing))).toBe(error);
        expect(lock.locked()).toBe(false);
        const endless = s.fn(function* () {
          yield* s.wait(sleep(1e6));
        });
        const task = createTask(() => lock.with(endless));
        yield* iterations(s, 2);
        expect(lock.locked()).toBe(true);
        task.cancel();
        yield* iterations(s, 2);
        expect([task.cancelled(), lock.locked()]).toEqual([true, false]);
      }),
    );

    test(
      'does not run the body of a with() that is cancelled while it waits',
      program(s, function* () {
        const lock = make();
        let runs = 0;
        const body = s.fn(function* () {
          runs++;
        });
        yield* s.wait(lock.acquire());
        const task = createTask(() => lock.with(body));
        yield* iterations(s, 2);
        task.cancel();
        yield* iterations(s, 2);
        expect([task.cancelled(), runs, lock.locked()]).toEqual([true, 0, true]);
      }),
    );

    test(
      'shows how many tasks wait',
      program(s, function* () {
        const lock = make();
        const takers = new Takers(s, lock);
        yield* s.wait(lock.acquire());
        const tasks = [takers.take('a'), takers.take('b')];
        expect(waiting(lock)).toBe(0);
        yield* iterations(s, 1);
        expect(waiting(lock)).toBe(2);
        for (const task of tasks) task.cancel();
        yield* iterations(s, 1);
        expect(waiting(lock)).toBe(0);
      }),
    );
  });
}
