import { CancelledError, RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { type AwaitableCoroutine, type CoroutineFunction, libraryCoroutine, WaitQueue } from '../kernel/lowlevel.ts';
import { type Guard, holding } from './guard.ts';
import { Lock } from './lock.ts';

/**
 * A lock with a way to wait, inside it, for others to change something.
 *
 * Waking without reason is normal: a wait that fails passes its wake on, for no wake to be lost. So check again after each
 * `wait()`, or use `waitFor`.
 *
 * Follows CPython's `asyncio.Condition`.
 *
 * @example
 * await condition.with(async () => {
 *   await condition.waitFor(() => items.length > 0);
 *   items.shift();
 * });
 */
export class Condition {
  readonly #lock: Lock;
  readonly #waiters = new WaitQueue(this, 'wait');

  /** @param lock shared with others; one of its own when absent */
  constructor(lock: Lock = new Lock()) {
    if (typeof lock?.acquire !== 'function' || typeof lock.release !== 'function') {
      throw typeError(`Condition: a Lock is required, got ${describe(lock)}`);
    }
    this.#lock = lock;
  }

  /** The lock under it. */
  get lock(): Lock {
    return this.#lock;
  }

  /** Whether its lock is held. */
  locked(): boolean {
    return this.#lock.locked();
  }

  /** Acquires its lock, as `Lock.acquire`. */
  acquire(): AwaitableCoroutine<Guard> {
    return this.#lock.acquire();
  }

  /** Releases its lock, as `Lock.release`. */
  release(): void {
    this.#lock.release();
  }

  /** Runs a body while holding its lock. */
  with<T>(body: CoroutineFunction<T>): AwaitableCoroutine<T> {
    return holding(this, body);
  }

  /**
   * Releases the lock, waits until it is notified, and acquires the lock again.
   *
   * **Cancellation**: the lock is acquired first, however long that takes; the `CancelledError` is thrown with the lock held.
   * **Order**: notified in the order in which they came.
   *
   * @returns true
   * @throws {RuntimeError} when the lock is not held
   */
  wait(): AwaitableCoroutine<true> {
    return Condition.#wait(this);
  }

  /**
   * Waits until a function says yes. It is asked at once, and each time that the wait is over.
   *
   * @returns what the function returned
   */
  waitFor<R>(predicate: () => R): AwaitableCoroutine<R> {
    if (typeof predicate !== 'function')
      throw typeError(`Condition.waitFor: a function is required, got ${describe(predicate)}`, 'NOT_CALLABLE');
    return Condition.#waitFor(this, predicate) as AwaitableCoroutine<R>;
  }

  /**
   * Wakes up to `count` of those who wait. They go on when they have the lock, which the caller keeps until it releases it.
   *
   * @throws {RuntimeError} when the lock is not held
   */
  notify(count = 1): void {
    if (!this.locked()) throw new RuntimeError('cannot notify on un-acquired lock', { code: 'NOT_ACQUIRED' });
    this.#waiters.wake(count);
  }

  /** Wakes all who wait. */
  notifyAll(): void {
    this.notify(this.#waiters.size);
  }

  /** How it stands, for tools. */
  statistics(): { locked: boolean; waiting: number } {
    return { locked: this.locked(), waiting: this.#waiters.size };
  }

  /** The places of those who wait. @internal */
  get waiters(): WaitQueue {
    return this.#waiters;
  }

  static readonly #wait = /* @__PURE__ */ libraryCoroutine(function* wait(
    condition: Condition,
  ): Generator<unknown, true, unknown> {
    if (!condition.locked()) throw new RuntimeError('cannot wait on un-acquired lock', { code: 'NOT_ACQUIRED' });
    const place = condition.#waiters.join();
    condition.release();
    try {
      try {
        try {
          yield* place;
        } finally {
          condition.#waiters.leave(place);
        }
      } finally {
        yield* condition.#reacquire();
      }
    } catch (error) {
      // It may have been notified before: somebody else must be instead.
      condition.#waiters.wake(1);
      throw error;
    }
    return true;
  });

  /** Acquires the lock whatever happens; cancellations are put off until it is held. */
  *#reacquire(): Generator<unknown, void, unknown> {
    let cancellation: unknown = null;
    for (;;) {
      try {
        yield* this.#lock.acquire();
        break;
      } catch (error) {
        if (!(error instanceof CancelledError)) throw error;
        cancellation = error;
      }
    }
    if (cancellation !== null) throw cancellation;
  }

  static readonly #waitFor = /* @__PURE__ */ libraryCoroutine(function* waitFor(
    condition: Condition,
    predicate: () => unknown,
  ): Generator<unknown, unknown, unknown> {
    let result = predicate();
    while (!result) {
      yield* condition.wait();
      result = predicate();
    }
    return result;
  });

  toString(): string {
    const waiting = this.#waiters.size > 0 ? `, waiters:${this.#waiters.size}` : '';
    return `<${nameOfClass(this)} [${this.locked() ? 'locked' : 'unlocked'}${waiting}]>`;
  }
}
