import { CancelledError, cancelledError, leavesTheLoop } from '../errors/errors.ts';
import { type Context, currentContext } from './context.ts';
import type { Coroutine } from './coroutine.ts';
import { asyncScope, canTellCallbacks, current, implicitLoop, prepareAsyncTasks, runningScope } from './current.ts';
import type { Future, Waiter } from './future.ts';
import { goOnFrom, pop, step, takeError } from './generator-step.ts';
import { type AsyncStorage, canTellTasks, newAsyncScope } from './host.ts';
import { emit, hooks } from './instruments.ts';
import { clock, type Request, Scope } from './scope.ts';
import { type Frame, type FutureLike, NONE, type Strand } from './strand.ts';
import { waitOn } from './suspend.ts';
import type { Task } from './task.ts';

/**
 * Async functions: the only code that calls, follows and resumes them.
 *
 * The engine runs an async function by itself; what the kernel sees of it is the `then` of each awaitable it waits for,
 * called in a microtask of its own, and the promise that it returned.
 */

type Resolve = (value: never) => void;
type Reject = (error: unknown) => void;

const RESOLVED = /* @__PURE__ */ Promise.resolve();

interface LookUp {
  object: unknown;
  scope: Scope | null;
}
const lookedUp: {
  now: LookUp[];
  queue: LookUp[];
  head: number;
  isMarked: boolean;
  task: Task<unknown> | null;
  given: Scope | null | undefined;
} = {
  now: [],
  queue: [],
  head: 0,
  isMarked: false,
  task: null,
  given: undefined,
};

const endOfSegment = (): void => {
  lookedUp.isMarked = false;
  lookedUp.task = null;
  lookedUp.queue = lookedUp.now; // what is left of the last one was looked up idly
  lookedUp.head = 0;
  lookedUp.now = [];
};

export function noteLookUp(object: unknown): void {
  if (!lookedUp.isMarked) {
    lookedUp.isMarked = true;
    lookedUp.task = null;
    RESOLVED.then(endOfSegment);
  }
  let scope = current.loop !== null ? runningScope() : asyncScope();
  if (scope !== null) {
    lookedUp.task = scope.task;
    if (
      current.loop === null &&
      scope.isLost &&
      !scope.task?._isEnding &&
      current.storage !== null &&
      canTellCallbacks()
    ) {
      meetLostScope(scope);
      scope = current.storage.getStore() as Scope;
    }
  }
  lookedUp.now.push({ object, scope });
}

/** Whether the running segment of a task is about to wait. */
export function isAboutToWait(task: Task<unknown>): boolean {
  return lookedUp.isMarked && lookedUp.task === task && lookedUp.now.length > 0;
}

/** A line comes back into a scope that was cancelled or has failed: it gets that, once. */
function meetLostScope(lost: Scope): void {
  let live: Scope | null = lost;
  while (live?.isLost) live = live.parent;
  const scope = new Scope(live, live?.task ?? null, lost.loop);
  scope.context = lost.ownContext() ?? lost.task?._context ?? null;
  scope.setPending({ message: undefined, at: ++clock.now });
  current.storage!.enterWith(scope);
}

/** Whether `then` was called by the engine for an `await` (or a promise resolved with the awaitable), and not by a program. */
export function isAwaitOfTheEngine(object: unknown): boolean {
  lookedUp.given = undefined;
  if (lookedUp.isMarked) {
    for (let at = lookedUp.now.length - 1; at >= 0; at--) {
      if (lookedUp.now[at]!.object !== object) continue;
      lookedUp.now.splice(at, 1);
      return false;
    }
  }
  if (current.loop !== null) return false;
  for (let at = lookedUp.head; at < lookedUp.queue.length; at++) {
    if (lookedUp.queue[at]!.object !== object) continue;
    lookedUp.given = lookedUp.queue[at]!.scope;
    lookedUp.head = at + 1;
    if (lookedUp.head === lookedUp.queue.length) {
      lookedUp.queue = []; // keeps nobody alive
      lookedUp.head = 0;
    }
    return true;
  }
  return false; // a `then` that was held
}

/** Whether all awaits of the segment that has just ended have been registered. */
export function areAllRegistered(): boolean {
  return lookedUp.head >= lookedUp.queue.length && !lookedUp.isMarked;
}

