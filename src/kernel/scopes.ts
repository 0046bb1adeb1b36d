import { CancelledError, cancelledError, isCancelledError } from '../errors/errors.ts';
import { abortSignals, weaken } from './abort.ts';
import { leaveBody } from './engine/follow.ts';
import { enterScope as enter, leaveScope as leave, runningScope, spareLines } from './engine/line.ts';
import { isOfLine } from './engine/pending-await.ts';
import { MadeRequest, sequence } from './engine/request.ts';
import { MUST_CANCEL, type Request, type Scope } from './engine/roles.ts';
import {
  askedScopes,
  carried,
  gotByRunning,
  hasGotRequest,
  isAgain,
  isQuiet,
  isWithin,
  OVER,
  cancelScope as request,
  setPending,
  setPendingAgain,
  waitsOf,
} from './engine/scope.ts';
import { type Future, requestThatCancelled } from './future.ts';
import { Task } from './task.ts';

/**
 * Scopes for constructs such as timeouts and groups: a part of a task that can be cancelled separately. Requests are counted where they
 * were made (by `cancel()` at the task, by a construct at its scope), so that a construct can distinguish its own requests from others.
 */

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
 * @param owner the construct, whose `toString` appears in the story of a cancellation
 */
export function enterScope(task: Task<unknown>, owner: object): Scope {
  return enter(task, owner);
}

/**
 * Leaves a scope.
 *
 * @param isCancelled whether it is left because it was cancelled: lines that come back to it later get that cancellation
 */
export function leaveScope(scope: Scope, isCancelled: boolean): void {
  if (scope.place !== null && (scope.marks & OVER) === 0) weaken(scope);
  leave(scope, isCancelled);
}

/** Requests the end of a scope, for the construct that owns it. */
export function cancelScope(scope: Scope, through: object | string): void {
  const task = taskOf(scope);
  scope.own++;
  task._rareFields().ownTotal++;
  const made = new MadeRequest(task, task, undefined, through, null, task.getLoop().time());
  scope.asked = made;
  const running = runningScope();
  const cancelsItself = running !== null && isWithin(running, scope);
  request(scope, made, leaveBody, cancelsItself);
  if (scope.place !== null) abortSignals(scope, made);
  if (cancelsItself) setPending(scope, made);
}

/** Cancels the lines that still wait in a finished scope, unless they have got one of its requests: they clean up. No counts change. */
export function cancelLines(scope: Scope, through: object | string): void {
  const task = taskOf(scope);
  if (isQuiet(scope)) return;
  const made = new MadeRequest(task, task, undefined, through, null, task.getLoop().time());
  request(scope, made, leaveBody, false, firstStanding(scope) ?? made.order);
}

/** When the first of the requests to a scope, to those around it and to the task was made that are not taken back; `null`: there are none. */
function firstStanding(scope: Scope): number | null {
  let first = taskOf(scope)._told;
  for (const { asked } of askedScopes(scope)) if (first === null || asked!.order < first) first = asked!.order;
  return first;
}

/**
 * The tasks that are nothing but awaits of lines that a finished task has left, where these lines have got the request to cancel that task:
 * they clean up, and are not told again.
 */
export function cleanUpsOf(scope: Scope): unknown[] {
  const told = taskOf(scope)._told;
  if (told === null || isQuiet(scope)) return [];
  return waitsOf(scope)
    .filter((wait) => wait._got >= told && wait._waiting !== null && isOfLine(wait._waiting))
    .map((wait) => wait._waiting);
}

/**
 * Cancels tasks, as `cancel()` of each does. A request is handed down to what a task awaits, so those that nothing awaits come first, and a
 * task that has got its request from one of them needs none of its own: in a chain of tasks each would hand it down to all below it.
 */
