import { type AwaitableCoroutine, libraryCoroutine } from '../kernel/lowlevel.ts';

/** The result of an iterator that has ended. */
export const OVER: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** An async iterator whose `next` and `return` can be awaited in both spellings, so that tasks can be cancelled in them. */
export type AwaitableIterator<T> = {
  next(): AwaitableCoroutine<IteratorResult<T, undefined>>;
  return(): AwaitableCoroutine<IteratorResult<T, undefined>>;
} & AsyncIterableIterator<T, undefined>;

/**
 * An async iterator for tasks: `for await` in async functions, `next()` and `return()`, or `forEach`, in generator coroutines.
 *
 * When `next()` throws, for whatever reason, it has ended itself: `for await` does not call `return()` then.
 *
 * @example
 * for await (const item of items) use(item); // async functions
 *
 * const { done, value } = yield* items.next(); // generator coroutines
 * yield* items.return();
 */
export abstract class TaskIterator<T> implements AsyncIterable<T, undefined>, AsyncDisposable {
  /** Waits for the next item. Closes the iterator before it throws. @internal */
  abstract pull(): Generator<unknown, IteratorResult<T, undefined>, unknown>;

  /** Ends the source of the items. Has no effect when it has ended. @internal */
  abstract close(): Generator<unknown, void, unknown>;

  /** The next item, or the end. */
  next(): AwaitableCoroutine<IteratorResult<T, undefined>> {
    return next(this as TaskIterator<unknown>) as AwaitableCoroutine<IteratorResult<T, undefined>>;
  }

  /** Ends the iteration early, and with it the source of the items. Has no effect when it has ended. */
  return(): AwaitableCoroutine<IteratorResult<T, undefined>> {
    return over(this as TaskIterator<unknown>);
  }

  /** Returns itself: it can be iterated once. */
  [Symbol.asyncIterator](): AwaitableIterator<T> {
    return this as object as AwaitableIterator<T>;
  }

  /** As `return`, for `await using`. */
  [Symbol.asyncDispose](): AwaitableCoroutine<void> {
    return dispose(this as TaskIterator<unknown>);
  }
}

const next = /* @__PURE__ */ libraryCoroutine(function* next(
  iterator: TaskIterator<unknown>,
): Generator<unknown, IteratorResult<unknown, undefined>, unknown> {
  return yield* iterator.pull();
});

const over = /* @__PURE__ */ libraryCoroutine(function* over(
  iterator: TaskIterator<unknown>,
): Generator<unknown, IteratorReturnResult<undefined>, unknown> {
  yield* iterator.close();
  return OVER;
});

const dispose = /* @__PURE__ */ libraryCoroutine(function* dispose(
  iterator: TaskIterator<unknown>,
): Generator<unknown, void, unknown> {
  yield* iterator.close();
});