/** The scope that an await belongs to; `null` where no task runs it. */
function ownerOfAwait(): Scope | null {
  const scope = lookedUp.given === undefined ? asyncScope() : lookedUp.given;
  if (scope === null || scope.task === null || scope.task.done()) return null;
  lookedUp.given = undefined;
  return scope;
}

/** A flow outside any task was told to end. */
function isStopped(reject: unknown): boolean {
  const scope = lookedUp.given === undefined ? asyncScope() : lookedUp.given;
  if (scope === null || scope.task !== null || scope.pending === null) return false;
  const request = scope.pending;
  scope.pending = null;
  (reject as Reject)(cancelledError(request.message));
  return true;
}

/** An async function awaits a future: the running task waits on it, or nobody's promise does. */
export function awaitFuture(future: Future<unknown>, resolve: unknown, reject: unknown): never {
  const scope = future.done() ? null : ownerOfAwait();
  if (scope === null) {
    if (!isStopped(reject)) observe(future, resolve as Resolve, reject as Reject);
  } else {
    const task = scope.task!;
    const wait = new AsyncWait(scope, resolve as Resolve, reject as Reject, null);
    future._asyncioFutureBlocking = true;
    waitOn(wait, future as FutureLike);
    task._loop._stepSuspends(task);
  }
  return undefined as never; // the engine does not look at what `then` returns
}

/** An async function awaits a coroutine: it runs inside the running task, or as a task of its own where there is none. */
export function awaitCoroutine<T>(coroutine: Coroutine<T>, resolve: unknown, reject: unknown): never {
  const scope = ownerOfAwait();
  if (scope === null) {
    if (!isStopped(reject)) observe(implicitLoop().createTask(coroutine), resolve as Resolve, reject as Reject);
  } else {
    beginInScope(scope, coroutine[Symbol.iterator](), resolve as Resolve, reject as Reject);
  }
  return undefined as never;
}

/** A program calls `then` of a coroutine: it runs inside the running task, which does not wait for it; or as a task of its own. */
export function observeCoroutine<T>(coroutine: Coroutine<T>, resolve: unknown, reject: unknown): void {
  const scope = runningScope();
  if (scope === null) observe(implicitLoop().createTask(coroutine), resolve as Resolve, reject as Reject);
  else beginInScope(scope, coroutine[Symbol.iterator](), resolve as Resolve, reject as Reject, true);
}

/** Most coroutines of this library end without having to wait: a wait is made only for those that do not. */
function beginInScope(scope: Scope, frame: Frame, resolve: Resolve, reject: Reject, isObserver = false): void {
  const { loop, task: outerTask, scope: outerScope, context, inJob } = current;
  current.inJob = loop === null;
  const task = scope.task!;
  current.loop = task._loop;
  current.task = task;
  current.scope = scope;
  current.context = scope.ownContext() ?? task._ownContext;
  try {
    const result = frame.next();
    if (result.done) {
      if (current.scope !== scope) noteMoved(scope, current.scope!);
      resolve(result.value as never);
      return;
    }
    const wait = new AsyncWait(scope, resolve, reject, frame);
    wait._settleScope(current.scope);
    wait._isObserver = isObserver;
    wait._isRunning = true;
    goOnFrom(wait, frame, result.value);
    wait._isRunning = false;
    wait._settleScope(current.scope);
    // No frame: the coroutine is an async function's, and the step is still its.
    if (wait._pending && wait._frame !== null && !isObserver) task._loop._stepSuspends(task);
  } catch (error) {
    if (current.scope !== scope) noteMoved(scope, current.scope!);
    reject(error);
  } finally {
    current.loop = loop;
    current.task = outerTask;
    current.scope = outerScope;
    current.inJob = inJob;
    current.context = context;
  }
}

/** `await limit.enter()`, `await limit.exit()`: what the line awaits from now on belongs to another scope. */
function noteMoved(line: Scope, to: Scope): void {
  let base = line;
  if (to === base.parent && to.inner !== base) return; // it has left the scope that it was called in
  while (base.parent !== null && base.parent.inner === base) base = base.parent;
  if (to.isWithin(base)) base.inner = to === base ? null : to;
  for (let scope = to; scope !== base && scope.parent !== null; scope = scope.parent) scope.parent.inner = scope;
  to.inner = null;
}

