import { CancelledError } from '../errors/index.ts';
import { nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import type { Awaitable, Future } from '../kernel/lowlevel.ts';
import { iteratorOf, type Then, thenOf, type Waits } from './awaitable-promise.ts';

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
 * it is cancelled together with it, and the work with the last task that awaits it.
 *
 * Follows CPython's `concurrent.futures.Future`.
 */
export abstract class ConcurrentFuture<T> implements Awaitable<T> {
  static {
    inspectAsText(ConcurrentFuture.prototype);
  }

  readonly #settled = Promise.withResolvers<T>();
  #state: WorkState = 'pending';
  /** Of the tasks that wait, until it is done. */
  readonly #waits = new Set<Future<T>>();
  readonly #forWaits: Waits<T>;
  /** The name of the function. */
  readonly name: string;

  /** @internal */
  constructor(name: string) {
    this.name = name;
    this.#forWaits = {
      record: { operation: name, object: this },
      begun: (future) => {
        this.#waits.add(future);
      },
      cancelled: (future) => {
        this.#waits.delete(future);
        if (this.#waits.size === 0) this.cancel(); // nobody else needs it
      },
    };
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
  get then(): Then<T> {
    return thenOf(this.#settled.promise, this.#forWaits);
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
    return iteratorOf(this.#settled.promise, this.#forWaits);
  }

  toString(): string {
    return `<${nameOfClass(this)} ${this.#state} fn=${this.name}()>`;
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
