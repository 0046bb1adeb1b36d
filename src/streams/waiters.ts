import { type EventLoop, type Future, failWith, noteWait, type WaitRecord } from '../kernel/lowlevel.ts';

/** Tasks that wait for the same to happen. All of them are woken together, from inside the loop or outside. */
export class Waiters {
  readonly #loop: EventLoop;
  readonly #record: WaitRecord;
  readonly #futures = new Set<Future<void>>();

  /**
   * @param operation the name of the operation, for the wait records
   * @param object the object that is waited for, for the wait records
   */
  constructor(loop: EventLoop, operation: string, object: object) {
    this.#loop = loop;
    this.#record = { operation, object };
  }

  *wait(): Generator<unknown, void, unknown> {
    const future = this.#loop.createFuture<void>();
    noteWait(future, this.#record);
    this.#futures.add(future);
    try {
      yield* future;
    } finally {
      this.#futures.delete(future);
    }
  }

  /** @param error the error with which the waits fail; `null` when they end without an error */
  release(error: unknown = null): void {
    for (const future of this.#futures) {
      if (future.done()) continue;
      if (error === null) future.setResult(undefined);
      else failWith(future, error);
    }
  }
}
