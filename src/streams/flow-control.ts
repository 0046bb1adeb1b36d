import { ConnectionResetError } from '../errors/os-error.ts';
import type { EventLoop } from '../kernel/lowlevel.ts';
import { Waiters } from './waiters.ts';

/**
 * Whether writing may go on: `drain` waits while the transport is paused, and fails when the connection is lost.
 *
 * Follows CPython's `FlowControlMixin`.
 */
export class FlowControl {
  readonly #loop: EventLoop;
  /** What is drained, for the wait records. */
  readonly #object: object;
  /** Made for the first one: a connection that is idle needs none. */
  #waiters: Waiters | null = null;
  #isPaused = false;
  #isLost = false;

  constructor(loop: EventLoop, object: object) {
    this.#loop = loop;
    this.#object = object;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#waiters?.release();
  }

  /** The connection is gone: nobody waits any longer. */
  lost(error: unknown): void {
    this.#isLost = true;
    if (this.#isPaused) this.#waiters?.end(error);
  }

  /** Whether `drain` does nothing. */
  get isOpen(): boolean {
    return !this.#isPaused && !this.#isLost;
  }

  /** Waits while paused. @throws {ConnectionResetError} when the connection was lost before */
  *drain(): Generator<unknown, void, unknown> {
    if (this.#isLost) {
      throw new ConnectionResetError('Connection lost: what is written now arrives nowhere', { code: 'ECONNRESET' });
    }
    if (!this.#isPaused) return;
    this.#waiters ??= new Waiters(this.#loop, 'drain', this.#object);
    yield* this.#waiters.wait();
  }
}
