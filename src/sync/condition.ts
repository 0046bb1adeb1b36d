import { isCancelledError } from '../errors/errors.ts';
import { RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { unbound } from '../internal/methods.ts';
import { byNameOrPosition } from '../internal/options.ts';
import { checkWholeNumber } from '../internal/whole-number.ts';
import {
  type AwaitableCoroutine,
  type CoroutineFunction,
  libraryCoroutine,
  type Place,
  type Task,
  WaitQueue,
  WrittenCoroutine,
} from '../kernel/lowlevel.ts';
import { callMethod } from './call-method.ts';
import { type Guard, holding } from './guard.ts';
import { Lock } from './lock.ts';

/** The lock of a condition, given by name. */
export interface ConditionOptions {
  /** A lock that is shared with other conditions; a new one when absent. */
  readonly lock?: Lock | undefined;
}

function isLock(value: unknown): value is Lock {
  const { acquire, release } = (value ?? {}) as Partial<Lock>;
  return typeof acquire === 'function' && typeof release === 'function';
}

function lockOf(given: unknown): unknown {
  const lock = byNameOrPosition<unknown>('new Condition', ['lock'], given, undefined, 'new Lock()');
  return lock === undefined ? new Lock() : lock;
}

/** How many tasks are notified, by Python's name. */
export interface NotifyOptions {
  readonly n?: number | undefined;
}

/** The state of a condition. */
export interface ConditionStatistics {
  /** Whether its lock is held. */
  readonly locked: boolean;
  /** The task that holds its lock, `null` when it is free or was acquired outside any task. */
  readonly holder: Task<unknown> | null;
  /** How many tasks wait to be notified. */
  readonly waiting: number;
  /** How many have waited at once, at the most. */
  readonly peakWaiting: number;
  /** The tasks that wait to be notified, the one that has waited longest first. */
  readonly waiters: readonly Task<unknown>[];
}

/**
 * A lock with a way to wait, while holding it, until other tasks have changed something.
 *
 * A task may be woken without a reason, because a wait that fails passes its wake-up on so that none is lost. So check again after each
 * `wait()`, or use `waitFor`.
 *
 * Follows CPython's `asyncio.Condition`.
 *
 * @example
 * await condition.with(async () => {
 *   await condition.waitFor(() => jobs.length > 0);
 *   jobs.shift();
 * });
 */
export class Condition {
  static {
    inspectAsText(Condition.prototype);
  }

  readonly #lock: Lock;
  readonly #waiters = new WaitQueue(this, 'wait');

  /**
   * @param shared the lock, by position or as `{ lock }`, when it is shared with others; a new one when absent
   * @throws {TypeError} when it is not a lock
   */
  constructor(shared?: Lock | ConditionOptions) {
    const lock = isLock(shared) ? shared : lockOf(shared);
    if (!isLock(lock)) {
      throw typeError(`Condition: a Lock is required, got ${describe(lock)}; leave it out to have a new one`);
    }
    this.#lock = lock;
  }

  /** Its lock. */
  get lock(): Lock {
    return this.#lock;
  }

  /** Whether its lock is held. */
  locked(): boolean {
    return this.#lock.locked();
  }

  /**
   * Acquires its lock, as `Lock.acquire`.
   *
   * **Cancellation**: the place in the queue is lost; a lock that was about to be taken goes to the next one.
   * **Order**: first come, first served; tasks that were notified wait for the lock like all others.
   *
   * @returns a guard for `using`, which releases the lock
   */
  acquire(): AwaitableCoroutine<Guard> {
    return this.#lock.acquire();
  }

  /**
   * Releases its lock, as `Lock.release`.
   *
   * @throws {RuntimeError} when it is free
   */
  release(): void {
    if (this === undefined || !(#lock in this)) throw unbound('Condition.release');
    this.#lock.release();
  }

  /**
   * Runs a body while holding its lock.
   *
   * **Cancellation**: while it waits for the lock, the body does not run at all; later the error is thrown inside the body, and the lock is
   * released when the body ends.
   * **Order**: as `acquire()`.
   *
   * @param body an async function or a generator function; runs in the current task
   * @returns what the body returns
   * @throws {TypeError} at once, when the body is not a function
   * @throws what the body throws
   */
  with<T>(body: CoroutineFunction<T>): AwaitableCoroutine<T> {
    // Its `acquire()` returns what that of the lock returns, so it is the library's own only where that of the lock is.
    const isOwn = this.#lock.acquire === Lock.prototype.acquire;
    return holding(this, body, isOwn ? Condition.prototype.acquire : null);
  }

  /**
   * Releases the lock, waits until it is notified, and acquires the lock again.
   *
   * **Cancellation**: the lock is acquired first, however long that takes; further cancellations are delayed until then, and the
   * last `CancelledError` is thrown with the lock held. A notification that had already arrived goes to the next task.
   * **Order**: tasks are notified in the order in which they came, and take the lock in that order.
   *
   * Follows CPython's `asyncio.Condition.wait`.
   *
   * @returns true
   * @throws {RuntimeError} when the lock is not held, or tasks of another loop have waited for this condition before
   */
  wait(): AwaitableCoroutine<true> {
    return new Wait(this);
  }

  /**
   * Waits until a function returns true. The function is called at once, and after each notification, with the lock held.
   *
   * **Cancellation**: as `wait()`.
   * **Order**: as `wait()`; a task that is woken while the function returns false waits again, at the end of the queue.
   *
   * Follows CPython's `asyncio.Condition.wait_for`.
   *
   * @param predicate the condition; any truthy value ends the wait
   * @returns what the function returned
   * @throws {TypeError} at once, when it is not a function
   * @throws {RuntimeError} when it has to wait and the lock is not held
   * @throws what the function throws, with the lock held
   */
  waitFor<R>(predicate: () => R): AwaitableCoroutine<R> {
    if (typeof predicate !== 'function') {
      throw typeError(
        `Condition.waitFor: a function is required, got ${describe(predicate)}; write waitFor(() => …)`,
        'NOT_CALLABLE',
      );
    }
    return Condition.#waitFor(this, predicate) as AwaitableCoroutine<R>;
  }

  /**
   * Wakes up to `count` of the waiting tasks. They continue when they get the lock, which the caller keeps until it releases it.
   *
   * Follows CPython's `asyncio.Condition.notify`.
   *
   * @param count one when absent; by position, or as `{ n }`. Zero for none, infinity for all
   * @throws {RuntimeError} when the lock is not held
   * @throws {ValueError} when the count is negative, a fraction or `NaN`
   * @throws {TypeError} when the count is not a number
   */
  notify(count: number | NotifyOptions = 1): void {
    if (this === undefined || !(#lock in this)) throw unbound('Condition.notify');
    const most = byNameOrPosition('notify', ['n'], count, 1);
    checkWholeNumber('Condition.notify: the count', most, { least: 0, orInfinity: true });
    if (!this.locked()) throw this.notAcquired('notify');
    this.#waiters.wake(most);
  }

  /**
   * Wakes all waiting tasks.
   *
   * @throws {RuntimeError} when the lock is not held
   */
  notifyAll(): void {
    if (this === undefined || !(#lock in this)) throw unbound('Condition.notifyAll');
    this.notify(this.#waiters.size);
  }

  /** The current state, for tools. */
  statistics(): ConditionStatistics {
    const { size: waiting, peak: peakWaiting, tasks: waiters } = this.#waiters;
    return { locked: this.locked(), holder: this.#lock.holder ?? null, waiting, peakWaiting, waiters };
  }

  /** The places of the waiting tasks. @internal */
  get waiters(): WaitQueue {
    return this.#waiters;
  }

  static readonly #waitFor = /* @__PURE__ */ libraryCoroutine(function* waitFor(
    condition: Condition,
    predicate: () => unknown,
  ): Generator<unknown, unknown, unknown> {
    let result = predicate();
    while (!result) {
      yield* callMethod(condition, 'wait', Condition.prototype.wait);
      result = predicate();
    }
    return result;
  });

  /** @internal */
  notAcquired(operation: string): RuntimeError {
    return new RuntimeError(
      `cannot ${operation} on un-acquired lock: ${this} must be acquired first, with acquire() or with(body)`,
      { code: 'NOT_ACQUIRED' },
    );
  }

  toString(): string {
    const waiting = this.#waiters.size > 0 ? `, waiters:${this.#waiters.size}` : '';
    return `<${nameOfClass(this)} [${this.locked() ? 'locked' : 'unlocked'}${waiting}]>`;
  }
}

/**
 * The phases of a wait.
 *
 * | phase     | meaning                                       | left by                                            |
 * |-----------|-----------------------------------------------|----------------------------------------------------|
 * | CREATED   | nothing has happened                          | the lock is released                               |
 * | WAITING   | in the queue                                  | the notification, or an error                      |
 * | ACQUIRING | acquires the lock again, whatever has ended the wait | the lock; an error that is not a cancellation, too |
 * | OVER      |                                               | –                                                  |
 */
const CREATED = 0;
const WAITING = 1;
const ACQUIRING = 2;
const OVER = 3;

interface Failure {
  readonly error: unknown;
}

class Wait extends WrittenCoroutine<true> {
  static readonly exemplar: object = /* @__PURE__ */ new Wait(/* @__PURE__ */ new Condition());

  declare private readonly condition: Condition;
  declare private phase: typeof CREATED | typeof WAITING | typeof ACQUIRING | typeof OVER;
  declare private place: Place | null;
  /** What acquires the lock. */
  declare private acquiring: Iterator<unknown, unknown, unknown> | null;
  /** The error to throw when the lock is held: the one that ended the wait, or the last cancellation since then. */
  declare private failure: Failure | null;

  constructor(condition: Condition) {
    super();
    this.condition = condition;
    this.phase = CREATED;
    this.place = null;
    this.acquiring = null;
    this.failure = null;
  }

  get calledAs(): string {
    return 'Condition.wait';
  }

  next(value?: unknown): IteratorResult<unknown, true> {
    switch (this.phase) {
      case CREATED:
        return this.begin();
      case WAITING: {
        const place = this.place!;
        if (!place.cancelled()) return place.done() ? this.acquire(null) : this.waitAt(place);
        try {
          return this.waitAt(place); // which throws
        } catch (error) {
          return this.acquire({ error });
        }
      }
      case ACQUIRING:
        return this.goOn(null, value);
      default:
        return { done: true, value: true };
    }
  }

  override throw(error: unknown): IteratorResult<unknown, true> {
    if (this.phase === WAITING) return this.acquire({ error });
    if (this.phase === ACQUIRING) return this.goOn({ error });
    return super.throw(error);
  }

  /** Without the lock: a generator that is closed cannot wait for it either. */
  protected end(): void {
    if (this.place !== null) this.condition.waiters.leave(this.place);
    this.acquiring?.return?.();
    this.phase = OVER;
  }

  private begin(): IteratorResult<unknown, true> {
    const { condition } = this;
    this.phase = OVER; // for the errors
    if (!condition.locked()) throw condition.notAcquired('wait');
    const place = condition.waiters.join();
    condition.release();
    this.phase = WAITING;
    this.place = place;
    return this.waitAt(place);
  }

  private waitAt(place: Place): IteratorResult<unknown, never> {
    return place.next() as IteratorResult<unknown, never>;
  }

  /** The wait is over: the lock is acquired. */
  private acquire(failure: Failure | null): IteratorResult<unknown, true> {
    this.condition.waiters.leave(this.place!);
    this.phase = ACQUIRING;
    this.failure = failure;
    return this.goOn(null);
  }

  /** Continues to acquire the lock, and begins again each time that this is cancelled. */
  private goOn(failure: Failure | null, value?: unknown): IteratorResult<unknown, true> {
    let thrown = failure;
    for (;;) {
      let result: IteratorResult<unknown, unknown>;
      try {
        this.acquiring ??= callMethod(this.condition.lock, 'acquire', Lock.prototype.acquire)[Symbol.iterator]();
        result = thrown === null ? this.acquiring.next(value) : throwInto(this.acquiring, thrown.error);
      } catch (error) {
        thrown = null;
        this.acquiring = null;
        this.failure = { error };
        if (isCancelledError(error)) continue;
        return this.finish();
      }
      return result.done === true ? this.finish() : result;
    }
  }

  private finish(): IteratorResult<unknown, true> {
    this.phase = OVER;
    if (this.failure === null) return { done: true, value: true };
    // It may have been notified before; then another task must be notified instead.
    this.condition.waiters.wake(1);
    throw this.failure.error;
  }
}

function throwInto(frame: Iterator<unknown, unknown>, error: unknown): IteratorResult<unknown, unknown> {
  if (frame.throw === undefined) throw error;
  return frame.throw(error);
}
