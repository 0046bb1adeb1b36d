import { nameOfClass } from '../internal/describe.ts';
import { type AwaitableLike, type Future, noteWait, subscribe } from '../kernel/lowlevel.ts';
import { ensureFuture } from './create.ts';
import { errorOf } from './outcome.ts';

/**
 * Waits for something without cancelling it when the wait is cancelled. Starts at once. When it is done already, it is returned
 * itself.
 *
 * **Cancellation**: the wait ends, the work goes on; should it fail then, the loop's exception handler is told.
 *
 * Follows CPython's `asyncio.shield`.
 *
 * @throws {TypeError} at once, when it cannot be awaited
 * @example
 * const task = createTask(commit);
 * await shield(task); // cancelled: this wait ends, `task` does not
 */
export function shield<T>(awaitable: AwaitableLike<T>): Future<T> {
  const inner = ensureFuture<T>(awaitable);
  if (inner.done()) return inner;
  const outer = inner.getLoop().createFuture<T>();
  noteWait(outer, { operation: 'shielded', object: inner });
  const innerDone = (): void => {
    if (outer.cancelled()) return;
    if (inner.cancelled()) {
      outer.cancel();
      return;
    }
    const error = errorOf(inner);
    if (error === null) outer.setResult(inner.result());
    else outer.setException(error);
  };
  const outerDone = (): void => {
    if (inner.done()) return;
    inner.removeDoneCallback(innerDone);
    inner.removeDoneCallback(reportFailure);
    inner.addDoneCallback(reportFailure);
  };
  subscribe(inner, innerDone, outer);
  outer.addDoneCallback(outerDone);
  return outer;
}

/** Nobody waits any more for work that was shielded: its error would be lost. */
function reportFailure(inner: Future<unknown>): void {
  if (inner.cancelled()) return;
  const exception = inner.exception();
  if (exception === null) return;
  const name = typeof exception === 'object' ? nameOfClass(exception) : typeof exception;
  inner.getLoop().callExceptionHandler({ message: `${name} exception in shielded future`, exception, future: inner });
}
