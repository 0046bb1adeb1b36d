import { type EventLoop, type Future, failWith, newWait, release, type WaitRecord } from '../kernel/lowlevel.ts';

/** Tasks that wait for the same to happen. They are told all at once, by whoever knows, inside the loop or outside. */
export class Waiters<T = void> {
  readonly #loop: EventLoop;
  readonly #record: WaitRecord;
  readonly #futures = new Set<Future<T>>();

  /**
   * @param operation the name of the operation, for the wait records
   * @param object the object that is waited for, for the wait records
   */
  constructor(loop: EventLoop, operation: string, object: object) {
    this.#loop = loop;
    this.#record = { operation, object };
  }

  /** @param object what is waited for, where that is another one */
  *wait(object?: object): Generator<unknown, T, unknown> {
    const record = object === undefined ? this.#record : { ...this.#record, object };
    const future = newWait<T>(this.#loop, record);
    this.#futures.add(future);
    try {
      return yield* future;
    } finally {
      this.#futures.delete(future);
    }
  }

  /** @param result what the waits give */
  release(result: T): void {
    for (const future of this.#futures) release(future, result);
  }

  /** @param error what the waits fail with, `null` when they are over in order */
  end(this: Waiters, error: unknown): void {
    if (error === null) this.release();
    else for (const future of this.#futures) if (!future.done()) failWith(future, error);
  }
}
