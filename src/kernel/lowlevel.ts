/**
 * The part of the kernel with which constructs are built: locks, queues, timeouts, streams. Everything in `tasks/`,
 * `sync/`, `queues/` and `streams/` uses only this.
 */

import { type Context as ContextOfKernel, callInFlow } from './engine/context.ts';
import { runningTask as engineTask } from './engine/line.ts';
import type { EventLoop, LoopResource } from './event-loop.ts';
import type { Collector, Future, WaitRecord } from './future.ts';
import type { Task } from './task.ts';
import { getRunningLoop, implicitLoop } from './thread-loop.ts';
import { type TimedFuture, timedFuture } from './timed-future.ts';

export { newSignal, onAbort } from './abort.ts';
export { Around } from './around.ts';
export { checkLoop } from './check-loop.ts';
export {
  type Awaitable,
  type AwaitableCoroutine,
  type AwaitableLike,
  type Coroutine,
  type CoroutineFunction,
  type CoroutineLike,
  catchOf,
  finallyOf,
  isAsyncFunction,
  iscoroutine,
  libraryCoroutine,
  lookUpThen,
  noteMade,
  noteTouched,
  type Outcome,
} from './coroutine.ts';
export { deadlineAt, type WithDeadline } from './deadline.ts';
export { placeInDebugMode } from './debug-awaits.ts';
export { type Context, contextOf, contextWith, copyContext, currentValues, type Values } from './engine/context.ts';
export { LATE_NAME, type LateName, NONE } from './engine/roles.ts';
export { ensureFutureOn, isAwaitable, iterableOf, mainCoroutine, reportPromise } from './ensure.ts';
export type { EventLoop, LoopResource, TaskFactory } from './event-loop.ts';
export type { Executor } from './executor.ts';
export { Collector, Future, isfuture, type WaitRecord } from './future.ts';
export type { TimerHandle } from './handle.ts';
export { createHandlerTask } from './handler-task.ts';
export { currentTask, getEventLoop, isLoopClosed, lendThread } from './loops.ts';
export { placesOutside, placeThatCalled, reportOnce } from './places.ts';
export { type TaskViews, viewsOfThisCopy } from './registry.ts';
export { nameFailure, postponeReport, reportFailuresOf, resumeReport } from './reports.ts';
export { encodeUtf8, newTextDecoder, type TextDecoderLike } from './runtime/codecs.ts';
export type { Host } from './runtime/host.ts';
export {
  type AbortSignalLike,
  type AsyncFrame,
  afterMicrotasks,
  afterRealTime,
  askForTurn,
  canTellTasks,
  listenToSignal,
  logger,
  newAsyncFrame,
  type PlatformAbortSignal,
  realTime,
} from './runtime/platform.ts';
export {
  activeResources,
  builtinModule,
  type DevtoolsConsole,
  devtoolsConsole,
  publishBriefly,
  sweepFromEnvironment,
} from './runtime/tools.ts';
export { watchGlobals } from './runtime/watch-globals.ts';
export { newWebResponse, newWebStream } from './runtime/web.ts';
export {
  awaitsDelivery,
  cancelBecause,
  cancelFor,
  cancelLines,
  cancelScope,
  cancelWith,
  carriedRequest,
  currentScope,
  deliverAgain,
  enterScope,
  errorOfCancelled,
  isUndelivered,
  leaveScope,
  refusedError,
  requestsAtEntry,
  requestsTo,
  type Scope,
  spare,
  takeBack,
  taskOf,
} from './scopes.ts';
export { checkpoint } from './shared-checkpoint.ts';
export { stuckReport } from './stuck-runs.ts';
export { callAsCallback, subscribe, unsubscribe, Watcher } from './subscription.ts';
export { Task, type TaskOptions } from './task.ts';
export { getRunningLoop, implicitLoop, runningLoop } from './thread-loop.ts';
export type { TimedFuture } from './timed-future.ts';
export {
  actorOf,
  argumentsOf,
  awaitOf,
  cancelLeft,
  functionOfWait,
  hasWork,
  isEmptyLoop,
  isInStep,
  leftIn,
  nameOfCoroutine,
  nameOfTelling,
  nextTimer,
  numberTasksFrom,
  pendingTimers,
  placeOfReady,
  placeOfWait,
  presentStack,
  purposeOf,
  readyCount,
  recordPlaces,
  rewindClock,
  type StackView,
  spellingOf,
  stacksOfTask,
  takePlaceOfYield,
  titleOf,
  type WaitView,
  waitersOf,
  waitsOfTask,
  watchAwaits,
  wrapSteps,
} from './views.ts';
export { type Place, WaitQueue, watchPrimitives } from './wait-queue.ts';
export { WaitingCoroutine } from './waiting-coroutine.ts';
export { wrapPromise } from './wrap-promise.ts';
export { thenOf, WrittenCoroutine } from './written-coroutine.ts';

