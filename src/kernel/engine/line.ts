import { afterMicrotasks, callbackId, canTellCallbacks, isCalledByRuntime, RESOLVED } from '../runtime/platform.ts';
import { current, prepareAsyncTasks } from './current.ts';
import { MadeRequest, sequence } from './request.ts';
import { type LoopRole, type Request, type Scope, STATE, type TaskRole } from './roles.ts';
import {
  CancelScope,
  dropPending,
  HAS_AWAITED,
  isWithin,
  keepPending,
  LATE,
  LOST,
  noteResumed,
  OFFERED,
  OVER,
  RETURNED,
  receivedInStep,
  SPARED,
} from './scope.ts';

/**
 * Which line of execution runs. A task of generators has one line. A task of async functions may have several: each
 * branch of a `Promise.all` is one. The async context holds the scope of the line. No other file knows how a line is
 * found, so if there is another way some day, only this file changes.
 */

/**
 * The scope of the line that runs now, outside any handle; `null` for code that has inherited no scope. A callback that
 * the runtime has called gets a flow of its own when it first uses the library; what it awaits goes on in that flow.
 */
export function scopeOfLine(): Scope | null {
  const { storage } = current;
  if (storage === null) return current.openTask === null ? null : innermost(current.openTask._rootScope());
  const inherited = storage.getStore() as Scope | undefined;
  if (inherited === undefined) return null;
  if (inherited.task === null ? isAnotherCallback(inherited) : isCalledByRuntime()) {
    const flow = newFlow(inherited);
    storage.enterWith(flow);
    return flow;
  }
  if (offered.to !== null && isOfferedTo(inherited, OFFERED)) takeOffered(inherited);
  return inherited.inner === null ? inherited : innermost(inherited);
}

/**
 * For runtimes where callbacks cannot be distinguished from lines. Code that sets a context variable after a foreign
 * promise may be a helper function, whose caller has to see the value, or a request handler, whose values other
 * handlers must not see. So it gets variables of its own at first. If code goes on in the same scope within the next
 * microtasks, that is the caller of a helper, and its scope gets the values. Another handler is called only after the
 * microtasks.
 */
const offered: { to: Scope | null; line: Scope | null; microtasks: number; isCounting: boolean } = {
  to: null,
  line: null,
  microtasks: 0,
  isCounting: false,
};

/**
 * After an async function has returned another one's promise, its caller goes on three microtasks later. This is enough
 * for three such functions.
 */
const MICROTASKS = 10;

/** Code that goes on in the scope `to` within the next microtasks gets the values of `line`, a scope inside it. */
export function offerValues(to: Scope, line: Scope): void {
  offered.to = to;
  offered.line = line;
  line.marks |= OFFERED;
  offered.microtasks = MICROTASKS;
  if (offered.isCounting) return;
  offered.isCounting = true;
  RESOLVED.then(countMicrotask);
}

const countMicrotask = (): void => {
  offered.microtasks--;
  if (offered.microtasks > 0) {
    RESOLVED.then(countMicrotask);
    return;
  }
  offered.isCounting = false;
  offered.to = null;
  offered.line = null;
};

/**
 * An async function that a construct, a frame or a task has called has settled. So it was a helper, and its scope takes
 * the values, although what goes on now is not a line of that scope.
 *
 * @param scope the one in which the function was called
 */
export function takeOfferedIn(scope: Scope): void {
  if (offered.to !== null && isOfferedTo(scope, 0)) takeOffered(scope);
}

/**
 * Whether a scope may take the offered values: they were offered to it, or to a scope inside it that was itself made for
 * an offer.
 *
 * @param through OFFERED: only through scopes that were made for an offer; 0: through others too, except those with
 * variables of their own
 */
function isOfferedTo(scope: Scope, through: number): boolean {
  for (let at = offered.to; at !== null; at = at.parent) {
    if (at === scope) return true;
    if ((at.marks & OFFERED) === 0 && (through === OFFERED || at.context !== null)) return false;
  }
  return false;
}

function takeOffered(scope: Scope): void {
  const values = offered.line!.context!._values;
  offered.to = null;
  offered.line = null;
  const context = contextOfScope(scope);
  if (context !== null) context._values = values;
}

/**
 * Whether the running code is a callback of the runtime that has only inherited a flow, and not code of the flow
 * itself; or, on Node 22, the callback that began the flow, called once more: what it enters stays with the resource that
 * calls it, a timer or a connection.
 */
