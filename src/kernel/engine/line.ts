import { afterMicrotasks, callbackId, canTellCallbacks, isCalledByRuntime, RESOLVED } from '../runtime/platform.ts';
import { current, prepareAsyncTasks } from './current.ts';
import { MadeRequest, sequence } from './request.ts';
import { type LoopRole, type Request, SCOPE_PENDING, type Scope, STATE, type TaskRole } from './roles.ts';
import { CancelScope, gotInStep, LATE, LENT, LOST, noteResumed, OVER, RETURNED, SPARED } from './scope.ts';

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
  if (lent.to !== null && isLentTo(inherited, LENT)) takeLent(inherited);
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
  line.marks |= LENT;
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

/**
 * The async function that a construct, a frame or a task has called has settled: it was a helper, although the one that goes on is no line of
 * its scope.
 *
 * @param scope the one that it was called in
 */
export function takeLentIn(scope: Scope): void {
  if (lent.to !== null && isLentTo(scope, 0)) takeLent(scope);
}

/**
 * Whether what was lent is for the lines of a scope: the one that it was lent to, or around that one and lines that have lent before.
 *
 * @param through 0: what was lent goes through other scopes too, but for those with variables of their own
 */
function isLentTo(scope: Scope, through: number): boolean {
  for (let at = lent.to; at !== null; at = at.parent) {
    if (at === scope) return true;
    if ((at.marks & LENT) === 0 && (through === LENT || at.context !== null)) return false;
  }
  return false;
}

function takeLent(scope: Scope): void {
  const values = lent.line!.context!._values;
  lent.to = null;
  lent.line = null;
  const context = contextOfScope(scope);
  if (context !== null) context._values = values;
}

/**
 * Whether the runtime has called a callback that was made by a flow outside any task, and inherited its context; or, on Node 22, the callback
 * that began the flow once more: what it enters there stays with the resource that calls it, a timer or a connection.
 */
function isAnotherCallback(flow: Scope): boolean {
  const { calledBy } = flow;
  const id = callbackId(calledBy);
  return id !== 0 && (id !== calledBy || (flow.marks & RETURNED) !== 0);
}

/** Code outside any task begins: it starts from the values that the task has now whose async context it inherited. */
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
 * The callback that the runtime calls now has begun a flow.
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

/** The callback that the loop calls now, and the flow of the async functions that it has called. */
const callback: { isRunning: boolean; context: Scope['context']; flow: Scope | null; outer: unknown } = {
  isRunning: false,
  context: null,
  flow: null,
  outer: undefined,
};

/** The loop calls a callback of a program. Async functions that it calls go on as a flow of their own, with its loop and its context. */
export function beginCallback(): void {
  callback.isRunning = true;
  callback.context = current.context;
  if (current.entersBeforeCalls) flowOfCallback();
}

/** The callback has returned: nobody else is of its flow. */
export function endCallback(): void {
  callback.isRunning = false;
  callback.context = null;
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

/**
 * A callback of the loop reads or sets a context variable: an async function that it calls sees the same ones after a foreign promise too. Not
 * inside `Context.run`, which ends with its call.
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
  // A line that has received a cancellation cleans up.
  if (gotOf(scope) > 0) return scope;
  const live = aroundLost(scope);
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

/** The scope around the outermost one that is lost; `null` where all are, or none is left. */
function aroundLost(scope: Scope): Scope | null {
  if (scope.task !== null && (scope.task._marks & STATE) !== 0 && scope.loop._isClosed) return null;
  let live: Scope | null = scope;
  for (let at: Scope | null = scope; at !== null; at = at.parent) if ((at.marks & LOST) !== 0) live = at.parent;
  return live;
}

/** When the line that goes on was told of a request last, by its step or by the signal; 0: never. */
export function gotOf(scope: Scope): number {
  const { _step: step } = scope.loop;
  if (step.task !== null && step.task === scope.task) return gotInStep(scope, step);
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at === told.scope) return told.at;
  // Which of its lines has read the reason is not known. After the end of the run none of them can clean up, so that each is told.
  return scope.signal === null || scope.loop._isClosed ? 0 : scope.signal.seenAt;
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
  if (step.task === task) return step.got === 0 ? 0 : gotInStep(scope, step);
  const got = gotOf(scope);
  if (step.isComeback(task)) noteResumed(scope);
  return got;
}

/** The context of a line, where it is known already; `null`: the one of its task, once somebody asks for it. */
export function contextOfLine(scope: Scope, task: TaskRole): Scope['context'] {
  return ownContextOf(scope) ?? task._ownContext;
}
