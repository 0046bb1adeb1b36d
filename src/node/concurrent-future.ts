import { CancelledError } from '../errors/index.ts';
import { nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import type { Rejection } from '../internal/rejection.ts';
import type { Awaitable, Future } from '../kernel/lowlevel.ts';
import { iteratorOf, type Then, thenOf, type Waits } from './awaitable-promise.ts';

/**
 * The states of the work.
 *
 *     PENDING ──begins──▶ RUNNING ──▶ FINISHED
 *        └────cancel()────┬──┘
 *                         ▼
 *                     CANCELLED
 */
export type WorkState = 'pending' | 'running' | 'finished' | 'cancelled';

/**
 * Work that another thread or process does: a promise of its result, which can be cancelled. It does not belong to a loop. A task that
 * awaits it is cancelled when the work is; the work is cancelled when the last task that awaits it is.
 *
 * Follows CPython's `concurrent.futures.Future`.
 */
export abstract class ConcurrentFuture<T> implements Awaitable<T> {
  static {
    inspectAsText(ConcurrentFuture.prototype);
  }

  readonly #settled = Promise.withResolvers<T>();
  #state: WorkState = 'pending';
  /** The waits of tasks, until it is done. */
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
        if (this.#waits.size === 0) this.cancel(); // no other task needs it
      },
    };
  }

  /**
   * Cancels the work, as far as that is possible.
   *
   * @returns whether it is cancelled now
   */
  abstract cancel(): boolean;

  /** The current state. */
  get state(): WorkState {
    return this.#state;
  }

  /** Whether it has a result, an error, or was cancelled. */
  done(): boolean {
    return this.#state === 'finished' || this.#state === 'cancelled';
  }

  /** Whether the work has begun. */
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
  catch<B = never>(onRejected?: ((error: Rejection) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#settled.promise.catch(onRejected);
  }

  /** The outcome, for waits of a subclass. @internal */
  protected get settled(): Promise<T> {
    return this.#settled.promise;
  }

  /** Calls a function when it is done, with any outcome. */
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

  /** Fails because this side has ended the work; an unhandled rejection is then not reported. @internal */
  failOnPurpose(error: unknown): void {
    this.#settled.promise.catch(() => {});
    this.fail(error);
  }

  /** @internal */
  markCancelled(error = new CancelledError()): void {
    if (!this.#end('cancelled')) return;
    this.#settled.promise.catch(() => {}); // an unhandled rejection of cancelled work is not reported
    this.#settled.reject(error);
  }

  #end(state: WorkState): boolean {
    if (this.done()) return false;
    this.#state = state;
    this.#waits.clear();
    return true;
  }
}