/** The task whose code runs now, `null` when none does. */
export function runningTask(): Task<unknown> | null {
  return engineTask() as Task<unknown> | null;
}

/**
 * Calls a function in a context, as `Context.run` does, and async functions that it calls keep the context after each
 * of their awaits, where the runtime has async contexts.
 */
export function runInFlow<R>(context: ContextOfKernel, fn: () => R): R {
  return callInFlow(context, fn, implicitLoop);
}

/**
 * Ends a future with any thrown value, unchanged. Unlike `setException` it does not instantiate a class. `null` and
 * `undefined`, which would mean that there is no error, become a `RuntimeError` that says so.
 */
export function failWith(future: Future<never> | Future<unknown>, error: unknown): void {
  if (future._setFailure === undefined)
    future.setException(error); // for a class that is used in place of a future
  else future._setFailure(error);
}

/** Sets what a wait for a future is for. Read by the live view, deadlock reports and explored schedules. */
export function noteWait(future: Future<unknown>, purpose: WaitRecord): void {
  future._rareFields().purpose = purpose;
}

/**
 * A future to wait for one event, with the purpose of the wait. `release` ends the wait.
 *
 * @param purpose for the live view, deadlock reports and explored schedules
 */
export function newWait<T = void>(loop: EventLoop, purpose: WaitRecord): Future<T> {
  const wait = loop.createFuture<T>();
  noteWait(wait, purpose);
  return wait;
}

/** Ends a wait with a result, unless it was cancelled or released before. */
export function release<T>(wait: Future<T>, result: T): void;
export function release(wait: Future<void>): void;
export function release(wait: Future<unknown>, result?: unknown): void {
  if (!wait.done()) wait.setResult(result);
}

/**
 * A future that gets a result after some seconds. Call its `release()` when nothing waits for it any more.
 * @param loop the running one when absent
 */
export function resultAfter<T>(seconds: number, result: T, loop: EventLoop = getRunningLoop()): TimedFuture<T> {
  return timedFuture(loop, seconds, result);
}

/**
 * As `subscribe`, for one waiter of many futures: nothing is allocated for each of them. For a future of another
 * library, the collector is called with the future, even when it has succeeded.
 */
export function collect(future: Future<unknown>, collector: Collector): void {
  if (future._isPlain?.() === true) future._collect(collector);
  else future.addDoneCallback(collector._callback);
}

/** Undoes `collect`. The collector is still called for a future that is already done. */
export function uncollect(future: Future<unknown>, collector: Collector): void {
  if (future._isPlain?.() === true) future._removeWaiter(collector);
  else future.removeDoneCallback(collector._callback);
}

/** Registers something that has to end when a loop is closed. */
export function attach(loop: EventLoop, resource: LoopResource): void {
  loop._resources.add(resource);
}

/** Unregisters something that has ended by itself. */
export function detach(loop: EventLoop, resource: LoopResource): void {
  loop._resources.delete(resource);
}
