import { ConcurrentFuture } from '../concurrent-future.ts';
import type { Call } from './work.ts';

/** A function that an executor runs, or will run: what `submit` returns. It is pending while it waits for a worker. */
export class Job<T> extends ConcurrentFuture<T> {
  readonly #terminate: boolean;
  readonly #drop: (job: Job<T>) => void;
  /** Ends its worker. Made when it has one. */
  #abort: AbortController | null = null;
  /** @internal */
  readonly call: Call;

  /** Made by an executor's `submit`. @internal */
  constructor(name: string, call: Call, terminate: boolean, drop: (job: Job<T>) => void) {
    super(name);
    this.#drop = drop;
    this.call = call;
    this.#terminate = terminate;
  }

  /**
   * Cancels it. A job that waits for a worker will never run. One that runs is not interrupted, unless it was submitted with
   * `terminate`: then its worker is ended in the middle of it, and replaced.
   *
   * @returns whether it is cancelled now
   */
  override cancel(): boolean {
    if (this.state === 'pending') this.#drop(this);
    else if (this.state !== 'running' || !this.#terminate) return this.cancelled();
    this.markCancelled();
    this.#abort?.abort();
    return true;
  }

  /** A worker runs it now. @internal */
  begin(): AbortSignal {
    this.markRunning();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  /** Ends its worker and fails it. @internal */
  breakOff(error: unknown): void {
    this.failOnPurpose(error);
    this.#abort?.abort();
  }
}
