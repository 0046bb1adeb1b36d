import { type EventLoop, type Future, failWith, noteWait, type WaitRecord } from '../kernel/lowlevel.ts';

/** Tasks that wait for the same to happen. They are told all at once, by whoever knows, inside the loop or outside. */
export class Waiters {
  readonly #loop: EventLoop;
  readonly #record: WaitRecord;
  readonly #futures = new Set<Future<void>>();

  /**
   * @param operation what is waited for, for the wait records
   * @param object what it happens to
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

  /** @param error what the waits fail with, `null` when they are over in order */
  release(error: unknown = null): void {
    for (const future of this.#futures) {
      if (future.done()) continue;
      if (error === null) future.setResult(undefined);
      else failWith(future, error);
    }
  }
}
