import { cancelledError } from '../../errors/errors.ts';
import { current } from './current.ts';
import { MadeRequest, sequence } from './request.ts';
import {
  type CallStack,
  type ContextRole,
  type FutureLike,
  type FutureRole,
  type LoopRole,
  MUST_CANCEL,
  type OpenStepRole,
  type Request,
  SCOPE_PENDING,
  type Scope,
  type ScopeWait,
  type SignalRole,
  type TaskRole,
} from './roles.ts';

// What a scope's `marks` hold.
/** It is among the `children` of its parent. */
const LINKED = 1;
/** Its construct has left it. */
export const OVER = 2;
/** It was left because it was cancelled: lines that come back into it get that cancellation, once. */
export const LOST = 4;
/** An `await` of this library was begun in it. */
export const HAS_AWAITED = 8;
/** Lines that come back into it are being closed by their `return()`: they clean up undisturbed. */
export const SPARED = 16;
/** It was made for a line that has come back late, and holds the request that the line has missed. */
export const LATE = 32;
/** A scope of its own only because it has set a context variable, which its caller is to see (`line.ts`). */
export const OFFERED = 128;
/** A flow whose callback has returned to the runtime: what runs in it from then on are its awaits. */
export const RETURNED = 256;
/** The pending request was delivered before, but a failure was thrown instead of it: lines get it again. */
const AGAIN = 64;

/** The fields of all scopes. */
export abstract class BaseScope {
  abstract readonly task: TaskRole | null;
  waits: ScopeWait | null = null;
  children: Scope | null = null;
  resumed = 0;
  began = 0;
  marks = 0;
  /** The fields that only few scopes need. */
  #extra: Extra | null;

  /** @param loop the loop of a flow; `null` for a scope of a task, which has the loop */
  constructor(loop: LoopRole | null) {
    this.#extra = loop === null ? null : new Extra(loop);
  }

  get loop(): LoopRole {
    return this.task === null ? this.#extra!.loop! : this.task._loop;
  }

  get context(): ContextRole | null {
    return this.#extra === null ? null : this.#extra.context;
  }

  set context(context: ContextRole | null) {
    this.#extra ??= new Extra(null);
    this.#extra.context = context;
  }

  get inner(): Scope | null {
    return this.#extra === null ? null : this.#extra.inner;
  }

  set inner(scope: Scope | null) {
    if (scope === null && this.#extra === null) return;
    this.#extra ??= new Extra(null);
    this.#extra.inner = scope;
  }

  get calledBy(): number {
    return this.#extra === null ? 0 : this.#extra.calledBy;
  }

  set calledBy(id: number) {
    this.#extra ??= new Extra(null);
    this.#extra.calledBy = id;
  }

  get origin(): ContextRole | null {
    return this.#extra === null ? null : this.#extra.origin;
  }

  set origin(origin: ContextRole | null) {
    this.#extra ??= new Extra(null);
    this.#extra.origin = origin;
  }

  get signal(): SignalRole | null {
    return this.#extra === null ? null : this.#extra.signal;
  }

  set signal(signal: SignalRole | null) {
    this.#extra ??= new Extra(null);
    this.#extra.signal = signal;
  }

  get asked(): Request | null {
    return this.#extra === null ? null : this.#extra.asked;
  }

  set asked(request: Request | null) {
    this.#extra ??= new Extra(null);
    this.#extra.asked = request;
  }

  get signals(): object | null {
    return this.#extra === null ? null : this.#extra.signals;
  }

  set signals(node: object | null) {
    this.#extra ??= new Extra(null);
    this.#extra.signals = node;
  }
}

/**
 * The scope of a task's body. It has no parent and no construct, and its pending request is kept by the task
 * (MUST_CANCEL). So it answers these by getters instead of fields: each task of an async function has such a scope, and
 * it should be small.
 */
export class RootScope extends BaseScope implements Scope {
  readonly task: TaskRole;

  constructor(task: TaskRole) {
    super(null);
    this.task = task;
  }

  get parent(): null {
    return null;
  }

  get owner(): null {
    return null;
  }

  get before(): null {
    return null;
  }

  get after(): null {
    return null;
  }

  get own(): number {
    return 0;
  }

  get requestsAtEntry(): number {
    return 0;
  }

