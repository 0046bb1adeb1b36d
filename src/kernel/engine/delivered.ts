import { CancelledError, isCancelledError, unwrapCancellation } from '../../errors/errors.ts';
import { ignoreRejections } from '../runtime/platform.ts';

/**
 * When a task is cancelled, a `CancelledError` is also thrown into async functions that it has called and not awaited.
 * The promise of such a call rejects, and nobody awaits it: an unhandled rejection, which ends a process. But it is the
 * library that has ended the call, so this is not a mistake of the program. Therefore these errors are marked when they
 * are thrown into an async function, and unhandled rejections with them are ignored.
 */

/** Marks an error that is thrown into an async function, if it is a cancellation. */
export function noteDelivered(error: unknown): void {
  if (!isCancelledError(error)) return;
  CancelledError.noteDelivered(error, true);
  ignoreRejections(isDelivered);
}

/**
 * Removes the mark: the error is the outcome of a task or future, for which code outside any task waits. An unhandled
 * rejection of that code is reported.
 */
export function noteTaken(error: unknown): void {
  if (isCancelledError(error)) CancelledError.noteDelivered(error, false);
}

function isDelivered(reason: unknown): boolean {
  return CancelledError.isDelivered(unwrapCancellation(reason));
}
