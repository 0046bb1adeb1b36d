import { CancelledError, cancelledError, isCancelledError } from '../errors/errors.ts';
import { abortSignals, weaken } from './abort.ts';
import { cancelFor } from './cancel-for.ts';
import { leaveBody } from './engine/follow.ts';
import { enterScope as enter, leaveScope as leave, runningScope, spareLines } from './engine/line.ts';
import { isOfLine } from './engine/pending-await.ts';
import { MadeRequest, sequence } from './engine/request.ts';
import { MUST_CANCEL, type Request, type Scope } from './engine/roles.ts';
import {
  askedScopes,
  carried,
  hasReceived,
  isAgain,
  isQuiet,
  isWithin,
  OVER,
  receivedByRunning,
  cancelScope as request,
  setPending,
  setPendingAgain,
  waitsOf,
} from './engine/scope.ts';
import { type Future, requestThatCancelled } from './future.ts';
import { Task } from './task.ts';

/**
 * Scopes for constructs such as timeouts and groups: a part of a task that can be cancelled separately. Requests are
 * counted where they were made (by `cancel()` at the task, by a construct at its scope), so that a construct can
 * distinguish its own requests from others.
 */

export { cancelFor } from './cancel-for.ts';
export type { Scope } from './engine/roles.ts';

/** The innermost scope of the running line; `null` outside any task. */
export function currentScope(): Scope | null {
  return runningScope();
}

/** The task that a scope belongs to. */
export function taskOf(scope: Scope): Task<unknown> {
  return scope.task as Task<unknown>;
}

/**
 * Enters a scope: the awaits of the running line belong to it from now on, until `leaveScope`.
 *
 * @param task the running task
 * @param owner the construct, whose `toString` appears in messages about a cancellation
 */
export function enterScope(task: Task<unknown>, owner: object): Scope {
  return enter(task, owner);
}

/**
 * Leaves a scope.
 *
 * @param isCancelled whether it is left because it was cancelled: lines that come back to it later get that
 * cancellation
 */
export function leaveScope(scope: Scope, isCancelled: boolean): void {
  if (scope.signals !== null && (scope.marks & OVER) === 0) weaken(scope);
  leave(scope, isCancelled);
}

/**
 * Requests the end of a scope, for the construct that owns it. Counted at the scope, until `takeBack`.
 * @param through what the messages name as the one who asked: a text, or an object with a `toString`
 */
export function cancelScope(scope: Scope, through: object | string): void {
  const task = taskOf(scope);
  scope.own++;
  task._rareFields().ownTotal++;
  const made = new MadeRequest(task, task, undefined, through, null, task.getLoop().time());
  scope.asked = made;
  const running = runningScope();
  const cancelsItself = running !== null && isWithin(running, scope);
  request(scope, made, leaveBody, cancelsItself);
  abortSignals(scope, made);
  if (cancelsItself) setPending(scope, made);
}

/**
 * Cancels the lines that still wait in a finished scope, unless they have received one of its requests: then they are
 * cleaning up. No counts change.
 */
export function cancelLines(scope: Scope, through: object | string): void {
  const task = taskOf(scope);
  if (isQuiet(scope)) return;
  const made = new MadeRequest(task, task, undefined, through, null, task.getLoop().time());
  let first = task._requestOrder ?? made.order;
  // Constructs around these lines have asked for their end, and not taken that back yet: who received it cleans up.
  for (const { asked } of askedScopes(scope)) first = Math.min(first, asked!.order);
  request(scope, made, leaveBody, false, first);
}

/**
 * Tasks that were made for awaits of lines that a finished task has left behind, if these lines have already received
 * the request to cancel that task: they are cleaning up, and must not be cancelled again.
 */
export function cleanUpsOf(scope: Scope): unknown[] {
  const order = taskOf(scope)._requestOrder;
  if (order === null || isQuiet(scope)) return [];
  return waitsOf(scope)
    .filter((wait) => wait._received >= order && wait._waiting !== null && isOfLine(wait._waiting))
    .map((wait) => wait._waiting);
}

/**
 * Cancels tasks, as `cancel()` of each does. A request is passed on to what a task awaits. So tasks that nothing awaits
 * come first, and a task that has received a request through one of them is not cancelled again: otherwise each task of
 * a chain would pass its own request on to all tasks below it.
 */
export function cancelTasks(tasks: Iterable<Task<unknown>>): void {
  const before = sequence.now;
  const awaited: Task<unknown>[] = [];
  for (const task of tasks) {
    if (task._waiters().some(({ _awaiter: awaiter }) => awaiter !== null)) awaited.push(task);
    else cancelFor(task, null);
  }
  for (const task of awaited) if ((task._request?.order ?? 0) <= before) cancelFor(task, null);
}