function isAnotherCallback(flow: Scope): boolean {
  const { calledBy } = flow;
  const id = callbackId(calledBy);
  return id !== 0 && (id !== calledBy || (flow.marks & RETURNED) !== 0);
}

/**
 * A new flow, for a callback of the runtime. It starts with the values that the task whose async context it has
 * inherited has now.
 */
function newFlow(inherited: Scope): Scope {
  const { calledBy } = inherited;
  const isCalledAgain = calledBy !== 0 && callbackId(calledBy) === calledBy;
  const origin = isCalledAgain ? inherited.origin : contextOfScope(inherited);
  const flow = new CancelScope(null, null, inherited.loop, null);
  flow.context = origin?.copy() ?? null;
  noteCalled(flow, origin);
  return flow;
}

/**
 * The callback that the runtime is calling has begun a flow: notes which one it was, and when it has returned.
 *
 * @param origin the context variables with whose values it begins
 */
export function noteCalled(flow: Scope, origin: Scope['context']): void {
  const id = callbackId(0);
  if (id === 0) return;
  flow.calledBy = id;
  flow.origin = origin;
  RESOLVED.then(() => {
    flow.marks |= RETURNED;
  });
}

/**
 * Whether the loop is calling a callback of the program, the flow of the async functions that this callback has called,
 * the context variables of the callback, and what the store held before the flow was entered.
 */
const callback: { isRunning: boolean; context: Scope['context']; flow: Scope | null; outer: unknown } = {
  isRunning: false,
  context: null,
  flow: null,
  outer: undefined,
};

/**
 * The loop is about to call a callback of the program. Async functions that it calls go on as a flow, with the loop and
 * the context of the callback.
 */
export function beginCallback(): void {
  callback.isRunning = true;
  callback.context = current.context;
  if (current.entersBeforeCalls) flowOfCallback();
}

/** The callback has returned: the next one does not belong to its flow. */
export function endCallback(): void {
  callback.isRunning = false;
  callback.context = null;
  if (callback.flow === null) return;
  callback.flow = null;
  current.storage!.enterWith(callback.outer);
  callback.outer = undefined;
}

/**
 * The flow to which the awaits of the loop's callback belong; `null` outside of a callback, and in runtimes without
 * async contexts, where it could not be found again after an `await`.
 */
export function flowOfCallback(): Scope | null {
  if (!callback.isRunning || callback.flow !== null) return callback.flow;
  const storage = prepareAsyncTasks();
  if (storage === null) return null;
  callback.flow = new CancelScope(null, null, current.loop!, null);
  callback.flow.context = current.context;
  callback.outer = storage.getStore();
  storage.enterWith(callback.flow);
  return callback.flow;
}

/**
 * A callback of the loop reads or sets a context variable: async functions that it calls must see the same ones after a
 * foreign promise too. Not inside `Context.run`, which ends with its call.
 */
export function keepContextOfCallback(): void {
  if (current.context === callback.context) flowOfCallback();
}

function innermost(scope: Scope): Scope {
  let at = scope;
  while (at.inner !== null) at = at.inner;
  return at;
}

/** The scope that awaits of the running code belong to; `null` outside any task. */
export function runningScope(): Scope | null {
  if (current.loop !== null) return current.task === null ? null : (current.scope ?? current.task._rootScope());
  const scope = scopeOfLine();
  return scope === null || scope.task === null || scope.task.done() || scope.loop._isClosed ? null : scope;
}

/** The task whose code runs now; `null` if none does. */
export function runningTask(): TaskRole | null {
  if (current.loop !== null) return current.task;
  if (current.storage === null) return current.openTask;
  const task = scopeOfLine()?.task ?? null;
  // Code in the async context of a task that is done, such as a line that the task left behind, has no task.
  return task === null || task.done() ? null : task;
}

/** The loop whose callback or task runs now; `null` if none does. */
export function runningLoop(): LoopRole | null {
  if (current.loop !== null) return current.loop;
  if (current.storage === null) return current.openTask === null ? null : current.openTask._loop;
  const scope = scopeOfLine();
  if (scope === null) return null;
  const { task, loop } = scope;
  if (task !== null && !task.done() && !loop._isClosed) return loop;
  // For a flow, and for a line that a task has left behind, the loop counts as running while it is run.
  return loop.isRunning() && !loop._isClosed ? loop : null;
}

/** The context variables that a scope's lines see. */
export function contextOfScope(scope: Scope): Scope['context'] {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at.context !== null) return at.context;
  return scope.task?._context ?? null;
}

