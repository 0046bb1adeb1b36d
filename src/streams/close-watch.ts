import { type EventLoop, type Future, noteWait } from '../kernel/lowlevel.ts';

/** The end of a connection, for whoever waits for it. */
export class CloseWatch {
  readonly #loop: EventLoop;
  readonly #object: object;
  /** Made for the first one: a connection that is idle needs none. */
  #waiters: Set<Future<void>> | null = null;
  #outcome: { readonly error: unknown } | null = null;

  constructor(loop: EventLoop, object: object) {
    this.#loop = loop;
    this.#object = object;
  }

  /** @param error `null` when it ended in order */
  lost(error: unknown): void {
    this.#outcome = { error };
    for (const waiter of this.#waiters ?? []) {
      if (waiter.done()) continue;
      if (error === null) waiter.setResult(undefined);
      else waiter.setException(error);
    }
  }

  /** @throws what the connection was lost with */
  *wait(): Generator<unknown, void, unknown> {
    if (this.#outcome !== null) {
      if (this.#outcome.error !== null) throw this.#outcome.error;
      return;
    }
    const waiter = this.#loop.createFuture<void>();
    noteWait(waiter, { operation: 'waitClosed', object: this.#object });
    this.#waiters ??= new Set();
    this.#waiters.add(waiter);
    try {
      yield* waiter;
    } finally {
      this.#waiters?.delete(waiter);
    }
  }
}
