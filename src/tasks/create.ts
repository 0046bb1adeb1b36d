import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import {
  type AwaitableLike,
  type CoroutineLike,
  currentTask,
  type EventLoop,
  ensureFutureOn,
  type Future,
  getEventLoop,
  isAwaitable,
  isfuture,
  newSignal,
  type PlatformAbortSignal,
  Task,
  type TaskFactory,
  type TaskOptions,
} from '../kernel/lowlevel.ts';

/**
 * Runs a coroutine as a task of the running loop, or of the thread's loop. It starts in the next iteration. The loop keeps
 * a reference to the task until it is done, even if the program does not.
 *
 * **Cancellation**: `task.cancel()` throws a `CancelledError` at the place where the coroutine waits.
 *
 * Follows CPython's `asyncio.create_task`.
 *
 * @param coro an async function, a generator function, or a coroutine. Not a promise, because its work already runs in the calling task, so
 * that a new task could not cancel it: `ensureFuture` and `wrapPromise` wait for promises. If untyped code passes a promise, the task
 * waits for it, and this is reported once for each place in the code
 * @throws {TypeError} when `coro` is not a coroutine, or `options.context` is not a context
 * @throws {RuntimeError} when the thread has no loop, or the coroutine is in use
 * @example
 * const task = createTask(() => download(url), { name: 'download' });
 * // …
 * const page = await task;
 */
export function createTask<T>(coro: CoroutineLike<T>, options?: TaskOptions): Task<T> {
  return getEventLoop().createTask(coro, options);
}

/**
 * A future for an awaitable: itself when it is a future, a task for a coroutine or any awaitable object, a wrapped promise for
 * a promise.
 *
 * **Cancellation**: the future of a promise can be cancelled, the work behind the promise cannot; `createTask` makes a task of the function.
 *
 * Follows CPython's `asyncio.ensure_future`.
 *
 * @throws {TypeError} when it cannot be awaited
 * @throws {ValueError} when it is a future of another loop than `options.loop`
 * @example
 * const page = ensureFuture(download(url));
 * page.addDoneCallback(() => console.log('it is there'));
 * await page;
 */
export function ensureFuture<T>(
  awaitable: AwaitableLike<T>,
  options: { readonly loop?: EventLoop | null } = {},
): Future<T> {
  if (!isAwaitable(awaitable)) {
    throw typeError(
      `An asyncio.Future, a coroutine or an awaitable is required, got ${describe(awaitable)}`,
      'NOT_AWAITABLE',
    );
  }
  checkOptions('ensureFuture', options, ['loop']);
  const loop = options.loop ?? null;
  if (loop === null && isfuture(awaitable)) return awaitable as Future<T>;
  return ensureFutureOn<T>(awaitable, loop ?? getEventLoop());
}

/** A future as one of this library; a promise is wrapped. Follows CPython's `asyncio.wrap_future`. */
export function wrapFuture<T>(
  future: Future<T> | PromiseLike<T>,
  options: { readonly loop?: EventLoop | null } = {},
): Future<T> {
  checkOptions('wrapFuture', options, ['loop']);
  return ensureFuture<T>(future, options);
}

/**
 * The signal of the innermost scope of the running line, for `fetch` and others that take one: aborted when the task is cancelled, and
 * when a deadline or a group around the line ends it. The reason is the `CancelledError`. In code that belongs to no task it is a signal that
 * is never aborted, so that the same line works there; `currentTask() === null` tells where that is.
 *
 * Call it each time that work begins: a signal from before an `uncancel()` stays aborted.
 *
 * @throws {RuntimeError} where the runtime has no `AbortController`, and in a thread that has no loop
 * @example
 * const response = await fetch(url, { signal: currentSignal() });
 */
export function currentSignal(): PlatformAbortSignal {
  return currentTask()?.signal ?? newSignal();
}

/** Makes a task, such as `Task` itself or a subclass of it. */
export type TaskConstructor = <T>(
  coro: CoroutineLike<T>,
  options: TaskOptions & { readonly loop: EventLoop },
) => Task<T>;

/**
 * A task factory whose tasks start at once, each inside the call that makes it, up to its first suspension; those that are made with
 * `eagerStart: false` in the next iteration, as usual.
 *
 * Follows CPython's `asyncio.create_eager_task_factory`.
 *
 * @param makeTask a class of tasks, or a function that makes one
 */
export function createEagerTaskFactory(makeTask: TaskConstructor | typeof Task): TaskFactory {
  if (typeof makeTask !== 'function') {
    throw typeError(
      `createEagerTaskFactory: a class of tasks, or a function that makes a task, is required, got ${describe(makeTask)}`,
    );
  }
  const isClass = makeTask === Task || makeTask.prototype instanceof Task;
  return <T>(loop: EventLoop, coro: CoroutineLike<T>, options?: TaskOptions): Task<T> => {
    const eager = { ...options, loop, eagerStart: options?.eagerStart ?? true };
    return isClass ? new (makeTask as typeof Task)<T>(coro, eager) : (makeTask as TaskConstructor)(coro, eager);
  };
}

/**
 * A task factory whose tasks start at once, except those that are made with `eagerStart: false`.
 *
 * Follows CPython's `asyncio.eager_task_factory`.
 *
 * @example
 * getRunningLoop().setTaskFactory(eagerTaskFactory);
 */
export const eagerTaskFactory: TaskFactory = /* @__PURE__ */ createEagerTaskFactory(Task);
