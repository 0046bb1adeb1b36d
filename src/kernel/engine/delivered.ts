import { CancelledError, isCancelledError, unwrapCancellation } from '../../errors/errors.ts';
import { ignoreRejections } from '../runtime/platform.ts';

/**
 * A task that is cancelled throws a `CancelledError` into the calls that it has started without awaiting them, too. Such a call rejects a
 * promise that nobody looks at, for which runtimes end the program. But the program has made no mistake by that: the library has ended the
 * call. So these errors are marked when they are thrown into an async function, and exactly those are ignored.
 */

/** A cancellation is thrown into an async function. */
export function noteDelivered(error: unknown): void {
  if (!isCancelledError(error)) return;
  CancelledError.noteDelivered(error, true);
  ignoreRejections(isDelivered);
}

/** The same error is the outcome of a task that code outside any task asks for: who drops that has lost a result. */
export function noteTaken(error: unknown): void {
  if (isCancelledError(error)) CancelledError.noteDelivered(error, false);
}

function isDelivered(reason: unknown): boolean {
  return CancelledError.isDelivered(unwrapCancellation(reason));
}
