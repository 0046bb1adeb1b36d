import { CancelledError, ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { type AwaitableCoroutine, type CoroutineFunction, libraryCoroutine, WaitQueue } from '../kernel/lowlevel.ts';
import { Guard, holding } from './guard.ts';

/**
 * Lets a number of tasks pass at a time. Tasks get it in the order in which they asked.
 *
 * Follows CPython's `asyncio.Semaphore`.
 *
 * @example
 * const limit = new Semaphore(10);
 * const page = await limit.with(() => fetch(url));
 */
export class Semaphore {
  /** Units that nobody has taken; those of tasks that were woken are taken already. @internal */
  value: number;
  readonly #waiters = new WaitQueue(this, 'acquire');

  /**
   * @param value how many may pass at once
   * @throws {ValueError} when it is negative or `NaN`
   */
  constructor(value = 1) {
    if (typeof value !== 'number') throw typeError(`Semaphore: a number is required, got ${describe(value)}`);
    if (!(value >= 0)) throw new ValueError(`Semaphore initial value must be >= 0, got ${value}`);
    this.value = value;
  }

  /** Whether `acquire()` would have to wait: no unit is free, or others wait already. */
  locked(): boolean {
    return this.value === 0 || this.#waiters.hasLive();
  }

  /**
   * Waits for a unit, and takes it.
   *
   * **Cancellation**: the place in the queue is lost; a unit that was reserved goes to the next one.
   * **Order**: first come, first served.
   *
   * @returns a guard for `using`, which releases it
   */
  acquire(): AwaitableCoroutine<Guard> {
    return Semaphore.#acquire(this);
  }

  /** Runs a body while holding a unit. */
  with<T>(body: CoroutineFunction<T>): AwaitableCoroutine<T> {
    return holding(this, body);
  }

  /** Gives a unit back; the first of those who wait has it reserved at once. */
  release(): void {
    this.value++;
    this.#wakeNext();
  }

  #wakeNext(): boolean {
    // Reserved: taken for the task that is woken, so that nobody can overtake it.
    if (!this.#waiters.wakeNext()) return false;
    this.value--;
    return true;
  }

  /** How it stands, for tools. */
  statistics(): { value: number; waiting: number } {
    return { value: this.value, waiting: this.#waiters.size };
  }

  /** The places of those who wait. @internal */
  get waiters(): WaitQueue {
    return this.#waiters;
  }

  static readonly #acquire = /* @__PURE__ */ libraryCoroutine(function* acquire(
    semaphore: Semaphore,
  ): Generator<unknown, Guard, unknown> {
    if (semaphore.locked()) yield* semaphore.#wait();
    else semaphore.value--;
    return new Guard(semaphore);
  });

  *#wait(): Generator<unknown, void, unknown> {
    const place = this.#waiters.join();
    try {
      try {
        yield* place;
      } finally {
        this.#waiters.leave(place);
      }
    } catch (error) {
      // Woken and cancelled at once: the unit was reserved for nothing.
      if (error instanceof CancelledError && place.done() && !place.cancelled()) this.value++;
      throw error;
    } finally {
      // Others may have come meanwhile, who had to wait only because this one did.
      while (this.value > 0 && this.#wakeNext());
    }
  }

  toString(): string {
    const state = this.locked() ? 'locked' : `unlocked, value:${this.value}`;
    const waiting = this.#waiters.size > 0 ? `, waiters:${this.#waiters.size}` : '';
    return `<${nameOfClass(this)} [${state}${waiting}]>`;
  }
}

/**
 * A semaphore that complains when it is released more often than acquired.
 *
 * Follows CPython's `asyncio.BoundedSemaphore`.
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number;

  constructor(value = 1) {
    super(value);
    this.#bound = value;
  }

  /** @throws {ValueError} when it would have more units than in the beginning */
  override release(): void {
    if (this.value >= this.#bound) {
      throw new ValueError(`BoundedSemaphore released too many times: ${this} has all its units`, {
        code: 'RELEASED_TOO_OFTEN',
      });
    }
    super.release();
  }
}
