import { CancelledError, cancelledError, isCancelledError } from '../errors/errors.ts';
import { abortSignals, weaken } from './abort.ts';
import { leaveBody } from './engine/await.ts';
import { enterScope as enter, leaveScope as leave, runningScope, spareLines } from './engine/line.ts';
import { MadeRequest } from './engine/request.ts';
import { MUST_CANCEL, type Request, type Scope } from './engine/roles.ts';
import { carried, isQuiet, isWithin, cancelScope as request, setPending } from './engine/scope.ts';
import type { Future } from './future.ts';
import { Task } from './task.ts';

/**
 * Scopes for constructs such as timeouts and groups: a stretch of a task that can be cancelled by itself. Requests are counted where they
 * were made (by `cancel()` at the task, by a construct at its scope), so that a construct can tell its own from others.
 */

export type { Scope } from './engine/roles.ts';

/** The innermost scope of the line that runs; `null` outside any task. */
export function currentScope(): Scope | null {
  return runningScope();
}

/** The task that a scope belongs to. */
export function taskOf(scope: Scope): Task<unknown> {
  return scope.task as Task<unknown>;
}

/**
 * Enters a scope: what the running line awaits from now on belongs to it, until `leaveScope`.
 *
 * @param task the running task
 * @param owner the construct, whose `toString` tells who cancelled
 */
export function enterScope(task: Task<unknown>, owner: object): Scope {
  return enter(task, owner);
}

/**
 * Takes the line back out of a scope.
 *
 * @param isCancelled whether it is left because it was cancelled: lines that come back into it late get that cancellation
 */
export function leaveScope(scope: Scope, isCancelled: boolean): void {
  const task = taskOf(scope);
  if (scope.signal !== null) weaken(task._signalled, scope);
  leave(scope, isCancelled);
}

/** The construct that owns a scope asks for its end. */
export function cancelScope(scope: Scope, through: object | string): void {
  const task = taskOf(scope);
  task._countOwn(scope);
  const made = new MadeRequest(task, task, undefined, through, null, task.getLoop().time());
  const running = runningScope();
  const cancelsItself = running !== null && isWithin(running, scope);
  request(scope, made, leaveBody, cancelsItself);
  abortSignals(task._signalled, scope, made);
  if (cancelsItself) setPending(scope, made);
}

/** Lines that still wait in a scope which is over are cancelled, unless they have been told before. Nobody's count changes. */
export function cancelLines(scope: Scope, through: object | string): void {
  const task = taskOf(scope);
  if (isQuiet(scope)) return;
  const made = new MadeRequest(task, task, undefined, through, null, task.getLoop().time());
  request(scope, made, leaveBody, false, task._told ?? made.order);
}

/** How many requests there are from outside a scope: the task's, and those of the scopes around it. */
export function requestsTo(scope: Scope): number {
  return taskOf(scope)._requestsTo(scope);
}

/** How many of them there were already when the scope was entered. */
export function requestsAtEntry(scope: Scope): number {
  return scope.requestsAtEntry;
}

/** Takes back what `cancelScope` has counted. */
export function takeBack(scope: Scope): void {
  taskOf(scope)._takeBack(scope);
}

/** Whether the construct has asked for the scope's end, and no line has received that yet. */
export function isUndelivered(scope: Scope): boolean {
  return scope.pending !== null && scope.own > 0;
}

/** Whoever has asked for the end of a scope, or of one around it, is heard again at the next wait: a failure came first. */
export function deliverAgain(scope: Scope): void {
  const task = taskOf(scope);
  for (let at: Scope | null = scope; at !== null && at.parent !== null; at = at.parent) {
    if (at.own === 0) continue;
    setPending(at, new MadeRequest(task, null, undefined, at.owner, null, task.getLoop().time()));
    return;
  }
  task._request?.renew(); // for lines that have been told already, too
  task._marks |= MUST_CANCEL;
  task.cancelMessage = undefined;
}

/** The lines of a scope that are at foreign promises are being closed by their `return()`: they clean up undisturbed. */
export function spare(scope: Scope): void {
  spareLines(scope);
}

/** Cancels a task on behalf of a construct, which the story names. */
export function cancelFor(task: Task<unknown>, through: object | string, message?: unknown): boolean {
  return typeof task._cancelFor === 'function' ? task._cancelFor(through, message) : task.cancel(message);
}

/** The request on whose behalf something is being cancelled, for what tells of it later. */
export function carriedRequest(): unknown {
  return carried.request;
}

/**
 * The cancellation of something that has refused it, for whoever asked on behalf of others: with the story of what has led to it.
 *
 * @param request what `carriedRequest` gave
 */
export function refusedError(future: Future<unknown>, request: unknown): CancelledError {
  const own = future instanceof Task ? future._request : null;
  return cancelledError(future.cancelMessage, own ?? (request as Request | null));
}

/** Cancels a future because what it stands for was cancelled: it tells the same story. */
export function cancelWith(future: Future<unknown>, cause: Future<unknown>): void {
  const outer = carried.request;
  carried.request = requestThatEnded(cause) ?? outer;
  try {
    future.cancel();
  } finally {
    carried.request = outer;
  }
}

/** The request that has cancelled something: its own, or that of the error that it has let through. */
function requestThatEnded(future: Future<unknown>): Request | null {
  if (!(future instanceof Task)) return null;
  const { _value: error } = future;
  return future._request ?? (isCancelledError(error) ? (CancelledError.storyOf(error) as Request | null) : null);
}
