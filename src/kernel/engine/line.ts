import { afterMicrotasks, callbackId, canTellCallbacks, isCalledByRuntime, RESOLVED } from '../runtime/platform.ts';
import { current, prepareAsyncTasks } from './current.ts';
import { MadeRequest, sequence } from './request.ts';
import { type LoopRole, type Request, SCOPE_PENDING, type Scope, STATE, type TaskRole } from './roles.ts';
import { CancelScope, gotInStep, HAS_AWAITED, isWithin, LATE, LOST, noteResumed, OVER, SPARED } from './scope.ts';

/**
 * Whose line of execution runs. A task of generators has one line; async functions may have several, each branch of a `Promise.all`
 * being one. The async context holds the scope of the line. This file alone knows how a line is found: where every await of a program
 * is known otherwise, it is what would be replaced.
 */

/**
 * The scope of the line that runs now, outside any handle; a flow of its own for what the runtime has called: at its first contact with
 * the library, a callback gets one, which its awaits carry on.
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
  if (inherited === lent.to) takeLent(inherited);
  return inherited.inner === null ? inherited : innermost(inherited);
}

/**
 * Where callbacks are not told from lines, what comes back from a foreign promise may be a helper, whose caller is to see what it sets, or a
 * request handler, whose context variables no other one must see. So it gets variables of its own. When somebody goes on in its scope
 * within the next microtasks it was a helper, because that is how a caller goes on: then the task gets its values. The runtime calls
 * every other handler when the microtasks are over.
 */
const lent: { to: Scope | null; line: Scope | null; microtasks: number; isCounting: boolean } = {
  to: null,
  line: null,
  microtasks: 0,
  isCounting: false,
};

/** An async function that returns another one's promise takes three microtasks; this is enough for some of those. */
const MICROTASKS = 10;

/** Whoever goes on in a scope within the next microtasks sees the variables of an inner one. */
export function lend(to: Scope, line: Scope): void {
  lent.to = to;
  lent.line = line;
  lent.microtasks = MICROTASKS;
  if (lent.isCounting) return;
  lent.isCounting = true;
  RESOLVED.then(countMicrotask);
}

const countMicrotask = (): void => {
  lent.microtasks--;
  if (lent.microtasks > 0) {
    RESOLVED.then(countMicrotask);
    return;
  }
  lent.isCounting = false;
  lent.to = null;
  lent.line = null;
};

function takeLent(scope: Scope): void {
  const values = lent.line!.context!._values;
  lent.to = null;
  lent.line = null;
  const context = contextOfScope(scope);
  if (context !== null) context._values = values;
}

/** Whether the runtime has called a callback that was made by a flow outside any task, and inherited its context. */
function isAnotherCallback(flow: Scope): boolean {
  const { calledBy } = flow;
  const id = callbackId(calledBy);
  return id !== 0 && id !== calledBy;
}

/** Code outside any task begins: it starts from the values that the task has now whose async context it inherited. */
function newFlow(inherited: Scope): Scope {
  const flow = new CancelScope(null, null, inherited.loop, null);
  flow.context = contextOfScope(inherited)?.copy() ?? null;
  flow.calledBy = callbackId(0);
  return flow;
}

/** The callback that the loop calls now, and the flow of the async functions that it has called. */
const callback: { isRunning: boolean; flow: Scope | null; outer: unknown } = {
  isRunning: false,
  flow: null,
  outer: undefined,
};

/** The loop calls a callback of a program. Async functions that it calls go on as a flow of their own, with its loop and its context. */
export function beginCallback(): void {
  callback.isRunning = true;
  if (current.entersBeforeCalls) flowOfCallback();
}

/** The callback has returned: nobody else is of its flow. */
export function endCallback(): void {
  callback.isRunning = false;
  if (callback.flow === null) return;
  callback.flow = null;
  current.storage!.enterWith(callback.outer);
  callback.outer = undefined;
}

/** The scope of what a callback of the loop awaits; `null` where nothing would find it again. */
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