  get pending(): null {
    return null;
  }
}

/**
 * Work that is cancelled as one unit: the body of a task, a timeout, a group. The async context holds the innermost
 * scope of the running line, so that an `await` belongs to the scope of the line that makes it. A *flow* is a scope
 * without a task: code outside any task.
 *
 *     root of a task ◀─ timeout ◀─ group   `parent` points outwards; `children` has the scopes in which something waits
 *
 * | a scope is… | `marks` | awaits of its lines belong to… | left by |
 * | --- | --- | --- | --- |
 * | entered | – | it | `leaveScope` |
 * | over | OVER | it: lines may have been left behind | – |
 * | lost: left because it was cancelled | OVER, LOST | a new scope for each line that comes back, with the request that it has missed | – |
 * | spared: lost, and its lines are closed by `return()` | SPARED | it, without another cancellation | – |
 * | that of a line that has come back late | LATE | it; the first await gets the request that is pending in it | – |
 */
export class CancelScope extends BaseScope implements Scope {
  readonly parent: Scope | null;
  readonly task: TaskRole | null;
  readonly owner: object | null;
  before: Scope | null = null;
  after: Scope | null = null;
  own = 0;
  requestsAtEntry = 0;
  pending: Request | null = null;

  constructor(parent: Scope | null, task: TaskRole | null, loop: LoopRole, owner: object | null) {
    super(task === null ? loop : null);
    this.parent = parent;
    this.task = task;
    this.owner = owner;
  }
}

/** The fields that only few scopes need, in an object of their own, so that the other scopes are small. */
class Extra {
  /** The loop of a flow outside any task. */
  readonly loop: LoopRole | null;
  context: ContextRole | null = null;
  inner: Scope | null = null;
  signal: SignalRole | null = null;
  asked: Request | null = null;
  calledBy = 0;
  origin: ContextRole | null = null;
  signals: object | null = null;

  constructor(loop: LoopRole | null) {
    this.loop = loop;
  }
}

/** Whether a scope is another one, or inside it. */
export function isWithin(scope: Scope, other: Scope): boolean {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at === other) return true;
  return false;
}

// --------------------------------------------------------------------------------------------- waits

/** Adds an await that begins. */
export function addWait(scope: Scope, wait: ScopeWait): void {
  const first = scope.waits;
  wait._nextWait = first;
  if (first !== null) first._previousWait = wait;
  else if (scope.children === null) link(scope);
  scope.waits = wait;
}

/** Takes an await out that is over: O(1), since thousands may be under way in one task. */
export function removeWait(scope: Scope, wait: ScopeWait): void {
  const { _previousWait: previous, _nextWait: next } = wait;
  if (previous !== null) previous._nextWait = next;
  else scope.waits = next;
  if (next !== null) next._previousWait = previous;
  wait._previousWait = null;
  wait._nextWait = null;
  if (scope.waits === null && scope.children === null) unlink(scope);
}

function link(scope: Scope): void {
  const parent = scope.parent;
  if (parent === null || (scope.marks & LINKED) !== 0) return;
  scope.marks |= LINKED;
  if (parent.children === null && parent.waits === null) link(parent);
  scope.after = parent.children;
  if (parent.children !== null) parent.children.before = scope;
  parent.children = scope;
}

function unlink(scope: Scope): void {
  const parent = scope.parent;
  if (parent === null || (scope.marks & LINKED) === 0) return;
  scope.marks &= ~LINKED;
  if (scope.before !== null) scope.before.after = scope.after;
  else parent.children = scope.after;
  if (scope.after !== null) scope.after.before = scope.before;
  scope.before = null;
  scope.after = null;
  if (parent.children === null && parent.waits === null) unlink(parent);
}

/** Whether no await is under way in a scope and those inside it. */
export function isQuiet(scope: Scope): boolean {
  return scope.waits === null && scope.children === null;
}

/**
 * Whether lines wait in a scope for something of this library. Waits that a program has begun by calling `then` are not
 * of lines. A wait that follows a function does not count either: the function's own awaits do, and if it is at a
 * foreign promise there is nothing of this library to wait for.
 */
export function hasLines(scope: Scope): boolean {
  return findWait(scope, isLine) !== null;
}

/** Whether a line waits in an await for something of this library. */
export function isLine(wait: ScopeWait): boolean {
  return !wait._isObserver && !wait._isOver && wait._following === null;
}

/**
 * The first await of a scope and the scopes inside it for which a function returns true. In each scope the latest await
 * comes first.
 */
