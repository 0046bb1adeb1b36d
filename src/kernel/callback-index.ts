/** A done callback among the waiters of a future. */
export interface IndexedCallback {
  /** @internal */
  readonly _callback: unknown;
  /** Drops the function: a callback without one does nothing. @internal */
  _drop(): void;
}

/**
 * The done callbacks of a future by function. A future with many waiters has one from the first `removeDoneCallback`
 * on: searching all waiters for each callback that is removed would cost quadratic time. Removed callbacks stay among
 * the waiters, without their function, until they are half of them and are swept out.
 */
export class CallbackIndex {
  readonly #byFunction = new Map<unknown, IndexedCallback[]>();
  /** How many have been removed since the last sweep. */
  #removed = 0;

  add(callback: IndexedCallback): void {
    const same = this.#byFunction.get(callback._callback);
    if (same === undefined) this.#byFunction.set(callback._callback, [callback]);
    else same.push(callback);
  }

  /** Removes a function, however often it was added; returns how often it was. */
  remove(callback: unknown): number {
    const same = this.#byFunction.get(callback) ?? [];
    this.#byFunction.delete(callback);
    for (const one of same) one._drop();
    this.#removed += same.length;
    return same.length;
  }

  /** Whether the waiters have to be swept now, of which there are so many with those that were removed. */
  isSweepDue(waiters: number): boolean {
    if (this.#removed * 2 < waiters) return false;
    this.#removed = 0;
    return true;
  }
}