/** The task whose code runs now, `null` when none does. */
export function runningTask(): TaskRole | null {
  if (current.loop !== null) return current.task;
  if (current.storage === null) return current.openTask;
  const task = scopeOfLine()?.task ?? null;
  // Code that inherited the context of a task that is over (a line that it left behind, say) has no task.
  return task === null || task.done() ? null : task;
}

/** The loop whose callback or task runs now, `null` when none does. */
export function runningLoop(): LoopRole | null {
  if (current.loop !== null) return current.loop;
  if (current.storage === null) return current.openTask === null ? null : current.openTask._loop;
  const scope = scopeOfLine();
  if (scope === null) return null;
  const { task, loop } = scope;
  if (task !== null && !task.done() && !loop._isClosed) return loop;
  // A flow outside any task, or a line that a task has left behind, is run as long as the loop is.
  return loop.isRunning() && !loop._isClosed ? loop : null;
}

/** The context variables that a scope's lines see. */
export function contextOfScope(scope: Scope): Scope['context'] {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at.context !== null) return at.context;
  return scope.task?._context ?? null;
}

/** As above; `null` where these are the task's. */
export function ownContextOf(scope: Scope | null): Scope['context'] {
  for (let at = scope; at !== null; at = at.parent) if (at.context !== null) return at.context;
  return null;
}

// --------------------------------------------------------------------------------------------- entering and leaving

/**
 * Enters a scope inside the running one: what the line awaits from now on belongs to it.
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
 * Takes the line back out of a scope.
 *
 * @param isLost whether it is left because it was cancelled
 */
export function leaveScope(scope: Scope, isLost: boolean): void {
  scope.marks |= isLost ? OVER | LOST : OVER;
  scope.pending = null;
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

/** `await limit.enter()`, `await limit.exit()`: the line that awaited in `line` has been moved to another scope meanwhile. */
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
 * Whether a scope, or one around it, was left because it was cancelled, or its loop is closed: a line that comes back into it has missed
 * its end.
 */
export function isLost(scope: Scope): boolean {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if ((at.marks & LOST) !== 0) return true;
  return scope.task !== null && (scope.task._marks & STATE) !== 0 && scope.loop._isClosed;
}

/**
 * A line comes back from a foreign promise into a scope that was cancelled without it, or when its run is over: it gets a scope of its own
 * with the request that it missed, and so that cancellation at its next await, once. Only where callbacks can be told from lines: elsewhere
 * a handler that was registered in the scope would be cancelled for nothing.
 */
export function meetLostScope(scope: Scope): Scope {
  if (current.loop !== null || current.storage === null || !canTellCallbacks()) return scope;
  const lost = outermostLost(scope);
  // A line that has received a cancellation cleans up.
  if (wasTold(scope, lost)) return scope;
  const live = lost === null ? null : lost.parent;
  for (let at: Scope | null = scope; at !== live && at !== null; at = at.parent) {
    if ((at.marks & SPARED) !== 0) return scope;
  }
  const late = new CancelScope(live, live?.task ?? null, scope.loop, scope);
  late.context = contextOfScope(scope);
  late.marks |= LATE;
  late.pending = missedRequest(scope);
  if (live !== null && live.task !== null) live.task._marks |= SCOPE_PENDING;
  current.storage.enterWith(late);
  return late;
}

/** The outermost scope that is lost; `null` where the whole run is over. */
function outermostLost(scope: Scope): Scope | null {
  if (scope.task !== null && (scope.task._marks & STATE) !== 0 && scope.loop._isClosed) return null;
  let lost = scope;
  for (let at: Scope | null = scope; at !== null; at = at.parent) if ((at.marks & LOST) !== 0) lost = at;
  return lost;
}

/**
 * Whether a line that comes back into a lost scope has received a cancellation. What the line of the step was told of counts only where that
 * line is in what was lost, too: it may merely have woken this one.
 */
function wasTold(scope: Scope, lost: Scope | null): boolean {
  const { _step: step } = scope.loop;
  const isOfStep = step.task !== null && step.task === scope.task;
  const isOfOther = isOfStep && lost !== null && lost.parent !== null && !isInLost(step.at, lost);
  return (isOfOther ? gotUnseen(scope) : gotOf(scope)) > 0 || gotBySignal(scope) > 0;
}

/** Whether the line of a step is in a scope that was lost, or has come late into it. */
function isInLost(line: Scope | null, lost: Scope): boolean {
  for (let at = line; at !== null; at = at.parent) {
    // Nothing was awaited in it, so that nobody was told: this is the line that has left it.
    if (at === lost) return (lost.marks & HAS_AWAITED) !== 0;
    if ((at.marks & LATE) !== 0 && isWithin(at.owner as Scope, lost)) return true;
  }
  return false;
}

/** When the line that goes on was told of a request last, by its step or by the signal; 0: never. */
export function gotOf(scope: Scope): number {
  const { _step: step } = scope.loop;
  return step.task !== null && step.task === scope.task ? gotInStep(scope, step) : gotUnseen(scope);
}

/** As above, of a line that no step was begun for. */
function gotUnseen(scope: Scope): number {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at === told.scope) return told.at;
  return gotBySignal(scope);
}

