import { CancelledError, TimeoutError, ValueError } from '../errors/index.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, inSeconds } from '../internal/duration.ts';
import { type AwaitableCoroutine, runningTask } from '../kernel/lowlevel.ts';
import { waitFor } from '../tasks/wait-for.ts';

/** How long closing a connection may take when its block ends normally, in seconds. */
export const CLOSE_TIMEOUT = 10;

/** How long it may take when the task is cancelled: short, but enough for bytes that are just being sent. */
export const HURRIED_CLOSE_TIMEOUT = 1;

/** How connections are closed at the end of a block. */
export interface CloseTimeoutOption {
  /**
   * How many seconds `await using` waits for a peer that does not read before it cuts the connection, and reports the unsent bytes; 10 when
   * absent, `null` for no limit. A task that is cancelled does not wait: it cuts the connection if the peer has not received everything.
   */
  readonly closeTimeout?: Duration | null | undefined;
}

/**
 * A `closeTimeout` in seconds; `null` for no limit.
 *
 * @param otherwise the value when it is absent
 * @throws {TypeError} {ValueError} when it is not a time, or negative
 */
export function closeTimeoutOf(
  name: string,
  { closeTimeout }: CloseTimeoutOption,
  otherwise = CLOSE_TIMEOUT,
): number | null {
  if (closeTimeout === null) return null;
  const seconds = closeTimeout === undefined ? otherwise : inSeconds(closeTimeout, 'closeTimeout');
  if (seconds >= 0) return seconds;
  throw new ValueError(`${name}: closeTimeout must not be negative, got ${describe(closeTimeout)}`);
}

/** Whether a block ends because its task was cancelled, or a deadline around it has passed. */
export function isBeingCancelled(): boolean {
  return (runningTask()?.cancelling() ?? 0) > 0;
}

/**
 * Waits for the end of something, and forces it when that takes too long, or when the task is cancelled during the wait.
 *
 * @param end waits for it
 * @param seconds the longest time to wait; `null` for no limit
 * @param cut ends it at once
 * @returns whether it ended without being forced
 */
export function* endWithin(
  end: () => AwaitableCoroutine<void>,
  seconds: number | null,
  cut: () => void,
): Generator<unknown, boolean, unknown> {
  let isThere = false;
  const watched = function* (): Generator<unknown, void, unknown> {
    try {
      yield* end();
    } catch (error) {
      isThere = !(error instanceof CancelledError);
      throw error;
    }
    isThere = true;
  };
  try {
    yield* waitFor(watched(), seconds);
    return true;
  } catch (error) {
    if (isThere) throw error; // the error of the end itself
    cut();
    if (!(error instanceof TimeoutError)) throw error;
  }
  yield* end();
  return false;
}
