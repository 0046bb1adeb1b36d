import {
  type AbortSignalLike,
  currentScope,
  type Future,
  iterableOf,
  runningTask,
  spare,
  wrapPromise,
} from '../kernel/lowlevel.ts';

/** What a call gives that is to be waited for: a promise, an awaitable of this library, or the result itself. */
type Called<T> = PromiseLike<T> | T;

/** The task was cancelled while the call was under way. */
const CANCELLED: unique symbol = /* @__PURE__ */ Symbol('cancelled');

/** Thrown by `foreignCall` when the task was cancelled and the call could not be ended. */
export class LeftBehind {
  /** The `CancelledError` of the task. */
  readonly cancellation: unknown;

  constructor(cancellation: unknown) {
    this.cancellation = cancellation;
  }
}

/**
 * Makes a call as code of the running task, and waits for what it gives.
 *
 * What the call awaits of this library (in the body of an async generator, say) is the task's, so that a cancellation is thrown there,
 * and the clean-up that follows is waited for. A call that waits for nothing but promises cannot be ended: the task leaves it behind.
 *
 * The call may not be made at all, when a cancellation comes first.
 *
 * @throws {LeftBehind} instead of a `CancelledError`, when the call was left behind
 */
export function* foreignCall<T>(call: () => Called<T>): Generator<unknown, T, unknown> {
  const signal: AbortSignalLike = runningTask()!.signal;
  if (signal.aborted) {
    // The task was cancelled before, so that the signal has nothing more to tell: any further cancellation leaves the call behind.
    // One that is on its way must come first, or the call would begin only to be left.
    yield;
    return yield* leavable(call);
  }
  let promise: PromiseLike<T> | null = null;
  let cancelled = (): void => {};
  const listener = (): void => cancelled();
  signal.addEventListener('abort', listener);
  let outcome: T | typeof CANCELLED;
  try {
    outcome = yield* iterableOf<T | typeof CANCELLED, []>(() => {
      const made = call();
      if (isOurs(made)) return made;
      return new Promise<T | typeof CANCELLED>((resolve, reject) => {
        promise = Promise.resolve(made);
        promise.then(resolve, reject);
        cancelled = () => resolve(CANCELLED);
      });
    });
  } finally {
    signal.removeEventListener('abort', listener);
  }
  // A cancellation that nothing in the call has taken is delivered at this wait.
  return outcome === CANCELLED ? yield* leavable(() => promise!) : outcome;
}

function* leavable<T>(call: () => Called<T>): Generator<unknown, T, unknown> {
  let future: Future<T> | null = null;
  const wait = (): Future<T> => {
    const made = call();
    if (isOurs(made)) return made;
    future = wrapPromise(Promise.resolve(made));
    return future;
  };
  try {
    return yield* iterableOf<T, []>(wait);
  } catch (error) {
    if ((future as Future<T> | null)?.cancelled() === true) {
      spare(currentScope()!);
      throw new LeftBehind(error);
    }
    throw error;
  }
}

/** Whether a task waits for it without the help of promises. */
function isOurs<T>(made: Called<T>): made is Future<T> {
  return typeof made === 'object' && made !== null && 'then' in made && Symbol.iterator in made;
}
