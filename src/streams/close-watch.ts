import type { EventLoop } from '../kernel/lowlevel.ts';
import { Waiters } from './waiters.ts';

/** Lets tasks wait for the end of a connection. */
export class CloseWatch {
  readonly #loop: EventLoop;
  readonly #object: object;
  /** Made for the first waiter, because an idle connection needs none. */
  #waiters: Waiters | null = null;
  #outcome: { readonly error: unknown } | null = null;

  constructor(loop: EventLoop, object: object) {
    this.#loop = loop;
    this.#object = object;
  }

  /** @param error `null` when it ended without an error */
  lost(error: unknown): void {
    this.#outcome = { error };
    this.#waiters?.end(error);
  }

  /** @throws the error with which the connection was lost */
  *wait(): Generator<unknown, void, unknown> {
    if (this.#outcome === null) {
      this.#waiters ??= new Waiters(this.#loop, 'waitClosed', this.#object);
      yield* this.#waiters.wait();
    } else if (this.#outcome.error !== null) throw this.#outcome.error;
  }
}
