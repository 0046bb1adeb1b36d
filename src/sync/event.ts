import { nameOfClass } from '../internal/describe.ts';
import { type AwaitableCoroutine, libraryCoroutine, WaitQueue } from '../kernel/lowlevel.ts';

/**
 * A flag that tasks can wait for.
 *
 * Follows CPython's `asyncio.Event`.
 *
 * @example
 * const ready = new Event();
 * createTask(function* () {
 *   yield* ready.wait();
 * });
 * ready.set();
 */
export class Event {
  #isSet = false;
  readonly #waiters = new WaitQueue(this, 'wait');

  /** Whether the flag is set. */
  isSet(): boolean {
    return this.#isSet;
  }

  /** Sets the flag and wakes all that wait, also when it is cleared again at once. */
  set(): void {
    if (this.#isSet) return;
    this.#isSet = true;
    this.#waiters.wake(this.#waiters.size);
  }

  /** Clears the flag. */
  clear(): void {
    this.#isSet = false;
  }

  /**
   * Waits until the flag is set; goes on at once when it is.
   *
   * **Cancellation**: ends the wait.
   * **Order**: all are woken in the order in which they came.
   *
   * @returns true
   */
  wait(): AwaitableCoroutine<true> {
    return Event.#wait(this);
  }

  /** How it stands, for tools. */
  statistics(): { isSet: boolean; waiting: number } {
    return { isSet: this.#isSet, waiting: this.#waiters.size };
  }

  /** The places of those who wait. @internal */
  get waiters(): WaitQueue {
    return this.#waiters;
  }

  static readonly #wait = /* @__PURE__ */ libraryCoroutine(function* wait(
    event: Event,
  ): Generator<unknown, true, unknown> {
    if (event.#isSet) return true;
    const place = event.#waiters.join();
    try {
      yield* place;
      return true;
    } finally {
      event.#waiters.leave(place);
    }
  });

  toString(): string {
    const waiting = this.#waiters.size > 0 ? `, waiters:${this.#waiters.size}` : '';
    return `<${nameOfClass(this)} [${this.#isSet ? 'set' : 'unset'}${waiting}]>`;
  }
}
