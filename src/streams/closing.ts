import { CancelledError, TimeoutError, ValueError } from '../errors/index.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, inSeconds } from '../internal/duration.ts';
import { type AwaitableCoroutine, runningTask } from '../kernel/lowlevel.ts';
import { waitFor } from '../tasks/wait-for.ts';

/** How long the end of a connection may take that is left in order, in seconds. */
export const CLOSE_TIMEOUT = 10;

/** How long it may take when the task that leaves it is cancelled: what is about to go through still does. */
export const HURRIED_CLOSE_TIMEOUT = 1;

/** How connections are left. */
export interface CloseTimeoutOption {
  /**
   * How many seconds `await using` waits for a peer that does not read before it cuts the connection, and says what was not sent; 10 when
   * absent, `null` for no limit. A task that is cancelled does not wait: it cuts what the peer has not taken.
   */
  readonly closeTimeout?: Duration | null | undefined;
}

/**
 * A `closeTimeout` in seconds; `null` for no limit.
 *
 * @param otherwise what it is when absent
 * @throws {TypeError} {ValueError} when it is no time, or a negative one
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

/** Whether the code that leaves a block does so because its task, or a deadline around it, was cancelled. */
export function isBeingCancelled(): boolean {
  return (runningTask()?.cancelling() ?? 0) > 0;
}

/**
 * Waits for an end, and cuts it off when that takes too long, or when the task is cancelled meanwhile.
 *
 * @param end waits for it
 * @param seconds how long; `null` for no limit
 * @param cut ends it at once
 * @returns whether it came by itself
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
    if (isThere) throw error; // its own
    cut();
    if (!(error instanceof TimeoutError)) throw error;
  }
  yield* end();
  return false;
}
