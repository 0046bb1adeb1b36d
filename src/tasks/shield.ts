import { nameOfClass } from '../internal/describe.ts';
import {
  type AwaitableLike,
  cancelWith,
  type Future,
  failWith,
  nameFailure,
  noteWait,
  reportPromise,
  subscribe,
  unsubscribe,
} from '../kernel/lowlevel.ts';
import { ensureFuture } from './create.ts';
import { errorOf } from './outcome.ts';

/**
 * Waits for something without cancelling it when the wait is cancelled. Starts at once. An
 * awaitable that is already done is returned itself.
 *
 * **Cancellation**: the wait ends, the work goes on. If it then fails and its error is never retrieved, the loop's exception
 * handler is called, as for any other error that is not retrieved.
 *
 * Follows CPython's `asyncio.shield`.
 *
 * @param awaitable a task, or the function itself: `shield(commit)`, `shield(() => commit(x))`. With `shield(commit())`, `commit` would run
 * in the calling task, and be cancelled with it; debug mode reports this
 * @throws {TypeError} at once, when it cannot be awaited
 * @example
 * const task = createTask(commit);
 * await shield(task); // cancelled: this wait ends, `task` does not
 */
export function shield<T>(awaitable: AwaitableLike<T>): Future<T> {
  reportPromise('shield', awaitable);
  const inner = ensureFuture<T>(awaitable);
  if (inner.done()) return inner;
  const outer = inner.getLoop().createFuture<T>();
  noteWait(outer, { operation: 'shielded', object: inner });
  const innerDone = (): void => {
    if (outer.cancelled()) return;
    if (inner.cancelled()) {
      cancelWith(outer, inner);
      return;
    }
    const error = errorOf(inner);
    if (error === null) outer.setResult(inner.result());
    else failWith(outer, error);
  };
  const outerDone = (): void => {
    if (inner.done()) return;
    unsubscribe(inner, innerDone);
    // Once, however many waits there have been.
    if (named.has(inner)) return;
    named.add(inner);
    subscribe(inner, nameShielded, null);
  };
  subscribe(inner, innerDone, outer);
  outer.addDoneCallback(outerDone);
  return outer;
}

/** The futures whose report is named already. */
const named = /* @__PURE__ */ new WeakSet<object>();

/** The message of the report when the error is never retrieved. */
function nameShielded(inner: Future<unknown>): void {
  nameFailure(inner, (error) => {
    const name = typeof error === 'object' && error !== null ? nameOfClass(error) : typeof error;
    return `${name} exception in shielded future`;
  });
}