export function findWait(scope: Scope, isWanted: (wait: ScopeWait) => boolean): ScopeWait | null {
  // Without recursion, because a program may nest scopes to any depth.
  let at: Scope = scope;
  for (;;) {
    for (let wait = at.waits; wait !== null; wait = wait._nextWait) if (isWanted(wait)) return wait;
    if (at.children !== null) {
      at = at.children;
      continue;
    }
    while (at !== scope && at.after === null) at = at.parent!;
    if (at === scope) return null;
    at = at.after!;
  }
}

/** The awaits of a scope and of those inside it. */
export function waitsOf(scope: Scope): ScopeWait[] {
  const found: ScopeWait[] = [];
  findWait(scope, (wait) => {
    found.push(wait);
    return false;
  });
  return found;
}

/** A line of a scope goes on: the scope, and all scopes around it, have had a step. */
export function noteResumed(scope: Scope): void {
  const now = ++sequence.now;
  for (let at: Scope | null = scope; at !== null; at = at.parent) at.resumed = now;
}

/** An await begins in a scope; returns its number in the order of events. */
export function noteBegan(scope: Scope): number {
  const now = ++sequence.now;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    at.began = now;
    at.marks |= HAS_AWAITED;
  }
  return now;
}

/** Whether the task waits for something of this library now. Leftovers do not count. */
export function waitsNow(task: TaskRole): boolean {
  if (task._waiting !== null) return true;
  const root = task._root;
  return root !== null && findWait(root, (wait) => isLine(wait) && wait._began > root.resumed) !== null;
}

// --------------------------------------------------------------------------------------------- requests

/**
 * Makes a request pending: the scope's next await gets it. That of a root scope is kept by the task, which may have no
 * scope object.
 */
export function setPending(scope: Scope, request: Request): void {
  const { task } = scope;
  scope.marks &= ~AGAIN;
  if (scope.parent === null && task !== null) {
    task._marks |= MUST_CANCEL;
    task.cancelMessage = request.message;
    return;
  }
  keepPending(scope, request);
}

/** A request is pending in a scope: from now on the task looks closer at each of its awaits. */
export function keepPending(scope: Scope, request: Request): void {
  const { task, pending } = scope;
  scope.pending = request;
  if (task === null || pending !== null) return;
  task._pendingScopes++;
  task._marks |= SCOPE_PENDING;
}

/**
 * No request is pending in a scope any more. When none is in the task's other scopes either, it need not look closer.
 */
export function dropPending(scope: Scope): void {
  const { task, pending } = scope;
  if (pending === null) return;
  scope.pending = null;
  if (task !== null && --task._pendingScopes === 0) task._marks &= ~SCOPE_PENDING;
}

/**
 * As `setPending`, for a request that was delivered before: the next await gets it, even of a line that has received it
 * already.
 */
export function setPendingAgain(scope: Scope, request: Request): void {
  setPending(scope, request);
  scope.marks |= AGAIN;
}

/** Whether the pending request of a scope is also for lines that have received it already. */
export function isAgain(scope: Scope): boolean {
  return (scope.marks & AGAIN) !== 0;
}

/**
 * Takes the request that the next await in a scope gets, from the task or from one of the scopes; `null` if there is
 * none.
 *
 * @param received the number of the latest request that the awaiting line has received: earlier ones are pending for
 * other lines
 */
export function takeRequest(scope: Scope, received: number): Request | null {
  const task = scope.task!;
  if ((scope.marks & LATE) !== 0 && scope.pending !== null) {
    const missed = scope.pending;
    dropPending(scope); // requests to the scopes around it are pending for other lines
    return missed;
  }
  const request = (task._marks & SCOPE_PENDING) === 0 ? null : takePending(scope, received);
  if ((task._marks & MUST_CANCEL) === 0 || hasReceived(task, received)) return request;
  task._marks &= ~MUST_CANCEL;
  return requestOfTask(task);
}

/**
 * Whether a line has already received the pending request of its task, so that it is pending only for other lines.
 * @param received the number of the latest request that the line has received
 */
export function hasReceived(task: TaskRole, received: number): boolean {
  const request = task._request;
  return received > 0 && request !== null && request.order <= received && !isAgain(task._rootScope());
}

/**
 * The latest request to the task, with the message of `cancelMessage`, which a program or `deliverAgain` may have
 * changed.
 */
function requestOfTask(task: TaskRole): Request {
  const request = task._request;
  if (request !== null && request.message === task.cancelMessage) return request;
  return new MadeRequest(task, null, task.cancelMessage, null, request, 0);
}

