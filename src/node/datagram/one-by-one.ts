/** Sends a datagram and calls back when it has left. */
export type Send = (over: () => void) => void;

/**
 * Sends datagrams one by one. Deno sends several at the same time and lets them overtake each other, even on one machine, where the
 * other runtimes keep their order.
 */
export class OneByOne {
  /** Invariant: not empty only while a datagram is being sent. */
  readonly #waiting: Send[] = [];
  #isBusy = false;

  /** Keeps the order of datagrams in this runtime; `null` when the runtime does so itself. */
  static ofRuntime(): OneByOne | null {
    return 'deno' in process.versions ? new OneByOne() : null;
  }

  add(send: Send): void {
    if (this.#isBusy) this.#waiting.push(send);
    else this.#begin(send);
  }

  #begin(send: Send): void {
    this.#isBusy = true;
    send(() => {
      this.#isBusy = false;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#begin(next);
    });
  }
}
