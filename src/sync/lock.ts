import { CancelledError, RuntimeError } from '../errors/index.ts';
import { nameOfClass } from '../internal/describe.ts';
import {
  type AwaitableCoroutine,
  type CoroutineFunction,
  libraryCoroutine,
  runningTask,
  type Task,
  WaitQueue,
} from '../kernel/lowlevel.ts';
import { Guard, holding } from './guard.ts';

/**
 * Lets one task at a time pass. Tasks get it in the order in which they asked; any task may release it.
 *
 * Follows CPython's `asyncio.Lock`.
 *
 * @example
 * const lock = new Lock();
 * {
 *   using _ = await lock.acquire();
 *   // alone here
 * }
 * await lock.with(() => download(url)); // the same around a body
 */
export class Lock {
  #locked = false;
  #holder: Task<unknown> | null = null;
  readonly #waiters = new WaitQueue(this, 'acquire');

  /** Whether somebody holds it. After `release()` it is free, also when a waiting task is about to take it. */
  locked(): boolean {
    return this.#locked;
  }

  /** The task that acquired it, `null` when it is free or was acquired outside any task. */
  get holder(): Task<unknown> | null {
    return this.#holder;
  }

  /**
   * Waits until it is free, and takes it. A free lock is taken at once, without giving others a turn.
   *
   * **Cancellation**: the place in the queue is lost; a lock that was about to be taken goes to the next one.
   * **Order**: first come, first served.
   *
   * @returns a guard for `using`, which releases it
   */
  acquire(): AwaitableCoroutine<Guard> {
    return Lock.#acquire(this);
  }

  /**
   * Runs a body while holding it.
   *
   * @param body an async function or a generator function; runs in the present task
   * @returns what the body returns
   */
  with<T>(body: CoroutineFunction<T>): AwaitableCoroutine<T> {
    return holding(this, body);
  }

  /**
   * Sets it free; the first of those who wait takes it in the next iteration.
   *
   * @throws {RuntimeError} when it is free
   */
  release(): void {
    if (!this.#locked)
      throw new RuntimeError(`Lock is not acquired: ${this} cannot be released`, { code: 'NOT_ACQUIRED' });
    this.#locked = false;
    this.#holder = null;
    this.#waiters.first?.wake();
  }

  /** How it stands, for tools. */
  statistics(): { locked: boolean; holder: Task<unknown> | null; waiting: number } {
    return { locked: this.#locked, holder: this.#holder, waiting: this.#waiters.size };
  }

  /** The places of those who wait. @internal */
  get waiters(): WaitQueue {
    return this.#waiters;
  }

  static readonly #acquire = /* @__PURE__ */ libraryCoroutine(function* acquire(
    lock: Lock,
  ): Generator<unknown, Guard, unknown> {
    // Nobody overtakes tasks that wait, though the lock is free until the one that was woken takes it.
    if (lock.#locked || lock.#waiters.hasLive()) yield* lock.#wait();
    lock.#locked = true;
    lock.#holder = runningTask();
    return new Guard(lock);
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
      // Woken and cancelled at once: the wake belongs to the next one.
      if (error instanceof CancelledError && !this.#locked) this.#waiters.first?.wake();
      throw error;
    }
  }

  toString(): string {
    const waiting = this.#waiters.size > 0 ? `, waiters:${this.#waiters.size}` : '';
    return `<${nameOfClass(this)} [${this.#locked ? 'locked' : 'unlocked'}${waiting}]>`;
  }
}