/** An async function gives the others a turn: the running task goes on in the next iteration. False where there is no task. */
export function awaitNextTurn(resolve: unknown, reject: unknown): boolean {
  const scope = ownerOfAwait();
  if (scope === null) return isStopped(reject);
  const task = scope.task!;
  task._loop._schedule(new AsyncWait(scope, resolve as Resolve, reject as Reject, null));
  task._loop._stepSuspends(task);
  return true;
}

/** Settles a promise with a future's outcome. Unlike a task that waits, a promise that does never cancels it. */
export function observe(future: Future<unknown>, resolve: (value: never) => void, reject: Reject): void {
  if (future.done()) settle(future, resolve, reject);
  else future._addWaiter(new PromiseWaiter(future, resolve, reject));
}

function settle(future: FutureLike, resolve: (value: never) => void, reject: Reject): void {
  let value: unknown;
  try {
    value = (future as Future<unknown>).result();
  } catch (error) {
    reject(error);
    return;
  }
  resolve(value as never);
}

/** Wakes a promise. */
class PromiseWaiter implements Waiter {
  readonly #future: Future<unknown>;
  readonly #resolve: Resolve;
  readonly #reject: Reject;
  readonly _context: Context = currentContext();
  readonly _awaiter = null;

  constructor(future: Future<unknown>, resolve: Resolve, reject: Reject) {
    this.#future = future;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  _run(): void {
    settle(this.#future, this.#resolve, this.#reject);
    if (!canTellTasks()) this.#future._loop._pauseForOutside();
  }
}

/** One `await` of an async function: on a future, or on a coroutine, whose frames it then runs. */
export class AsyncWait implements Strand {
  readonly _task: Task<unknown>;
  /** The scope that its frames are in. */
  _at: Scope;
  /** The scope of the line that awaits. */
  _line: Scope;
  _frame: Frame | null;
  _parents: Frame[] | null = null;
  _waiting: FutureLike | null = null;
  _error: unknown = NONE;
  /** A request to deliver where it goes on. */
  _must: Request | null = null;
  /** Whether the `await` is not over. */
  _pending = true;
  /** An async function runs on top of its frames. */
  _following = false;
  _leavable: Scope | null = null;
  _followed: object | null = null;
  /** Its frames are on the stack. */
  _isRunning = false;
  /** A program has called `then`: nobody's step waits for it. */
  _isObserver = false;
  /** When it began to wait. */
  _began: number;
  _previousWait: AsyncWait | null = null;
  _nextWait: AsyncWait | null = null;
  readonly #resolve: Resolve;
  readonly #reject: Reject;

  constructor(scope: Scope, resolve: Resolve, reject: Reject, frame: Frame | null) {
    const task = scope.task!;
    this._task = task;
    this._at = scope;
    this._line = scope;
    this._frame = frame;
    this.#resolve = resolve;
    this.#reject = reject;
    if (task._loop._open !== task) scope.noteResumed(); // it has come back from a foreign promise
    const now = ++clock.now;
    for (let at: Scope | null = scope; at !== null; at = at.parent) {
      at.began = now;
      at.bodyBegan = now;
    }
    this._began = now;
    scope.add(this);
  }

  get _context(): Context {
    return this._at.ownContext() ?? this._task._context;
  }

  get _awaiter(): Task<unknown> {
    return this._task;
  }

  _run(): void {
    if (!this._pending) return;
    const task = this._task;
    const waiting = this._waiting;
    const error = takeError(this);
    this._at.noteResumed();
    beginStep(task);
    if (this._frame !== null) {
      this._isRunning = true;
      runFrames(this, error, undefined);
      this._isRunning = false;
      if (task._loop._open !== task) endStep(task);
    } else if (error !== NONE) {
      this._failed(error);
    } else if (waiting === null) {
      this._completed(undefined);
    } else {
      this.#over();
      settle(waiting, this.#resolve, this.#reject);
    }
  }

  _completed(value: unknown): void {
    this.#over();
    this.#resolve(value as never);
  }

  _failed(error: unknown): void {
    this.#over();
    this.#reject(error);
  }

  _follow(promise: PromiseLike<unknown>): void {
    this._following = true;
    follow(this, promise);
  }

  /** The frames are in this scope now. */
  _settleScope(scope: Scope | null): void {
    if (scope === null || scope === this._at) return;
    if (this._pending) {
      this._at.remove(this);
      this._at = scope;
      scope.add(this);
    } else {
      this._at = scope;
    }
  }

  /** The frames wait again. */
  _waitsAgain(): void {
    if (this._pending && this._frame !== null) this._began = this._at.noteBegan();
  }

  /** The wait ends, what was waited for lives on. */
  _leave(request: Request): void {
    const waiting = this._waiting as Partial<Future<unknown>> | null;
    if (waiting !== null) {
      if (waiting._isPlain?.() === true) (waiting as Future<unknown>)._removeWaiter(this);
      else waiting.cancel?.(request.message);
    }
    this._waiting = null;
    this._error = cancelledError(request.message);
    this._task._loop._schedule(this);
  }

  /** The async function goes on in a microtask, and until it waits again its task's step is open. */
  #over(): void {
    const task = this._task;
    this._pending = false;
    this._at.remove(this);
    if (!task.done() && !this._isObserver) task._loop._openStep(task);
  }
}

/** Runs when those that were hit have had their steps. */
class ReactionCheck {
  readonly #scope: Scope;
  readonly #request: Request;

