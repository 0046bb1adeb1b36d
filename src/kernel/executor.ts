import { RuntimeError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { newDefaultExecutor } from '../internal/default-executor.ts';
import { describe } from '../internal/describe.ts';
import type { EventLoop } from './event-loop.ts';
import { PromiseFuture } from './promise-future.ts';

/** A promise for the work of an executor. */
export interface ExecutorJob<T> extends PromiseLike<T> {
  /** Called when no task waits for it any more. */
  cancel?(): unknown;
}

/** Runs functions elsewhere: in a pool of threads or processes, or through a queue. */
export interface Executor {
  /** Runs a function; returns a promise for its result. */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): ExecutorJob<Awaited<R>>;
  /** Accepts no more work; the promise fulfils when all submitted work is done. */
  shutdown?(): PromiseLike<void> | void;
}

/** The outcome of a job. Cancelling it informs the executor. */
export class JobFuture<T> extends PromiseFuture<T> {
  readonly #job: ExecutorJob<T>;

  /** @throws {TypeError} when the executor has returned no promise */
  constructor(loop: EventLoop, job: ExecutorJob<T>) {
    if (typeof job?.then !== 'function')
      throw typeError(`submit() of an executor must return a promise, got ${describe(job)}`, 'NOT_AWAITABLE');
    super(loop);
    this.#job = job;
    this._rareFields().purpose = { operation: 'runInExecutor', object: job };
    this.follow(job);
  }

  override cancel(message?: unknown): boolean {
    const cancelled = super.cancel(message);
    if (cancelled) this.call("cancel() of an executor's job", () => this.#job.cancel?.());
    return cancelled;
  }
}

/**
 * The executor of a loop for which none was set: the thread pool of `asyncio-ts/node`, made for the first job, if that
 * was imported. Otherwise there are no threads, and it throws: a function that runs in this thread would block the
 * loop, which is exactly what an executor is used to avoid.
 */
export class LoopExecutor implements Executor {
  #executor: Executor | null = null;

  /** @throws {RuntimeError} when `asyncio-ts/node` was not imported */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): ExecutorJob<Awaited<R>> {
    this.#executor ??= newDefaultExecutor();
    if (this.#executor === null) throw noExecutor(fn.name);
    return this.#executor.submit(fn, ...args);
  }

  shutdown(): PromiseLike<void> | void {
    return this.#executor?.shutdown?.();
  }

  toString(): string {
    return this.#executor === null ? '<LoopExecutor unused>' : String(this.#executor);
  }
}

function noExecutor(name: string): RuntimeError {
  return new RuntimeError(
    `there is no thread for ${name === '' ? '<anonymous>' : name}(): the loop has no executor. On Node, Bun and Deno write ` +
      "import { toThread } from 'asyncio-ts/node', or import 'asyncio-ts/node' for runInExecutor(null, …). Elsewhere give the loop one: " +
      'loop.setDefaultExecutor({ submit: (fn, ...args) => Promise.resolve(fn(...args)) }), which runs functions in this thread',
    { code: 'NO_EXECUTOR' },
  );
}
