/**
 * The kernel's door for what is built on it: locks, queues, timeouts, and whatever a third party makes. Everything in `tasks/`
 * and `sync/` is written with nothing else.
 */

import type { Context } from './context.ts';
import type { Future } from './future.ts';

export { type AbortSignalLike, afterMicrotasks, type Host, logger, type PlatformAbortSignal } from './host.ts';
export { type Context, ContextVar, copyContext } from './context.ts';
export {
  type Awaitable,
  type AwaitableCoroutine,
  type AwaitableLike,
  type Coroutine,
  type CoroutineFunction,
  type CoroutineLike,
  CoroutineObject,
  coroutine,
  iscoroutine,
  libraryCoroutine,
  type Outcome,
} from './coroutine.ts';
export { getRunningLoop, implicitLoop, runningTask } from './current.ts';
export { ensureFutureOn, isAwaitable, iterableOf } from './ensure.ts';
export type { EventLoop, TaskFactory } from './event-loop.ts';
export { Future, isfuture } from './future.ts';
export type { Handle, TimerHandle } from './handle.ts';
export { instruments } from './instruments.ts';
export { allTasks, currentTask, getEventLoop } from './loops.ts';
export { Task, type TaskOptions } from './task.ts';
export { type Place, WaitQueue } from './wait-queue.ts';
export { wrapPromise } from './wrap-promise.ts';

/** Says what a future is waited for: `operation` of `object`. Read by the live view, deadlock reports and explored schedules. */
export function noteWait(future: Future<unknown>, operation: string, object: object | null): void {
  future._operation = operation;
  future._object = object;
}

/**
 * Adds a done callback that stands for someone's wait, which makes it an edge of the call graph.
 *
 * @param awaiter the task or future that waits
 */
export function subscribe<T>(
  future: Future<T>,
  callback: (future: Future<T>) => void,
  awaiter: Future<unknown> | null,
  context: Context | null = null,
): void {
  // A future that is none of ours, or whose class takes part in it, has but one way.
  if (future._isPlain?.() === true) future._subscribe(callback, context, awaiter);
  else future.addDoneCallback(callback);
}