/**
 * Takes all requests that are pending in a scope and those around it, and returns the latest one: the line gets one
 * error. Those that the line has received already (`received`) stay pending.
 */
export function takePending(scope: Scope, received = 0): Request | null {
  let latest: Request | null = null;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const { pending } = at;
    if (pending === null || (pending.order <= received && !isAgain(at))) continue;
    if (latest === null || pending.order > latest.order) latest = pending;
    dropPending(at); // never the root's
  }
  return latest;
}

/** How many requests the constructs of a scope and of those around it have made and not taken back. */
export function ownInChain(scope: Scope | null): number {
  let sum = 0;
  for (let at = scope; at !== null; at = at.parent) sum += at.own;
  return sum;
}

/** The scopes around a line whose constructs have made a request and not taken it back, the innermost first. */
export function askedScopes(scope: Scope): Scope[] {
  const asked: Scope[] = [];
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at.own > 0) asked.push(at);
  return asked;
}

/**
 * The number of the latest request that a line of a scope, which goes on in a step, has received. It is the line of the
 * step itself, or a line that has awaited that line's promise. In the second case it may be in scopes that the line of
 * the step is not in. A request that is pending in such a scope was not received by it, although its number may be
 * lower.
 */
export function receivedInStep(scope: Scope, step: OpenStepRole): number {
  let { received } = step;
  if (received === 0 || (scope.task!._marks & SCOPE_PENDING) === 0) return received;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (step.lineScope !== null && isWithin(step.lineScope, at)) break;
    if (at.pending !== null && at.pending.order <= received && !isAgain(at)) received = at.pending.order - 1;
  }
  return received;
}

/**
 * The number of the latest request that the line which is leaving a construct has received; 0 for none, or if the line
 * has come back from a foreign promise. It is 0 for the task's own frames, too: a request that they have received is
 * not pending any more, so it is not needed.
 */
export function receivedByRunning(scope: Scope): number {
  const task = scope.task!;
  const { _step: step } = task._loop;
  if (step.task === task) return receivedInStep(scope, step);
  return task._root === null ? 0 : (findWait(task._root, isRunning)?._received ?? 0);
}

function isRunning(wait: ScopeWait): boolean {
  return wait._isRunning;
}

/**
 * `leaveBody` of `follow.ts`: stops waiting for the promise of a function. It is a parameter, because `follow.ts`
 * imports this file.
 */
type LeaveBody = (stack: CallStack, error: unknown) => void;

/**
 * In the ready queue behind the leftovers that a request has ended. It runs when they have had their steps: if nothing
 * in the scope has reacted to the request by then, the request stays pending.
 */
class ReactionCheck {
  readonly #scope: Scope;
  readonly #request: Request;

  constructor(scope: Scope, request: Request) {
    this.#scope = scope;
    this.#request = request;
  }

