import { afterMicrotasks } from './runtime/platform.ts';

/** A promise of what an executor does. */
export interface ExecutorJob<T> extends PromiseLike<T> {
  /** Called when nobody waits for it any more. */
  cancel?(): unknown;
}

/** Runs functions somewhere else: a pool of threads, of processes, or a queue. */
export interface Executor {
  /** Runs a function; the promise brings its result. */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): ExecutorJob<Awaited<R>>;
  /** Takes no more work; the promise fulfils when all that was submitted is done. */
  shutdown?(): PromiseLike<void> | void;
}

/**
 * The executor of a loop that was given none. A JavaScript function cannot be moved to another thread, so it runs in this one,
 * as a macrotask of its own: I/O and the loop's turns come between two of them, but a function that takes long blocks both.
 */
export class SameThreadExecutor implements Executor {
  readonly #pending = new Set<Promise<void>>();

  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): PromiseLike<Awaited<R>> {
    const work = new Promise<void>((resolve) => afterMicrotasks(resolve)).then(() => fn(...args));
    const over = () => {
      this.#pending.delete(settled);
    };
    const settled: Promise<void> = work.then(over, over);
    this.#pending.add(settled);
    return work as Promise<Awaited<R>>;
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
