import {
  type AbortSignalLike,
  currentScope,
  type Future,
  iterableOf,
  onAbort,
  runningTask,
  spare,
  wrapPromise,
} from '../kernel/lowlevel.ts';

/** The result of a call: a promise, an awaitable of this library, or a plain value. */
type Called<T> = PromiseLike<T> | T;

/** The task was cancelled during the call. */
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
 * Makes a call as code of the running task, and waits for its result.
 *
 * When the called code awaits something of this library (for example in an async generator), the wait belongs to the task. So a
 * cancellation is thrown there, and the clean-up that follows is waited for. A call that waits only for foreign promises cannot be ended:
 * the task leaves it behind.
 *
 * If a cancellation comes first, the call is not made at all.
 *
 * @throws {LeftBehind} instead of a `CancelledError`, when the call was left behind
 */
export function* foreignCall<T>(call: () => Called<T>): Generator<unknown, T, unknown> {
  const signal: AbortSignalLike = runningTask()!.signal;
  if (signal.aborted) {
    // The task was already cancelled, so its signal is aborted and cannot report another cancellation: any further one leaves the call
    // behind.
    // A cancellation that is about to be thrown must come first; otherwise the call would begin and be left at once.
    yield;
    return yield* leavable(call);
  }
  let promise: PromiseLike<T> | null = null;
  let cancelled = (): void => {};
  const stopListening = onAbort(signal, () => cancelled());
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
    stopListening();
  }
  // A cancellation that no wait in the call has received is thrown at this wait.
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

/** Whether a task can wait for it without promises. */
function isOurs<T>(made: Called<T>): made is Future<T> {
  return typeof made === 'object' && made !== null && 'then' in made && Symbol.iterator in made;
}
