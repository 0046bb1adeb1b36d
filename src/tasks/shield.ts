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
} from '../kernel/lowlevel.ts';
import { ensureFuture } from './create.ts';
import { errorOf } from './outcome.ts';

/**
 * Waits for something without cancelling it when the wait is cancelled. Starts at once. When it is done already, it is returned
 * itself.
 *
 * **Cancellation**: the wait ends, the work goes on. Should it fail then, and nobody ever ask it for its error, the loop's exception
 * handler is told, as of any other failure that nobody has looked at.
 *
 * Follows CPython's `asyncio.shield`.
 *
 * @param awaitable a task, or the function itself: `shield(commit)`, `shield(() => commit(x))`. The call in `shield(commit())` runs in
 * the calling task, and ends with it; debug mode says so
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
    inner.removeDoneCallback(innerDone);
    // At most once, however many waits there have been.
    inner.removeDoneCallback(nameShielded);
    subscribe(inner, nameShielded, null);
  };
  subscribe(inner, innerDone, outer);
  outer.addDoneCallback(outerDone);
  return outer;
}

/** Says what has failed, in case that nobody asks for the error. */
function nameShielded(inner: Future<unknown>): void {
  nameFailure(inner, (error) => {
    const name = typeof error === 'object' && error !== null ? nameOfClass(error) : typeof error;
    return `${name} exception in shielded future`;
  });
}
