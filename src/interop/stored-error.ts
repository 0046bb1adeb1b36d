import { CancelledError, RuntimeError } from '../errors/index.ts';

/**
 * What a stream is to fail with because of an error. A stream keeps it, and gives it to whoever uses the stream, in other tasks too: those
 * must not take the cancellation of one task for their own.
 *
 * @param what who was cancelled
 */
export function storedError(error: unknown, what: string): unknown {
  if (!(error instanceof CancelledError)) return error;
  return new RuntimeError(`the stream has failed: ${what} was cancelled`, { code: 'STREAM_CANCELLED', cause: error });
}