/**
 * When somebody has read the reason of a signal that a line of the scope may have: the scope's own, or that of one around it that was cancelled
 * with it. Where a construct has asked for the end of its own scope, that has aborted no signal around it. Which line has read the reason is
 * not known. After the end of the run none of them can clean up, so that each is told.
 */
function gotBySignal(scope: Scope): number {
  if (scope.loop._isClosed) return 0;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (at.signal !== null && at.signal.seenAt > 0) return at.signal.seenAt;
    if (at.asked !== null) return 0;
  }
  return 0;
}

/** The scope of a line that has just been told late: whoever awaits its function goes on within the same microtasks. */
const told: { scope: Scope | null; at: number } = { scope: null, at: 0 };

/** A line that its task has left is told of the cancellation that it has missed. */
export function noteTold(lost: Scope): void {
  told.at = ++sequence.now;
  if (told.scope === null) afterMicrotasks(forgetTold);
  told.scope = lost;
}

const forgetTold = (): void => {
  told.scope = null;
};

function missedRequest(scope: Scope): Request {
  const request = scope.task?._request ?? null;
  const why = scope.loop._isClosed ? 'the end of its run' : request === null ? LEFT : null;
  return new MadeRequest(scope.task, null, request?.message, why, request, request?.at ?? 0);
}

const LEFT = 'a deadline that passed while it waited for a promise that is not of this library';

/** The lines of a scope's task that are at foreign promises are being closed by their `return()`: they clean up undisturbed. */
export function spareLines(scope: Scope): void {
  for (let at: Scope | null = scope; at !== null; at = at.parent) at.marks |= SPARED;
}

/** When the line that awaits was told of a request last. It may have come back from a foreign promise, unseen until now. */
export function gotAtAwait(scope: Scope, task: TaskRole): number {
  const { _step: step } = task._loop;
  if (step.task === task) {
    if (scope.parent !== null) noteInStep(scope, task._rootScope().resumed);
    return step.got === 0 ? 0 : gotInStep(scope, step);
  }
  const got = gotOf(scope);
  if (step.isComeback(task)) noteResumed(scope);
  return got;
}

/** A line goes on in a step that another line of its task may have begun: what its scopes have waited for since before is left over. */
function noteInStep(scope: Scope, begin: number): void {
  for (let at: Scope | null = scope; at !== null && at.resumed < begin; at = at.parent) at.resumed = begin;
}

/** The context of a line, where it is known already; `null`: the one of its task, once somebody asks for it. */
export function contextOfLine(scope: Scope, task: TaskRole): Scope['context'] {
  return ownContextOf(scope) ?? task._ownContext;
}
