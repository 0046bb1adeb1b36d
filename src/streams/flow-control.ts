import { ConnectionResetError } from '../errors/os-error.ts';
import type { EventLoop } from '../kernel/lowlevel.ts';
import { Waiters } from './waiters.ts';

/**
 * Controls writing: `drain` waits while the transport is paused, and fails when the connection is lost.
 *
 * Follows CPython's `FlowControlMixin`.
 */
export class FlowControl {
  readonly #loop: EventLoop;
  /** What is drained, for the wait records. */
  readonly #object: object;
  /** Made for the first waiter, because an idle connection needs none. */
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

  /** The connection has ended: all waits end. */
  lost(error: unknown): void {
    this.#isLost = true;
    if (this.#isPaused) this.#waiters?.end(error);
  }

  /** Whether `drain` has nothing to do. */
  get isOpen(): boolean {
    return !this.#isPaused && !this.#isLost;
  }

  /** Waits while paused. @throws {ConnectionResetError} when the connection was lost before */
  *drain(): Generator<unknown, void, unknown> {
    if (this.#isLost) {
      throw new ConnectionResetError('Connection lost: nothing more can be sent', { code: 'ECONNRESET' });
    }
    if (!this.#isPaused) return;
    this.#waiters ??= new Waiters(this.#loop, 'drain', this.#object);
    yield* this.#waiters.wait();
  }
}