/** As `contextOfScope`, but `null` if these are the task's variables. */
export function ownContextOf(scope: Scope | null): Scope['context'] {
  for (let at = scope; at !== null; at = at.parent) if (at.context !== null) return at.context;
  return null;
}

// --------------------------------------------------------------------------------------------- entering and leaving

/**
 * Enters a new scope inside the running one: what the line awaits from now on belongs to it.
 *
 * @param owner the construct that enters it
 */
export function enterScope(task: TaskRole, owner: object): Scope {
  const parent = runningScope() ?? task._rootScope();
  const scope = new CancelScope(parent, task, task._loop, owner);
  scope.requestsAtEntry = task._requestsTo(scope);
  moveTo(scope, parent, scope);
  return scope;
}

/**
 * Leaves a scope: what the line awaits from now on belongs to the scope around it.
 *
 * @param isLost whether it is left because it was cancelled
 */
export function leaveScope(scope: Scope, isLost: boolean): void {
  scope.marks |= isLost ? OVER | LOST : OVER;
  dropPending(scope);
  const parent = scope.parent!;
  moveTo(parent, parent, null);
}

function moveTo(scope: Scope, parent: Scope, inner: Scope | null): void {
  if (current.loop !== null) {
    current.scope = scope;
    if (current.storage === null) parent.inner = inner;
  } else if (current.storage !== null) {
    current.storage.enterWith(scope);
  } else {
    parent.inner = inner;
  }
}

/**
 * A coroutine that an async function awaits has entered or left a scope: `await limit.enter()`, `await limit.exit()`.
 * The async function goes on in the async context of its `await`, which still holds `line`. So `inner` of the scopes
 * leads from there to the scope in which the function goes on.
 */
export function noteMoved(line: Scope, to: Scope): void {
  let base = line;
  if (to === base.parent && to.inner !== base) return; // it has left the scope that it was called in
  while (base.parent !== null && base.parent.inner === base) base = base.parent;
  let isInside = false;
  for (let at: Scope | null = to; at !== null && !isInside; at = at.parent) isInside = at === base;
  if (isInside) base.inner = to === base ? null : to;
  for (let scope = to; scope !== base && scope.parent !== null; scope = scope.parent) scope.parent.inner = scope;
  to.inner = null;
}

// --------------------------------------------------------------------------------------------- lines that come late

/**
 * Whether a scope or one around it was left because it was cancelled, or its task is done and the loop closed. A line
 * that comes back into it from a foreign promise has missed that.
 */
export function isLost(scope: Scope): boolean {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if ((at.marks & LOST) !== 0) return true;
  return scope.task !== null && (scope.task._marks & STATE) !== 0 && scope.loop._isClosed;
}

/**
 * A line comes back from a foreign promise into a lost scope: it gets a scope of its own, in which the request that it
 * missed is pending, so that its next await throws once. Only in runtimes where callbacks can be distinguished from
 * lines: elsewhere a handler that was registered in the scope would be cancelled without reason.
 * @returns that scope; the given one if nothing was missed
 */
export function meetLostScope(scope: Scope): Scope {
  if (current.loop !== null || current.storage === null || !canTellCallbacks()) return scope;
  const lost = outermostLost(scope);
  // A line that has received a request is cleaning up.
  if (hasReceivedRequest(scope, lost)) return scope;
  const live = lost === null ? null : lost.parent;
  for (let at: Scope | null = scope; at !== live && at !== null; at = at.parent) {
    if ((at.marks & SPARED) !== 0) return scope;
  }
  const late = new CancelScope(live, live?.task ?? null, scope.loop, scope);
  late.context = contextOfScope(scope);
  late.marks |= LATE;
  keepPending(late, missedRequest(scope));
  current.storage.enterWith(late);
  return late;
}

/** The outermost lost scope around a line; `null` if the whole run is over. */
function outermostLost(scope: Scope): Scope | null {
  if (scope.task !== null && (scope.task._marks & STATE) !== 0 && scope.loop._isClosed) return null;
  let lost = scope;
  for (let at: Scope | null = scope; at !== null; at = at.parent) if ((at.marks & LOST) !== 0) lost = at;
  return lost;
}

/**
 * Whether a line that comes back into a lost scope has received a request. What the line of the step has received counts
 * only if that line is in the lost scope, too: otherwise it has merely woken this one.
 */
