import { errorOfThrown, isCancelledError } from '../errors/errors.ts';
import { TimeoutError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, secondsOrNull } from '../internal/duration.ts';
import { checkOptions, nearest } from '../internal/options.ts';
import {
  Around,
  type AwaitableCoroutine,
  type AwaitableLike,
  currentTask,
  ensureFutureOn,
  type Future,
  getRunningLoop,
  isAwaitable,
  libraryCoroutine,
  newWait,
  placeInDebugMode,
  release,
  subscribe,
  thenOf,
} from '../kernel/lowlevel.ts';
import { type Timeout, timeout as within } from './timeout.ts';

/** The time limit of `waitFor`, given by name. */
export interface WaitForOptions {
  /** `null` for no limit. */
  readonly timeout: Duration | null | undefined;
}

function isByName(limit: Duration | null | WaitForOptions): limit is WaitForOptions {
  if (typeof limit !== 'object' || limit === null) return false;
  return 'timeout' in limit || Object.keys(limit).some((name) => nearest(name, ['timeout']) !== undefined);
}

/**
 * Awaits something for a limited time. At the deadline it is cancelled, and its end is waited for: if it takes long to clean
 * up, `waitFor` takes as long. A coroutine runs inside the current task.
 *
 * **Cancellation**: cancels the awaitable. To keep it running, wait for `shield(awaitable)`.
 *
 * Follows CPython's `asyncio.wait_for`.
 *
 * @param limit seconds, or named units, by position or as `{ timeout }`; `null` for no limit; zero or less cancels at once if it is not
 * done
 * @returns its result, also when it caught the cancellation and returned
 * @throws {TimeoutError} when the time limit has passed
 * @throws {TypeError} at once, when it cannot be awaited
 * @example
 * const line = await waitFor(reader.readline(), 5);
 */
export function waitFor<T>(
  awaitable: AwaitableLike<T>,
  limit: Duration | null | WaitForOptions = null,
): AwaitableCoroutine<T> {
  if (!isAwaitable(awaitable))
    throw typeError(
      `waitFor: an awaitable is required, got ${describe(awaitable)}; write waitFor(task, 5): the time comes second`,
      'NOT_AWAITABLE',
    );
  if (isByName(limit)) checkOptions('waitFor', limit, ['timeout']);
  const seconds = secondsOrNull(isByName(limit) ? limit.timeout : limit, 'timeout');
  if (seconds !== null && seconds <= 0) return notAtAll(awaitable) as AwaitableCoroutine<T>;
  return new WithinFromNow<T>(awaitable, seconds);
}

/** The time counts from when the coroutine begins. */
class WithinFromNow<T> extends Around<T> {
  static readonly exemplar: object = /* @__PURE__ */ new WithinFromNow(null, null);

  declare private readonly seconds: number | null;
  declare private limit: Timeout | null;
  /** Where it was called, in debug mode: it begins where the program is not on the stack. */
  declare private readonly place: string | null | undefined;

  constructor(awaitable: unknown, seconds: number | null) {
    super(awaitable, undefined);
    this.seconds = seconds;
    this.limit = null;
    this.place = placeInDebugMode();
  }

  override get then(): AwaitableCoroutine<T>['then'] {
    return thenOf(this);
  }

  get calledAs(): string {
    return 'waitFor';
  }

  protected override get calledAt(): string | null | undefined {
    return this.place;
  }

  protected enter(): void {
    this.limit = within(this.seconds);
    this.limit.madeAt = this.place;
    this.limit.enterNow();
  }

  protected leave(result: unknown): T {
    this.limit!.exitNow(undefined, result);
    return result as T;
  }

  protected fail(error: unknown): never {
    this.limit!.exitNow(errorOfThrown(error));
    throw error;
  }
}

const notAtAll = /* @__PURE__ */ libraryCoroutine(function* waitFor(
  awaitable: AwaitableLike<unknown>,
): Generator<unknown, unknown, unknown> {
  const future = ensureFutureOn(awaitable, getRunningLoop());
  if (future.done()) return future.result();
  yield* cancelAndWait(future);
  try {
    return future.result();
  } catch (error) {
    if (isCancelledError(error)) throw new TimeoutError('timed out at once', { cause: error });
    throw error;
  }
});

/** Cancels a future and waits for its end, through a future of its own so that this wait can be cancelled too. */
function* cancelAndWait(future: Future<unknown>): Generator<unknown, void, unknown> {
  const waiter = newWait(getRunningLoop(), { operation: 'end of cancelled', object: future });
  const over = (): void => release(waiter);
  subscribe(future, over, currentTask());
  try {
    future.cancel();
    yield* waiter;
  } finally {
    future.removeDoneCallback(over);
  }
}