  _run(): void {
    const scope = this.#scope;
    // A new `await` of this library has begun, or the signal's reason was read.
    const hasReacted = scope.began > this.#request.order;
    if ((scope.marks & OVER) === 0 && !hasReacted) setPending(scope, this.#request);
  }
}

/** The request that is being passed on to what is waited for. What is cancelled meanwhile names it as its cause. */
export const carried: { request: Request | null } = { request: null };

/** Cancels what is waited for, because of a request. Returns what its `cancel()` returns. */
export function carryTo(future: FutureLike, request: Request, message: unknown): boolean {
  const outer = carried.request;
  carried.request = request;
  try {
    return future.cancel(message);
  } finally {
    carried.request = outer;
  }
}

/**
 * The roads of a request to the lines of a scope.
 *
 * | a line that… | gets a request by | delivered? |
 * | --- | --- | --- |
 * | waits since the cancelled scope's latest step | `cancel()` of what it waits on | yes |
 * | was woken, gives way (`sleep(0)`), or has an error on its way | `_must` of that wait, thrown where it goes on; the latest message wins | yes |
 * | has its frames on the stack (cancels itself) | pending; `cancel()` of the future for which it next really suspends | then |
 * | follows an async function | nothing: the function's own waits get it | – |
 * | follows a plain body's promise that has begun no wait | is left, its error comes in the next iteration | yes |
 * | waits since before that step (leftover) | taken off the future, error in the next iteration | if something reacts by the end of its step, else pending |
 * | is at a foreign promise | pending of the *cancelled scope* | at the scope's next wait, or when the signal is read |
 * | comes back into a scope that is lost | an error at its first await (`line.ts`) | once |
 * | is outside | never | – |
 * | belongs to a group that failed while it was cancelled from outside | pending once more, for each scope that was cancelled, not for the group's parent (`deliverAgain`) | before; and at the next wait |
 *
 * @param leave stops waiting for the promise of a plain function
 * @param cancelsItself whether a line of the scope makes the request: it stays pending for that line, which the caller
 * sees to after it has aborted the signals
 * @param untilOrder delivers only to lines that have received no request with this number or a higher one; to all when
 * absent. Nothing is made pending then
 * @returns whether it was delivered; otherwise it is pending
 */
export function cancelScope(
  scope: Scope,
  request: Request,
  leave: LeaveBody,
  cancelsItself: boolean,
  untilOrder = Number.POSITIVE_INFINITY,
): boolean {
  const task = scope.task!;
  const isSecond = untilOrder !== Number.POSITIVE_INFINITY;
  const stack = isSecond ? NOT_CONCERNED : cancelStack(scope, task, request, leave);
  let hit = stack === HIT || stack === MISSED;
  let leftovers = 0;
  for (const wait of isQuiet(scope) ? [] : waitsOf(scope)) {
    if (wait._received >= untilOrder) continue;
    const road = cancelWait(wait, scope, request, leave);
    if (road === HIT) hit = true;
    else if (road === LEFT_OVER) leftovers++;
  }
  if (isSecond || cancelsItself) return hit;
  if (stack === MISSED) keepFor(task, request, scope);
  else if (!hit && leftovers > 0) task._loop._push(new ReactionCheck(scope, request));
  else if (!hit) setPending(scope, request);
  return hit;
}

/** The road of a request to one await. */
function cancelWait(wait: ScopeWait, scope: Scope, request: Request, leave: LeaveBody): number {
  if (wait._isOver || wait._isRunning) return NOT_CONCERNED;
  if (wait._following !== null) {
    if (!isLeavable(wait)) return NOT_CONCERNED;
    leave(wait, cancelledError(request.message, request));
    return HIT;
  }
  if (isWoken(wait)) {
    keepFor(wait, request, scope);
    return HIT;
  }
  if (wait._began < scope.resumed) {
    wait._leave(cancelledError(request.message, request));
    return LEFT_OVER;
  }
  // The line counts as having received the request, even if what it waits for takes a while to end.
  wait._received = request.order;
  if (!carryTo(wait._waiting!, request, request.message)) keepFor(wait, request, scope);
  return HIT;
}

/**
 * A call stack gets a request when it goes on. `_mustOf` is the scope for which it becomes pending if the stack cannot
 * throw it.
 */
function keepFor(stack: CallStack, request: Request, scope: Scope): void {
  stack._must = request;
  stack._mustOf = scope;
}

const HIT = 0;
/** The task's own frames are ready to go on. */
const MISSED = 1;
/** It is not in the scope, cannot be reached (it runs, or is over), or the request reaches it by other waits. */
const NOT_CONCERNED = 2;
/** It has waited since before the scope's latest step. */
const LEFT_OVER = 3;

/** The road of a request to the task's own frames, where those are in the scope. */
function cancelStack(scope: Scope, task: TaskRole, request: Request, leave: LeaveBody): number {
  const at = task._at ?? task._root;
  if (at !== null && !isWithin(at, scope)) return NOT_CONCERNED;
  if (task._waiting !== null && carryTo(task._waiting, request, request.message)) return HIT;
  if (task._following === null) return current.task === task ? NOT_CONCERNED : MISSED;
  if (!isLeavable(task)) return NOT_CONCERNED;
  leave(task, cancelledError(request.message, request));
  return HIT;
}

/** Whether a call stack waits for the promise of a plain function that has begun no wait of this library. */
function isLeavable(stack: CallStack): boolean {
  const body = stack._following?.leavable ?? null;
  return body !== null && (body.marks & HAS_AWAITED) === 0;
}

/** Whether a wait is in the ready queue, about to go on. */
function isWoken(wait: ScopeWait): boolean {
  const { _waiting: waiting } = wait;
  return wait._must !== null || waiting === null || isDone(waiting);
}

/** Whether what a call stack waits for has ended. */
export function isDone(waiting: FutureLike): boolean {
  return (waiting as Partial<FutureRole>).done?.() === true;
}
