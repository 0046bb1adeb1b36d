import type { Rejection } from '../internal/rejection.ts';
import {
  type Awaitable,
  type Future,
  noteWait,
  runningTask,
  type WaitRecord,
  wrapPromise,
} from '../kernel/lowlevel.ts';

/** The type of `then` of a promise or a similar object. */
export type Then<T> = <A = T, B = never>(
  onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
  onRejected?: ((error: Rejection) => B | PromiseLike<B>) | null,
) => Promise<A | B>;

/** A promise that coroutines of both spellings can wait for. Its work has begun, whether or not anything waits for it. */
export type AwaitablePromise<T> = Promise<T> & Awaitable<T>;

/** The wait records of tasks that wait for a promise, and what they call when a wait is cancelled. */
export interface Waits<T> {
  readonly record: WaitRecord;
  begun?(future: Future<T>): void;
  /** The task that waits was cancelled. */
  cancelled?(future: Future<T>): void;
}

/** A future for one wait. It does not follow the promise before `begin()`, because most look-ups of `then` do not lead to a wait. */
function newWait<T>(promise: Promise<T>, { record, begun, cancelled }: Waits<T>): { future: Future<T>; begin(): void } {
  let begin = (): void => {};
  const outcome: PromiseLike<T> = {
    then: (onFulfilled, onRejected) => {
      begin = () => {
        begun?.(future);
        promise.then(onFulfilled, onRejected);
      };
      return outcome as never;
    },
  };
  const future = wrapPromise(outcome, { onCancel: () => cancelled?.(future) });
  noteWait(future, { isExternal: true, ...record });
  return { future, begin: () => begin() };
}

/**
 * The result of the `then` getter: in a task, `await` is a wait that can be cancelled. The kernel recognises an `await` by the look-up of
 * `then` before it, so the future is made here, and begins to wait when it is called.
 */
export function thenOf<T>(promise: Promise<T>, waits: Waits<T>): Then<T> {
  if (runningTask() === null) return (onFulfilled, onRejected) => promise.then(onFulfilled, onRejected);
  const { future, begin } = newWait(promise, waits);
  const then = future.then;
  return (onFulfilled, onRejected) => {
    begin();
    return then.call(future, onFulfilled as never, onRejected as never) as never;
  };
}

/** For `yield*`. */
export function iteratorOf<T>(promise: Promise<T>, waits: Waits<T>): Iterator<unknown, T, unknown> {
  const { future, begin } = newWait(promise, waits);
  begin();
  return future[Symbol.iterator]();
}

/** Not a promise itself, because the JavaScript engine does not read `then` of a real promise when it is awaited. */
class Waitable<T> implements AwaitablePromise<T> {
  readonly [Symbol.toStringTag] = 'Promise';
  readonly #promise: Promise<T>;
  readonly #waits: Waits<T>;

  constructor(promise: Promise<T>, record: WaitRecord) {
    this.#promise = promise;
    this.#waits = { record };
  }

  get then(): Then<T> {
    return thenOf(this.#promise, this.#waits);
  }

  catch<B = never>(onRejected?: ((error: Rejection) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#promise.catch(onRejected);
  }

  finally(onDone?: (() => void) | null): Promise<T> {
    return this.#promise.finally(onDone);
  }

  [Symbol.iterator](): Iterator<unknown, T, unknown> {
    return iteratorOf(this.#promise, this.#waits);
  }
}

/** @param record the wait record of the waiting tasks */
export function awaitablePromise<T>(promise: Promise<T>, record: WaitRecord): AwaitablePromise<T> {
  return new Waitable(promise, record);
}