function hasReceivedRequest(scope: Scope, lost: Scope | null): boolean {
  const { _step: step } = scope.loop;
  const isOfStep = step.task !== null && step.task === scope.task;
  // After the end of the run, and if the task's body is lost, every line of the task is in what is lost.
  const isAllLost = lost === null || lost.parent === null;
  const countsStep = isOfStep && (isAllLost || isInLost(step.lineScope, lost));
  if ((countsStep ? receivedInStep(scope, step) : receivedLateIn(scope)) > 0) return true;
  // A reason that was read before the latest request was made is that of another one.
  let latest = scope.task?._request?.order ?? 0;
  for (let at = lost; at !== null; at = at.parent) if (at.asked !== null) latest = Math.max(latest, at.asked.order);
  return receivedBySignal(scope) > latest;
}

/** Whether the line of a step is in a lost scope, or has come back late into it. */
function isInLost(line: Scope | null, lost: Scope): boolean {
  for (let at = line; at !== null; at = at.parent) {
    // If nothing was awaited in it, no line of it has received anything: this is the line that has left it.
    if (at === lost) return (lost.marks & HAS_AWAITED) !== 0;
    if ((at.marks & LATE) !== 0 && isWithin(at.owner as Scope, lost)) return true;
  }
  return false;
}

/** The number of the latest request that the running line has received, in its step or from the signal; 0 for none. */
export function receivedBy(scope: Scope): number {
  const { _step: step } = scope.loop;
  if (step.task !== null && step.task === scope.task) return receivedInStep(scope, step);
  return receivedLateIn(scope) || receivedBySignal(scope);
}

/** As `receivedBy`, for a line that has just received the request it had missed, or that awaits that line. */
function receivedLateIn(scope: Scope): number {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at === receivedLate.scope) return receivedLate.at;
  return 0;
}

/**
 * The number of the event in which code read the reason of a signal that a line of the scope may have: the scope's own
 * signal, or that of a scope around it which was cancelled with it. (When a construct asks for the end of its own scope,
 * that aborts no signal around it.) It is not known which line has read the reason, so it counts for all. Not after the
 * end of the run: then each line gets the request, because none of them is waited for.
 */
function receivedBySignal(scope: Scope): number {
  if (scope.loop._isClosed) return 0;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (at.signal !== null && at.signal.seenAt > 0) return at.signal.seenAt;
    if (at.asked !== null) return 0;
  }
  return 0;
}

/**
 * The scope of a line that has just received the request it had missed, and the number of that event. Lines that await
 * the line's function go on within the same microtasks, and count as having received it too.
 */
const receivedLate: { scope: Scope | null; at: number } = { scope: null, at: 0 };

/** A line of a lost scope receives the request that it has missed. */
export function noteReceivedLate(lost: Scope): void {
  receivedLate.at = ++sequence.now;
  if (receivedLate.scope === null) afterMicrotasks(forgetReceivedLate);
  receivedLate.scope = lost;
}

const forgetReceivedLate = (): void => {
  receivedLate.scope = null;
};

function missedRequest(scope: Scope): Request {
  const request = scope.task?._request ?? null;
  const why = scope.loop._isClosed ? 'the end of its run' : request === null ? LEFT : null;
  return new MadeRequest(scope.task, null, request?.message, why, request, request?.at ?? 0);
}

const LEFT = 'a deadline that passed while it waited for a promise that is not of this library';

/**
 * Lines of a scope that wait for foreign promises are being closed by `return()`: when they come back, their clean-up
 * is not interrupted by a cancellation.
 */
export function spareLines(scope: Scope): void {
  for (let at: Scope | null = scope; at !== null; at = at.parent) at.marks |= SPARED;
}

/**
 * The number of the latest request that the awaiting line has received; 0 for none. The line may have come back from a
 * foreign promise, which is noticed only now.
 */
export function receivedAtAwait(scope: Scope, task: TaskRole): number {
  const { _step: step } = task._loop;
  if (step.task === task) {
    if (scope.parent !== null) noteInStep(scope, task._rootScope().resumed);
    return step.received === 0 ? 0 : receivedInStep(scope, step);
  }
  const received = receivedBy(scope);
  if (step.isComeback(task)) noteResumed(scope);
  return received;
}

/**
 * A line goes on in a step that another line of its task may have begun: what its scopes have waited for since before
 * that step is left over.
 */
function noteInStep(scope: Scope, begin: number): void {
  for (let at: Scope | null = scope; at !== null && at.resumed < begin; at = at.parent) at.resumed = begin;
}

/** The context of a line, if it exists already; `null` for that of the task, which is made when it is needed. */
export function contextOfLine(scope: Scope, task: TaskRole): Scope['context'] {
  return ownContextOf(scope) ?? task._ownContext;
}
