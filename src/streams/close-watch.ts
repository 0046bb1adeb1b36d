import type { EventLoop } from '../kernel/lowlevel.ts';
import { Waiters } from './waiters.ts';

/** The end of a connection, for whoever waits for it. */
export class CloseWatch {
  readonly #loop: EventLoop;
  readonly #object: object;
  /** Made for the first one: a connection that is idle needs none. */
  #waiters: Waiters | null = null;
  #outcome: { readonly error: unknown } | null = null;

  constructor(loop: EventLoop, object: object) {
    this.#loop = loop;
    this.#object = object;
  }

  /** @param error `null` when it ended in order */
  lost(error: unknown): void {
    this.#outcome = { error };
    this.#waiters?.end(error);
  }

  /** @throws what the connection was lost with */
  *wait(): Generator<unknown, void, unknown> {
    if (this.#outcome === null) {
      this.#waiters ??= new Waiters(this.#loop, 'waitClosed', this.#object);
      yield* this.#waiters.wait();
    } else if (this.#outcome.error !== null) throw this.#outcome.error;
  }
}