  constructor(scope: Scope, request: Request) {
    this.#scope = scope;
    this.#request = request;
  }

  _run(): void {
    const scope = this.#scope;
    if (scope.isOver || scope.task!.done() || scope.began > this.#request.at || this.#request === answered.request)
      return;
    scope.setPending(this.#request);
  }
}

/** The request whose signal somebody has looked at. */
export const answered: { request: Request | null } = { request: null };

/**
 * The roads of a request to the lines of a scope.
 *
 * | a line that…                                   | gets it                                        | counts as delivered |
 * |------------------------------------------------|------------------------------------------------|---------------------|
 * | waits, since the scope's latest step           | by `cancel()` of what it waits on               | yes                 |
 * | was woken or gives way, and has not run yet     | where it goes on                                | yes                 |
 * | waits since before that step (a leftover)       | where it goes on; what it waits on lives on      | if somebody reacts  |
 * | runs, or is at a foreign promise                | at the scope's next wait (`pending`)             | then, or when it looks at the signal |
 *
 * @returns whether it was delivered; otherwise the caller keeps it pending
 */
export function cancelScope(scope: Scope, message: unknown, alsoStrand: boolean): boolean {
  const task = scope.task!;
  const request: Request = { message, at: ++clock.now };
  const waits: AsyncWait[] = [];
  scope.collect(waits);
  let hit = false;
  let leftovers = 0;
  if (alsoStrand && ((task._waiting?.cancel(message) ?? false) || leaveBody(task, message))) hit = true;
  for (const wait of waits) {
    if (!wait._pending || wait._isRunning) continue;
    if (wait._following) {
      if (leaveBody(wait, message)) hit = true;
      continue;
    }
    if (wait._must !== null || wait._error !== NONE) {
      if (!(wait._error instanceof CancelledError)) wait._must = request;
      hit = true;
    } else if (wait._waiting === null || (wait._waiting as Partial<Future<unknown>>).done?.() === true) {
      wait._must = request;
      hit = true;
    } else if (wait._began < scope.resumed) {
      wait._leave(request);
      leftovers++;
    } else if (wait._waiting.cancel(message)) {
      hit = true;
    } else {
      wait._must = request;
      hit = true;
    }
  }
  if (!hit) {
    if (leftovers > 0) task._loop._push(new ReactionCheck(scope, request));
    else scope.setPending(request);
  }
  if (task._signalled.length > 0)
    for (const signalled of [...task._signalled])
      if (signalled.isWithin(scope)) signalled.signal?.abort(cancelledError(message));
  return hit;
}

/** A strand leaves the body that it follows, which waits for nothing of this library. */
function leaveBody(strand: Strand, message: unknown): boolean {
  const body = strand._leavable;
  if (!strand._following || body === null || body.bodyBegan > 0) return false;
  strand._following = false;
  strand._followed = null;
  strand._leavable = null;
  strand._task._asyncCalls--;
  pop(strand);
  strand._error = cancelledError(message);
  strand._task._loop._schedule(strand);
  return true;
}

function beginStep(task: Task<unknown>): void {
  if (hooks.beforeStep !== null && !task.done()) emit('beforeStep', task);
}

function endStep(task: Task<unknown>): void {
  if (hooks.afterStep !== null) emit('afterStep', task);
}

/** Runs a strand's frames as code of its task, from wherever it is called. */
export function runFrames(strand: Strand, error: unknown, value: unknown): void {
  const task = strand._task;
  const { loop, task: outerTask, scope, context, inJob } = current;
  current.inJob = false;
  current.loop = task._loop;
  current.task = task;
  current.scope = strand._at;
  current.context = strand._at?.ownContext() ?? task._ownContext;
  try {
    step(strand, error, value);
  } finally {
    strand._settleScope(current.scope);
    strand._waitsAgain();
    current.loop = loop;
    current.task = outerTask;
    current.scope = scope;
    current.inJob = inJob;
    current.context = context;
  }
}

/**
 * Calls a function that may be async as code of a task: whatever it does after an `await` is then known to be the task's, and
 * sees the user's `AsyncLocalStorage` values of where the task was made.
 */
export function callInTask<A extends unknown[], R>(task: Task<unknown>, fn: (...args: A) => R, args: A): R {
  const storage = prepareAsyncTasks();
  if (storage === null) return countCall(task, fn, args);
  const scope = current.task === task && current.scope !== null ? current.scope : task._root();
  const outer = storage.getStore() as Scope | undefined;
  if (outer === scope) return fn(...args);
  // Within the task the user's own values are those of the line.
  if (outer !== undefined && outer.task === task) {
    storage.enterWith(scope);
    if (current.inJob) return fn(...args); // the engine's job ends with it

    try {
      return fn(...args);
    } finally {
      storage.enterWith(outer);
    }
  }
  task._scope ??= newAsyncScope();
  return task._scope!.runInAsyncScope(enterStorage<A, R>, undefined, storage, scope, fn, args);
}

/** Where only the open step tells whose code runs, it must be known that an async function may be on the stack. */
function countCall<A extends unknown[], R>(task: Task<unknown>, fn: (...args: A) => R, args: A): R {
  task._asyncCalls++;
  try {
    return fn(...args);
  } finally {
    task._asyncCalls--;
  }
}

/** `enterWith` costs half of `run`; the scope around it takes care that nobody else sees it. */
function enterStorage<A extends unknown[], R>(storage: AsyncStorage, scope: Scope, fn: (...args: A) => R, args: A): R {
  storage.enterWith(scope);
  return fn(...args);
}

/**
 * An async function runs on top of a strand's frames. When it settles, the frame below goes on within the same step; after a
 * foreign promise the step is over, and the strand waits for its turn like any other.
 */
export function follow(strand: Strand, promise: PromiseLike<unknown>): void {
  const task = strand._task;
  task._asyncCalls++;
  task._loop._openStep(task);
  strand._followed = promise;
  promise.then(
    (value) => {
      if (strand._followed === promise) settled(strand, NONE, value);
    },
    (error) => {
      if (strand._followed === promise) settled(strand, error, undefined);
    },
  );
}

function settled(strand: Strand, error: unknown, value: unknown): void {
  const task = strand._task;
  const loop = task._loop;
  strand._following = false;
  strand._followed = null;
  strand._leavable = null;
  task._asyncCalls--;
  if (strand._parents === null || strand._parents.length === 0) {
    finish(strand, error, value);
  } else if (loop._open === task) {
    goOn(strand, error, value);
  } else {
    loop._push({ _run: () => goOn(strand, error, value) });
  }
}

/** The function that settled was the whole of the task. */
function finish(strand: Strand, error: unknown, value: unknown): void {
  const task = strand._task;
  try {
    if (error === NONE) strand._completed(value);
    else strand._failed(error);
  } catch (failure) {
    interruptOrThrow(task, failure);
  }
  task._loop._stepEnds(task);
}

/** The frame below the function that settled goes on. */
function goOn(strand: Strand, error: unknown, value: unknown): void {
  const task = strand._task;
  pop(strand);
  try {
    if (strand instanceof AsyncWait) strand._isRunning = true;
    runFrames(strand, error, value);
    if (strand instanceof AsyncWait) strand._isRunning = false;
  } catch (failure) {
    interruptOrThrow(task, failure);
  }
  if (task.done()) task._loop._stepEnds(task);
  // No frame: another async function was called on top of it, or the `await` is over and the step goes on.
  else if (strand._frame !== null) task._loop._stepSuspends(task);
}

function interruptOrThrow(task: Task<unknown>, failure: unknown): void {
  if (!leavesTheLoop(failure)) throw failure;
  task._loop._interrupt(failure);
}
