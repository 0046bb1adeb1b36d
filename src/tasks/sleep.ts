import { type Duration, inSeconds } from '../internal/duration.ts';
import { type AwaitableCoroutine, Checkpoint, libraryCoroutine, resultAfter } from '../kernel/lowlevel.ts';

/**
 * Waits for a time. `sleep(0)` gives all others that are ready a turn, and nothing else.
 *
 * **Cancellation**: the timer is dropped.
 *
 * Follows CPython's `asyncio.sleep`.
 *
 * @param delay seconds, or named units such as `{ milliseconds: 500 }`; zero or less waits for one iteration of the loop
 * @param result what the wait gives
 * @throws {ValueError} at once, when the delay is `NaN`
 * @throws {TypeError} at once, when it is no duration
 * @example
 * await sleep(0.5);
 */
export function sleep(delay: Duration): AwaitableCoroutine<void>;
export function sleep<T>(delay: Duration, result: T): AwaitableCoroutine<T>;
export function sleep<T>(delay: Duration, result?: T): AwaitableCoroutine<T | undefined> {
  const seconds = inSeconds(delay);
  if (seconds > 0) return pause(seconds, result);
  return result === undefined ? (new Checkpoint() as AwaitableCoroutine<T | undefined>) : skip(result);
}

/** As `Checkpoint`, with a result. */
const skip = /* @__PURE__ */ libraryCoroutine(function* sleep<T>(result: T): Generator<unknown, T, unknown> {
  yield;
  return result;
}) as <T>(result: T) => AwaitableCoroutine<T>;

const pause = /* @__PURE__ */ libraryCoroutine(function* sleep<T>(
  seconds: number,
  result: T,
): Generator<unknown, T, unknown> {
  const future = resultAfter(seconds, result);
  try {
    return yield* future;
  } finally {
    future.release();
  }
}) as <T>(seconds: number, result: T) => AwaitableCoroutine<T>;
