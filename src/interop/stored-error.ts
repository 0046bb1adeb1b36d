import { CancelledError, RuntimeError } from '../errors/index.ts';

/**
 * The error with which a stream should fail because of another error. A stream keeps its error and throws it to all its users, in other
 * tasks too: those must not mistake the cancellation of one task for their own.
 *
 * @param what describes what was cancelled
 */
export function storedError(error: unknown, what: string): unknown {
  if (!(error instanceof CancelledError)) return error;
  return new RuntimeError(`the stream has failed: ${what} was cancelled`, { code: 'STREAM_CANCELLED', cause: error });
}