export function cancelTasks(tasks: Iterable<Task<unknown>>): void {
  const before = sequence.now;
  const awaited: Task<unknown>[] = [];
  for (const task of tasks) {
    if (task._waiters().some(({ _awaiter: awaiter }) => awaiter !== null)) awaited.push(task);
    else task.cancel();
  }
  for (const task of awaited) if ((task._request?.order ?? 0) <= before) task.cancel();
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
  const got = gotByRunning(scope);
  if ((task._marks & MUST_CANCEL) !== 0 && !hasGotRequest(task, got)) return true;
  return askedScopes(scope).some((at) => at.pending !== null && (at.pending.order > got || isAgain(at)));
}

/** Takes back the request that `cancelScope` has counted. */
export function takeBack(scope: Scope): void {
  const rare = taskOf(scope)._rareFields();
  rare.ownTotal -= scope.own;
  scope.own = 0;
  if (rare.cancels + rare.ownTotal < 0) rare.cancels = 0 - rare.ownTotal;
}

/**
 * Whether the construct has asked for the scope's end, and neither the line that leaves the scope nor another current wait has received
 * that.
 */
export function isUndelivered(scope: Scope): boolean {
  const { pending } = scope;
  if (pending === null || scope.own === 0 || isAgain(scope)) return false;
  return pending.order > gotByRunning(scope);
}

/**
 * Delivers the requests to a scope, to those around it and to the task again at the next wait, because a failure was thrown instead of them.
 * All of them: each construct drops its own when it is left, and the others still stand.
 */
export function deliverAgain(scope: Scope): void {
  const task = taskOf(scope);
  const got = gotByRunning(scope);
  for (const asked of askedScopes(scope)) {
    if (asked.pending !== null && asked.pending.order > got) continue; // it waits for its first line
    setPendingAgain(asked, asked.asked!);
  }
  if (task._told === null) return;
  setPendingAgain(task._rootScope(), task._request!);
  task.cancelMessage = undefined; // as in CPython
}

/** Lets lines of a scope that wait for foreign promises clean up without another cancellation, because `return()` already closes them. */
export function spare(scope: Scope): void {
  spareLines(scope);
}

/** Cancels a task on behalf of a construct, which the story names. */
export function cancelFor(task: Task<unknown>, through: object | string, message?: unknown): boolean {
  return typeof task._cancelFor === 'function' ? task._cancelFor(through, message) : task.cancel(message);
}

/** The request because of which something is being cancelled; used for later reports. */
export function carriedRequest(): unknown {
  return carried.request;
}

/**
 * The `CancelledError` for a construct whose awaitable refused the cancellation, with the story of the original request.
 *
 * @param request the result of `carriedRequest`
 */
export function refusedError(future: Future<unknown>, request: unknown): CancelledError {
  const own = future instanceof Task ? future._request : null;
  return cancelledError(future.cancelMessage, own ?? (request as Request | null));
}

/**
 * A `CancelledError` for a future that was cancelled, as a value among others: the future keeps its own error. `args` is what it is in
 * CPython, the message or an empty one. Where nothing was given to `cancel()`, the text says who asked.
 */
export function errorOfCancelled(future: Future<unknown>): CancelledError {
  const request = requestThatEnded(future);
  const message = future.cancelMessage;
  if (message !== undefined || request === null || request.message !== undefined) return cancelledError(message ?? '');
  const error = cancelledError('', request);
  Reflect.deleteProperty(error, 'message'); // so that the story is the text
  return error;
}

/** Cancels a future because the thing that it represents was cancelled, for the same reason. */
export function cancelWith(future: Future<unknown>, cause: Future<unknown>): void {
  cancelBecause(future, requestThatEnded(cause));
}

/**
 * Cancels a future later than this was asked for. Its errors tell who asked then, and not who makes this call.
 *
 * @param request what `carriedRequest` returned when it was asked for; with `null` the errors tell of this call
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

/** The request that has cancelled something: its own, the one that was handed to it, or that of the error that ended it. */
function requestThatEnded(future: Future<unknown>): Request | null {
  const { _value: value } = future;
  const own = future instanceof Task ? future._request : null;
  if (own !== null) return own;
  if (isCancelledError(value)) return CancelledError.storyOf(value) as Request | null;
  return future.cancelled() ? requestThatCancelled(future) : null;
}