/** How many requests were made outside a scope: those to the task and to the scopes around it. */
export function requestsTo(scope: Scope): number {
  return taskOf(scope)._requestsTo(scope);
}

/** How many of these there already were when the scope was entered. */
export function requestsAtEntry(scope: Scope): number {
  return scope.requestsAtEntry;
}

/** Whether a request to the task, or to a scope around this one, has not reached the line yet: its next wait throws. */
export function awaitsDelivery(scope: Scope): boolean {
  const task = taskOf(scope);
  const received = receivedByRunning(scope);
  if ((task._marks & MUST_CANCEL) !== 0 && !hasReceived(task, received)) return true;
  return askedScopes(scope).some((at) => at.pending !== null && (at.pending.order > received || isAgain(at)));
}

/** Takes back the request that `cancelScope` has counted. */
export function takeBack(scope: Scope): void {
  const rare = taskOf(scope)._rareFields();
  rare.ownTotal -= scope.own;
  scope.own = 0;
  if (rare.cancels + rare.ownTotal < 0) rare.cancels = 0 - rare.ownTotal; // `-0` would be shown by `cancelling()`
}

/**
 * Whether the construct has asked for the scope's end, and neither the line that leaves the scope nor another current
 * wait has received that.
 */
export function isUndelivered(scope: Scope): boolean {
  const { pending } = scope;
  if (pending === null || scope.own === 0 || isAgain(scope)) return false;
  return pending.order > receivedByRunning(scope);
}

/**
 * Delivers the requests to a scope, to those around it and to the task again at the next wait, because a failure was
 * thrown instead of them. All of them: each construct drops its own when it is left, and the others still stand.
 */
export function deliverAgain(scope: Scope): void {
  const task = taskOf(scope);
  const received = receivedByRunning(scope);
  for (const asked of askedScopes(scope)) {
    if (asked.pending !== null && asked.pending.order > received) continue; // it waits for its first line
    setPendingAgain(asked, asked.asked!);
  }
  if (task._requestOrder === null) return;
  setPendingAgain(task._rootScope(), task._request!);
  task.cancelMessage = undefined; // as in CPython
}

/**
 * Lets lines of a scope that wait for foreign promises clean up without another cancellation, because `return()`
 * already closes them.
 */
export function spare(scope: Scope): void {
  spareLines(scope);
}

/** The request because of which something is being cancelled; used for later reports. */
export function carriedRequest(): unknown {
  return carried.request;
}

/**
 * The `CancelledError` for a construct whose awaitable refused the cancellation. Its text is that of the original
 * request.
 *
 * @param request the result of `carriedRequest`
 */
export function refusedError(future: Future<unknown>, request: unknown): CancelledError {
  const own = future instanceof Task ? future._request : null;
  return cancelledError(future.cancelMessage, own ?? (request as Request | null));
}

/**
 * A `CancelledError` for a future that was cancelled, to be returned as a value (in the list of a `gather`). The future
 * keeps its own error. `args` is the same as in CPython: the message that was given to `cancel()`, or an empty one. If
 * none was given, the text says who asked.
 */
export function errorOfCancelled(future: Future<unknown>): CancelledError {
  const request = requestThatEnded(future);
  const message = future.cancelMessage;
  if (message !== undefined || request === null || request.message !== undefined) return cancelledError(message ?? '');
  const error = cancelledError('', request);
  Reflect.deleteProperty(error, 'message'); // so that `message` is the sentence about the request
  return error;
}

/** Cancels a future because the thing that it represents was cancelled, for the same reason. */
export function cancelWith(future: Future<unknown>, cause: Future<unknown>): void {
  cancelBecause(future, requestThatEnded(cause));
}

/**
 * Cancels a future some time after this was requested. Its errors tell who made that request, not who makes this call.
 *
 * @param request what `carriedRequest` returned when it was requested; with `null` the errors tell who makes this call
 */
export function cancelBecause(future: Future<unknown>, request: unknown, message?: unknown): void {
  const outer = carried.request;
  carried.request = (request as Request | null) ?? outer;
  try {
    future.cancel(message);
  } finally {
    carried.request = outer;
  }
}

/**
 * The request that has cancelled a future: its own, the one that was passed on to it, or that of the error that ended
 * it.
 */
function requestThatEnded(future: Future<unknown>): Request | null {
  const { _value: value } = future;
  const own = future instanceof Task ? future._request : null;
  if (own !== null) return own;
  if (isCancelledError(value)) return CancelledError.storyOf(value) as Request | null;
  return future.cancelled() ? requestThatCancelled(future) : null;
}
