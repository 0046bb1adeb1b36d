import { CancelledError } from '../errors/index.ts';
import { nameOfClass } from '../internal/describe.ts';
import { type Awaitable, type Future, noteWait, runningTask, wrapPromise } from '../kernel/lowlevel.ts';

/**
 * Where work stands.
 *
 *     PENDING ──begins──▶ RUNNING ──▶ FINISHED
 *        └────cancel()────┬──┘
 *                         ▼
 *                     CANCELLED
 */
export type WorkState = 'pending' | 'running' | 'finished' | 'cancelled';

/**
 * Work that another thread or process does: a promise of its result, which can be cancelled. It belongs to no loop. A task that awaits
 * it is cancelled together with it.
 *
 * Follows CPython's `concurrent.futures.Future`.
 */
export abstract class ConcurrentFuture<T> implements Awaitable<T> {
  readonly #settled = Promise.withResolvers<T>();
  #state: WorkState = 'pending';
  /** Of the tasks that wait, until it is done. */
  readonly #waits = new Set<Future<T>>();
  /** The name of the function. */
  readonly name: string;

  /** @internal */
  constructor(name: string) {
    this.name = name;
  }

  /**
   * Cancels the work, as far as that is possible.
   *
   * @returns whether it is cancelled now
   */
  abstract cancel(): boolean;

  /** Where it stands. */
  get state(): WorkState {
    return this.#state;
  }

  /** Whether it has a result, an error, or was cancelled. */
  done(): boolean {
    return this.#state === 'finished' || this.#state === 'cancelled';
  }

  /** Whether somebody works at it. */
  running(): boolean {
    return this.#state === 'running';
  }

  /** Whether it was cancelled. */
  cancelled(): boolean {
    return this.#state === 'cancelled';
  }

  /** As a promise. In a task, `await` is a wait that can be cancelled; the work is cancelled too, unless another task waits for it. */
  get then(): <A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ) => Promise<A | B> {
    const promise = this.#settled.promise;
    if (runningTask() === null) return (onFulfilled, onRejected) => promise.then(onFulfilled, onRejected);
    // The kernel knows an `await` by the look-up of `then` before it, so the future is there now, and begins to wait when it is called.
    const { future, begin } = this.#newWait();
    const then = future.then;
    return (onFulfilled, onRejected) => {
      begin();
      return then.call(future, onFulfilled as never, onRejected as never) as never;
    };
  }

  /** `then` for errors only. */
  catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#settled.promise.catch(onRejected);
  }

  /** Calls a function when it is done, however. */
  finally(onDone?: (() => void) | null): Promise<T> {
    return this.#settled.promise.finally(onDone);
  }

  [Symbol.iterator](): Iterator<unknown, T, unknown> {
    const { future, begin } = this.#newWait();
    begin();
    return future[Symbol.iterator]();
  }

  /** A future for one who waits, which learns of nothing before `begin()`: most of those that are only looked up never do. */
  #newWait(): { readonly future: Future<T>; begin(): void } {
    let begin = (): void => {};
    const outcome: PromiseLike<T> = {
      then: (onFulfilled, onRejected) => {
        begin = () => {
          this.#waits.add(future);
          this.#settled.promise.then(onFulfilled, onRejected);
        };
        return outcome as never;
      },
    };
    const future = wrapPromise(outcome, { onCancel: () => this.#left(future) });
    noteWait(future, { operation: this.name, object: this });
    return { future, begin: () => begin() };
  }

  /** Somebody who waited was cancelled: nobody needs the work, unless others wait. */
  #left(future: Future<T>): void {
    this.#waits.delete(future);
    if (this.#waits.size === 0) this.cancel();
  }

  toString(): string {
    return `<${nameOfClass(this)} ${this.#state} fn=${this.name}()>`;
  }

  /** What Node's `util.inspect` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** Somebody works at it now. @internal */
  markRunning(): void {
    this.#state = 'running';
  }

  /** @internal */
  succeed(value: T): void {
    if (this.#end('finished')) this.#settled.resolve(value);
  }

  /** @internal */
  fail(error: unknown): void {
    if (this.#end('finished')) this.#settled.reject(error);
  }

  /** Fails because this side has ended the work: that nobody asks for its result then is no mistake. @internal */
  failOnPurpose(error: unknown): void {
    this.#settled.promise.catch(() => {});
    this.fail(error);
  }

  /** @internal */
  markCancelled(): void {
    if (!this.#end('cancelled')) return;
    this.#settled.promise.catch(() => {}); // that nobody asks for the result of what was cancelled is no mistake
    this.#settled.reject(new CancelledError());
  }

  #end(state: WorkState): boolean {
    if (this.done()) return false;
    this.#state = state;
    this.#waits.clear();
    return true;
  }
}
