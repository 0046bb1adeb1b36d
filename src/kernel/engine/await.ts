import { cancelledError, isCancelledError, leavesTheLoop } from '../../errors/errors.ts';
import { type AsyncStorage, canTellCallbacks, canTellTasks } from '../runtime/platform.ts';
import { currentContext } from './context.ts';
import { current, enterAsyncContext, NOT_ENTERED, prepareAsyncTasks, runAs } from './current.ts';
import { noteDelivered, noteTaken } from './delivered.ts';
import { emit, hooks, watched } from './hooks.ts';
import { gotOf, noteMoved, noteTold, ownContextOf, runningScope } from './line.ts';
import { placeOfCall, takeOwner } from './lookups.ts';
import { MadeRequest, sequence } from './request.ts';
import {
  type CallStack,
  type ContextRole,
  type Following,
  type Frame,
  type FutureLike,
  type FutureRole,
  type LoopRole,
  MUST_CANCEL,
  NONE,
  type Request,
  SCOPE_PENDING,
  type Scope,
  type ScopeWait,
  STATE,
  type TaskRole,
  type Waiter,
  type Written,
} from './roles.ts';
import { addWait, hasLines, noteBegan, noteResumed, removeWait, setPending, waitsNow } from './scope.ts';
import { giveWay, goOnFrom, pop, step, takeError, waitOn } from './step.ts';

/**
 * Async functions: the only code that calls, follows and resumes them.
 *
 * The engine runs an async function by itself; what the kernel sees of it is the `then` of each awaitable that it waits for (whose
 * await that is, `lookups.ts` tells), and the promise that it returned.
 */

type Resolve = (value: never) => void;
type Reject = (error: unknown) => void;

// --------------------------------------------------------------------------------------------- awaits

/** An async function awaits a future: its line waits on it, or nobody's promise does. */
export function awaitFuture(future: FutureRole, resolve: unknown, reject: unknown): never {
  const scope = takeOwner();
  const task = scope === null ? null : taskOfLine(scope);
  if (scope === null || task === null || future.done() || awaitsItself(future, task)) {
    if (!rejectLateLine(scope, reject)) observe(future, resolve as Resolve, reject as Reject);
    return undefined as never; // the engine does not look at what `then` returns
  }
  waitFor(future, scope, task, resolve as Resolve, reject as Reject);
  return undefined as never;
}

function waitFor(future: FutureRole, scope: Scope, task: TaskRole, resolve: Resolve, reject: Reject): void {
  const wait = new PendingAwait(scope, task, resolve, reject, null);
  future._asyncioFutureBlocking = true;
  waitOn(wait, future);
  task._loop._step.suspends(task);
}

/** The task that a line is run by, which may have left it behind; `null` outside any task, and when the loop is gone. */
function taskOfLine(scope: Scope): TaskRole | null {
  return scope.task === null || scope.loop.isClosed() ? null : scope.task;
}

/**
 * Where callbacks cannot be told from lines, a callback that awaits the task whose async context it inherited looks like a line of it.
 * It waits from outside then, unless that wait would be all that the task does.
 */
function awaitsItself(future: FutureRole, task: TaskRole): boolean {
  return future === task && !canTellCallbacks() && waitsNow(task);
}

/** An async function awaits a coroutine: it runs inside the running task, or as a task of its own where there is none. */
export function awaitCoroutine(
  coroutine: Frame & Iterable<unknown> & Partial<Written>,
  resolve: unknown,
  reject: unknown,
  loop: () => LoopRole,
): never {
  const scope = takeOwner();
  const task = scope === null ? null : taskOfLine(scope);
  if (scope !== null && task !== null && !task.done()) {
    if (coroutine._isQuiet === true) {
      awaitQuietly(scope, task, coroutine as Written, resolve as Resolve, reject as Reject);
      return undefined as never;
    }
    if (coroutine._hasAsyncBody === true && !watched.steps && onAwait.noted === null) {
      const wait = new BodyAwait(coroutine as Written, scope, task, resolve as Resolve, reject as Reject);
      runAs(task._loop, task, scope, contextOfLine(scope, task), current.loop === null, beginBody, wait, null, null);
      return undefined as never;
    }
    beginCoroutine(scope, task, coroutine, resolve as Resolve, reject as Reject, false);
  } else if (scope !== null && task !== null) {
    // A line that its task has left behind: it waits for a task of the coroutine's own.
    waitFor(scope.loop.createTask(coroutine as never), scope, task, resolve as Resolve, reject as Reject);
  } else if (!rejectLateLine(scope, reject)) {
    observe(loop().createTask(coroutine as never), resolve as Resolve, reject as Reject);
  }
  return undefined as never;
}

/** A program calls `then` of a coroutine: it runs inside the running task, which does not wait for it; or as a task of its own. */
export function observeCoroutine(
  coroutine: Frame & Iterable<unknown>,
  resolve: Resolve,
  reject: Reject,
  loop: () => LoopRole,
): void {
  const scope = runningScope();
  if (scope === null || scope.task === null) observe(loop().createTask(coroutine as never), resolve, reject);
  else beginCoroutine(scope, scope.task, coroutine, resolve, reject, true);
}

/** An async function gives way: its line goes on in the next iteration. False where there is no task. */
export function awaitCheckpoint(resolve: unknown, reject: unknown): boolean {
  const scope = takeOwner();
  const task = scope === null ? null : taskOfLine(scope);
  if (scope === null || task === null) return rejectLateLine(scope, reject);
  giveWay(new PendingAwait(scope, task, resolve as Resolve, reject as Reject, null));
  task._loop._step.suspends(task);
  return true;
}

/** A line that nobody's task runs any more gets the cancellation that it missed. */
function rejectLateLine(scope: Scope | null, reject: unknown): boolean {
  const request = scope === null ? null : takeMissed(scope);
  if (request === null) return false;
  if (scope!.task === null) noteTold(scope!.owner as Scope);
  const error = cancelledError(request.message, request);
  noteDelivered(error);
  (reject as Reject)(error);
  return true;
}

/** What a line has missed whose task's scopes are lost, or whose loop was closed while its task waited for a foreign promise. */
function takeMissed(scope: Scope): Request | null {
  const { task, pending } = scope;
  if (task !== null) {
    if (task.done() || !task._loop.isClosed()) return null;
    return task._request ?? new MadeRequest(task, null, undefined, LOOP_CLOSED, null, 0);
  }
  scope.pending = null;
  return pending;
}

const LOOP_CLOSED = 'the end of its event loop';

/** Begins a coroutine of the library as code of a line. Most end without having to wait: a wait is made only for those that do not. */
function beginCoroutine(
  scope: Scope,
  task: TaskRole,
  coroutine: Iterable<unknown>,
  resolve: Resolve,
  reject: Reject,
  isObserver: boolean,
): void {
  let frame: Frame;
  try {
    frame = coroutine[Symbol.iterator]() as Frame;
  } catch (error) {
    reject(error);
    return;
  }
  const context = contextOfLine(scope, task);
  const begin = isObserver ? beginObserved : beginAwaited;
  // A program that calls `then` goes on afterwards: its own scope is to be restored.
  runAs(task._loop, task, scope, context, current.loop === null && !isObserver, begin, frame, resolve, reject);
}

/**
 * An async function awaits a coroutine in which no code of a program runs: a lock's, say. Most need not wait. The others begin to, without
 * being run as a frame.
 */
function awaitQuietly(scope: Scope, task: TaskRole, coroutine: Written, resolve: Resolve, reject: Reject): void {
  let result: unknown;
  let future: FutureRole | null = null;
  try {
    result = coroutine._endAtOnce(task);
    if (result === NONE) future = coroutine._beginWait(task);
  } catch (error) {
    reject(error);
    return;
  }
  if (result !== NONE) {
    resolve(result as never);
  } else if (future === null) {
    beginCoroutine(scope, task, coroutine as Written & Iterable<unknown>, resolve, reject, false);
  } else {
    future._asyncioFutureBlocking = true;
    waitOn(new PendingAwait(scope, task, resolve, reject, coroutine), future);
    task._loop._step.suspends(task);
  }
}

function beginAwaited(frame: Frame, resolve: Resolve, reject: Reject): void {
  beginFrame(frame, resolve, reject, 0);
}

function beginObserved(frame: Frame, resolve: Resolve, reject: Reject): void {
  beginFrame(frame, resolve, reject, OBSERVER);
}

function contextOfLine(scope: Scope, task: TaskRole): ContextRole | null {
  return ownContextOf(scope) ?? task._ownContext;
}

/** Runs the first step of a coroutine in the scope that is current. */
function beginFrame(frame: Frame, resolve: Resolve, reject: Reject, marks: number): void {
  const scope = current.scope!;
  let result: IteratorResult<unknown, unknown>;
  try {
    result = frame.next();
  } catch (error) {
    if (current.scope !== scope) noteMoved(scope, current.scope!);
    reject(error);
    return;
  }
  if (result.done) {
    if (current.scope !== scope) noteMoved(scope, current.scope!);
    resolve(result.value as never);
    return;
  }
  const task = scope.task!;
  const wait = new PendingAwait(scope, task, resolve, reject, frame, current.scope!);
  wait._marks = marks | RUNNING;
  goOnFrom(wait, frame, result.value);
  wait._marks &= ~RUNNING;
  wait._moveTo(current.scope);
  // No frame: the coroutine is an async function's, and the step is still its.
  if (!wait._isOver && wait._frame !== null && marks === 0) task._loop._step.suspends(task);
}

/** Settles a promise with a future's outcome. Unlike a line that waits, a promise that does never cancels it. */
export function observe(future: FutureRole, resolve: Resolve, reject: Reject): void {
  if (future.done()) settle(future, resolve, reject, noteTaken);
  else future._addWaiter(new PromiseWaiter(future, resolve, reject));
}

/** @param note told of what it rejects with */
function settle(future: FutureLike, resolve: Resolve, reject: Reject, note: (error: unknown) => void): void {
  const role = future as FutureRole;
  if (role._hasPlainResult?.() === true) {
    const failure = role._failure();
    if (failure === NONE) {
      resolve(role._value as never);
    } else {
      note(failure);
      reject(failure);
    }
    return;
  }
  let value: unknown;
  try {
    value = role.result();
  } catch (error) {
    note(error);
    reject(error);
    return;
  }
  resolve(value as never);
}

/** Wakes a promise. */
class PromiseWaiter implements Waiter {
  readonly #future: FutureRole;
  readonly #resolve: Resolve;
  readonly #reject: Reject;
  readonly _context: ContextRole = currentContext();
  readonly _awaiter = null;

  constructor(future: FutureRole, resolve: Resolve, reject: Reject) {
    this.#future = future;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  _run(): void {
    settle(this.#future, this.#resolve, this.#reject, noteTaken);
    if (!canTellTasks()) this.#future._loop._step.openForOutside();
  }
}

/** What of a task's marks keeps an await from being handed over to: a request on its way, or that it is done. */
const NOT_BARE = STATE | MUST_CANCEL | SCOPE_PENDING;

/** Told of each await that waits, with its place; set while some loop is in debug mode. */
export const onAwait: { noted: ((wait: ScopeWait, place: string | null) => void) | null } = { noted: null };

/** When the line that awaits was told of a request last. It may have come back from a foreign promise, unseen until now. */
function gotAtAwait(scope: Scope, task: TaskRole): number {
  const { _step: step } = task._loop;
  if (step.task === task) return step.got;
  const got = gotOf(scope);
  if (step.isComeback(task)) noteResumed(scope);
  return got;
}

// What a pending await's `_marks` hold.
const IS_OVER = 1;
const RUNNING = 2;
const OBSERVER = 4;

/** What few awaits have: frames on top of each other, an async function on top of them, an error or a request on its way. */
class StackExtra {
  parents: Frame[] | null = null;
  error: unknown = NONE;
  must: Request | null = null;
  mustOf: Scope | null = null;
  following: Following | null = null;
}

/**
 * One `await` of an async function: on a future, or on a coroutine, whose frames it then runs.
 *
 * | it… | `_waiting` | `_frame` | in the ready queue | left by |
 * | --- | --- | --- | --- | --- |
 * | waits | a pending future | `null`, or the coroutine's | no | the future is done, a request |
 * | is on its way | `null`, or done | – | yes | the loop takes its turn |
 * | runs frames | `null` | the one that runs | no (RUNNING) | the frames wait or end |
 * | follows an async function | `null` | `null` (`_following`) | no | the function's promise settles |
 * | is over | `null` | `null` | no (IS_OVER) | – |
 */
export class PendingAwait implements ScopeWait {
  /** The scope that its frames are in. */
  _at: Scope;
  readonly _task: TaskRole;
  _frame: Frame | null;
  _waiting: FutureLike | null = null;
  _marks = 0;
  #extra: StackExtra | null = null;
  _began: number;
  _got: number;
  _previousWait: ScopeWait | null = null;
  _nextWait: ScopeWait | null = null;
  readonly _resolve: Resolve;
  readonly _reject: Reject;

  /**
   * @param scope of the line that awaits
   * @param at the scope that the frames have gone into meanwhile
   */
  constructor(scope: Scope, task: TaskRole, resolve: Resolve, reject: Reject, frame: Frame | null, at: Scope = scope) {
    this._at = at;
    this._task = task;
    this._frame = frame;
    this._resolve = resolve;
    this._reject = reject;
    this._got = gotAtAwait(scope, task);
    this._began = noteBegan(scope);
    addWait(at, this);
    if ((task._marks & STATE) !== 0) task._loop._noteLineLeft(task._rootScope());
    if (onAwait.noted !== null) onAwait.noted(this, placeOfCall());
  }

  get _parents(): Frame[] | null {
    return this.#extra === null ? null : this.#extra.parents;
  }

  /** @internal */
  set _parents(parents: Frame[] | null) {
    this._more().parents = parents;
  }

  get _error(): unknown {
    return this.#extra === null ? NONE : this.#extra.error;
  }

  /** @internal */
  set _error(error: unknown) {
    this._more().error = error;
  }

  get _must(): Request | null {
    return this.#extra === null ? null : this.#extra.must;
  }

  /** @internal */
  set _must(request: Request | null) {
    if (request !== null || this.#extra !== null) this._more().must = request;
  }

  get _mustOf(): Scope | null {
    return this.#extra === null ? null : this.#extra.mustOf;
  }

  /** @internal */
  set _mustOf(scope: Scope | null) {
    if (scope !== null || this.#extra !== null) this._more().mustOf = scope;
  }

  get _following(): Following | null {
    return this.#extra === null ? null : this.#extra.following;
  }

  /** @internal */
  set _following(following: Following | null) {
    if (following !== null || this.#extra !== null) this._more().following = following;
  }

  /** @internal */
  _more(): StackExtra {
    this.#extra ??= new StackExtra();
    return this.#extra;
  }

  get _isOver(): boolean {
    return (this._marks & IS_OVER) !== 0;
  }

  get _isRunning(): boolean {
    return (this._marks & RUNNING) !== 0;
  }

  get _isObserver(): boolean {
    return (this._marks & OBSERVER) !== 0;
  }

  get _context(): ContextRole {
    return ownContextOf(this._at) ?? this._task._context;
  }

  get _awaiter(): TaskRole {
    return this._task;
  }

  _run(): void {
    if (this._isOver) return;
    const task = this._task;
    const waiting = this._waiting;
    const error = takeError(this);
    noteResumed(this._at);
    if (error !== NONE && isCancelledError(error)) this._got = sequence.now;
    else if (waiting?.cancelled()) this._got = sequence.now;
    if (hooks.beforeStep !== null && !task.done()) emit('beforeStep', task);
    const { _frame: frame } = this;
    if (frame !== null && error === NONE && waiting !== null && this.#isQuietFrame(frame)) {
      this.#resumeQuietly(frame as Written, waiting as FutureRole);
    } else if (frame !== null) {
      this.#runFrames(error);
    } else if (error !== NONE) {
      this._failed(error);
    } else if (waiting === null) {
      this._completed(undefined);
    } else {
      this.#over();
      settle(waiting, this._resolve, this._reject, noteDelivered);
    }
  }

  /** Whether waking it runs no code of a program, so that the step before can hand over to it directly. */
  _isBare(): boolean {
    const { _waiting: waiting } = this;
    const task = this._task;
    return (
      this._frame === null &&
      this._marks === 0 &&
      this._error === NONE &&
      this._must === null &&
      (task._marks & NOT_BARE) === 0 &&
      (waiting === null || waiting._isPlain?.() === true)
    );
  }

  /** Whether waking it runs nothing but a frame of the library in which no code of a program runs. */
  _isQuiet(): boolean {
    const { _frame: frame } = this;
    return frame !== null && this.#isQuietFrame(frame) && (this._task._marks & NOT_BARE) === 0;
  }

  #isQuietFrame(frame: Frame): boolean {
    const extra = this.#extra;
    return (
      (frame as Partial<Written>)._isQuiet === true &&
      (extra === null || extra.parents === null || extra.parents.length === 0)
    );
  }

  /** What its only frame waits for is done: most frames end with that, and those that know it need not be resumed. */
  #resumeQuietly(frame: Written, waiting: FutureRole): void {
    if (waiting._hasPlainResult?.() !== true) {
      this.#runFrames(NONE);
      return;
    }
    let failure: unknown = NONE;
    let result: unknown;
    try {
      if (!waiting.cancelled()) result = frame._endWoken(this._task);
      else if (frame._endCancelled()) failure = waiting._failure();
      else result = NONE;
    } catch (error) {
      failure = error;
    }
    if (failure !== NONE) {
      this._frame = null;
      this._failed(failure);
    } else if (result !== NONE) {
      this._frame = null;
      this._completed(result);
    } else {
      this.#runFrames(NONE);
    }
  }

  #runFrames(error: unknown): void {
    const task = this._task;
    this._marks |= RUNNING;
    runFrames(this, error, undefined);
    this._marks &= ~RUNNING;
    if (hooks.afterStep !== null && task._loop._step.task !== task) emit('afterStep', task);
  }

  /** Wakes it where `_isBare()`: its step has been opened. */
  _handOver(): void {
    const waiting = this._waiting;
    if (waiting?.cancelled()) {
      this._got = sequence.now;
      this._task._loop._step.got = sequence.now;
    }
    noteResumed(this._at);
    this._waiting = null;
    this._marks |= IS_OVER;
    removeWait(this._at, this);
    if (waiting === null) this._resolve(undefined as never);
    else settle(waiting, this._resolve, this._reject, noteDelivered);
  }

  _completed(value: unknown): void {
    this.#over();
    this._resolve(value as never);
  }

  _failed(error: unknown): void {
    this.#over();
    noteDelivered(error);
    this._reject(error);
  }

  _follow(promise: PromiseLike<unknown>, leavable: Scope | null): void {
    follow(this, promise, leavable);
  }

  _stepped(scope: Scope | null): void {
    this._moveTo(scope);
    // The frames wait again; that no `await` began counts when a request looks for somebody who has reacted.
    if (!this._isOver && this._frame !== null) this._began = ++sequence.now;
  }

  /** The frames have gone into another scope, or come back out of it. */
  _moveTo(scope: Scope | null): void {
    if (scope === null || scope === this._at) return;
    if (!this._isOver) {
      removeWait(this._at, this);
      addWait(scope, this);
    }
    this._at = scope;
  }

  _leave(error: unknown): void {
    const waiting = this._waiting;
    if (waiting !== null) {
      if (waiting._isPlain?.() === true) (waiting as FutureRole)._removeWaiter(this);
      else waiting.cancel();
    }
    this._waiting = null;
    this._error = error;
    this._task._loop._schedule(this);
  }

  /** The async function goes on in a microtask, and until it waits again its task's step is open. */
  #over(): void {
    const task = this._task;
    this._marks |= IS_OVER;
    removeWait(this._at, this);
    if (!this._isObserver) task._loop._step.open(task, this._got);
    else if ((task._marks & STATE) !== 0 && !hasLines(task._rootScope())) task._loop._noteLinesOver(task._rootScope());
  }
}

/** Runs the frames of a call stack as code of its task, from wherever it is called. */
export function runFrames(stack: CallStack, error: unknown, value: unknown): void {
  const task = stack._task;
  const context = ownContextOf(stack._at) ?? task._ownContext;
  runAs(task._loop, task, stack._at, context, false, stepFrames, stack, error, value);
}

function stepFrames(stack: CallStack, error: unknown, value: unknown): void {
  if (current.entersBeforeCalls && current.scope !== null) enterAsyncContext(current.scope);
  try {
    step(stack, error, value);
  } finally {
    stack._stepped(current.scope);
  }
}

// --------------------------------------------------------------------------------------------- constructs around async functions

/**
 * An async function awaits a construct around another one: `await timeout(5, f)`. The commonest of constructs, so that it goes without a
 * frame, and without a wait of its own: the awaits of `f` are what a request reaches, in the construct's scope.
 */
class BodyAwait {
  readonly construct: Written;
  readonly task: TaskRole;
  /** That of the construct, once it was entered. */
  scope: Scope;
  readonly got: number;
  readonly resolve: Resolve;
  readonly reject: Reject;

  constructor(construct: Written, scope: Scope, task: TaskRole, resolve: Resolve, reject: Reject) {
    this.construct = construct;
    this.task = task;
    this.scope = scope;
    this.got = gotAtAwait(scope, task);
    this.resolve = resolve;
    this.reject = reject;
    noteBegan(scope);
  }
}

function beginBody(wait: BodyAwait): void {
  const { task } = wait;
  let promise: PromiseLike<unknown>;
  try {
    promise = wait.construct._beginBody(task);
  } catch (error) {
    wait.reject(error); // it could not be entered
    return;
  }
  wait.scope = current.scope!;
  task._loop._step.open(task, wait.got);
  promise.then(
    (value) => bodySettled(wait, NONE, value),
    (error) => bodySettled(wait, error, undefined),
  );
}

/** As `settled`: within the same step, or in the next iteration where the function has come back from a foreign promise. */
function bodySettled(wait: BodyAwait, error: unknown, value: unknown): void {
  const { _loop: loop } = wait.task;
  if (loop._step.task === wait.task) endBody(wait, error, value);
  else if (!loop.isClosed()) loop._push({ _run: () => endBody(wait, error, value) });
}

function endBody(wait: BodyAwait, error: unknown, value: unknown): void {
  const { task, scope } = wait;
  runAs(task._loop, task, scope, contextOfLine(scope, task), false, leaveConstruct, wait, error, value);
  if (task.done()) task._loop._step.ends(task);
}

function leaveConstruct(wait: BodyAwait, error: unknown, value: unknown): void {
  let result: unknown;
  try {
    result = wait.construct._endBody(error, value);
  } catch (failure) {
    wait.task._loop._step.open(wait.task, wait.got);
    noteDelivered(failure);
    wait.reject(failure);
    return;
  }
  wait.task._loop._step.open(wait.task, wait.got);
  wait.resolve(result as never);
}

// --------------------------------------------------------------------------------------------- calls

/**
 * Calls a function that may be async as code of the running scope: whatever it does after an `await` is then known to be the scope's,
 * and sees the user's `AsyncLocalStorage` values of the line that calls it, or of where the task was made.
 */
export function callInTask<A extends unknown[], R>(task: TaskRole, fn: (...args: A) => R, args: A): R {
  const storage = prepareAsyncTasks();
  if (storage === null) return countCall(fn, args);
  const scope = current.task === task && current.scope !== null ? current.scope : task._rootScope();
  const outer = storage.getStore() as Scope | undefined;
  const { outerStore } = current;
  // Where a step has entered the context, it is the loop's with our value in it, and not that of the task's async functions.
  const isOfTask = outer !== undefined && outer.task === task && outerStore === NOT_ENTERED;
  if (isOfTask && outer === scope) return fn(...args);
  current.outerStore = NOT_ENTERED; // what the function enters is left with its frame
  try {
    if (!isOfTask) return task._frameOfCalls().runInAsyncScope(enterStorage<A, R>, undefined, storage, scope, fn, args);
    storage.enterWith(scope);
    return fn(...args);
  } finally {
    current.outerStore = outerStore;
    if (isOfTask && !current.inJob) storage.enterWith(outer); // otherwise the engine's job ends with the function
  }
}

/** As `callInTask`, of the async function that a task is made of. */
export function callFirst<R>(task: TaskRole, fn: () => R): R {
  const storage = prepareAsyncTasks();
  if (storage === null) return countCall(fn, []);
  const { outerStore } = current;
  current.outerStore = NOT_ENTERED;
  const result = task._frameOfCalls().runInAsyncScope(beginTask<R>, undefined, storage, task, fn);
  current.outerStore = outerStore;
  return result;
}

function beginTask<R>(storage: AsyncStorage, task: TaskRole, fn: () => R): R {
  storage.enterWith(task._rootScope());
  return fn();
}

/** How many functions that may be async are on the stack, where nothing but the open step tells whose awaits are whose. */
const calls = { depth: 0 };

function countCall<A extends unknown[], R>(fn: (...args: A) => R, args: A): R {
  calls.depth++;
  try {
    return fn(...args);
  } finally {
    calls.depth--;
  }
}

/** Whether an async function of the running task may be on the stack, or goes on later. */
export function hasAsyncCalls(task: TaskRole): boolean {
  return calls.depth > 0 || task._following !== null;
}

/** `enterWith` costs a third of `run`; the frame around it takes care that nobody else sees it. */
function enterStorage<A extends unknown[], R>(storage: AsyncStorage, scope: Scope, fn: (...args: A) => R, args: A): R {
  storage.enterWith(scope);
  return fn(...args);
}

/**
 * An async function runs on top of a call stack's frames. When it settles, the frame below goes on within the same step; after a
 * foreign promise the step is over, and the stack waits for its turn like any other. The promise is followed and not wrapped: one
 * iteration later would be another program.
 */
export function follow(stack: CallStack, promise: PromiseLike<unknown>, leavable: Scope | null): void {
  stack._task._loop._step.open(stack._task, stack instanceof PendingAwait ? stack._got : 0);
  if (leavable === null) {
    stack._following = TO_THE_END;
    subscribe(
      stack,
      promise,
      (value) => settled(stack, NONE, value),
      (error) => settled(stack, error, undefined),
    );
    return;
  }
  const following: Following = { leavable };
  stack._following = following;
  subscribe(
    stack,
    promise,
    (value) => {
      if (stack._following === following) settled(stack, NONE, value);
    },
    (error) => {
      if (stack._following === following) settled(stack, error, undefined);
    },
  );
}

/** As `follow`, of the promise of the async function that a task is made of. */
export function followFirst(task: TaskRole, promise: PromiseLike<unknown>): void {
  task._loop._step.open(task, 0);
  task._following = TO_THE_END;
  promise.then(
    (value) => {
      task._following = null;
      finish(task, NONE, value);
    },
    (error) => {
      task._following = null;
      finish(task, error, undefined);
    },
  );
}

/** As `promise.then`; what that throws is the promise's error, as it is for an `await`. */
function subscribe(
  stack: CallStack,
  promise: PromiseLike<unknown>,
  resolve: (value: unknown) => void,
  reject: Reject,
): void {
  const following = stack._following;
  try {
    promise.then(resolve, reject);
  } catch (error) {
    // It may have settled before it threw.
    (async () => {
      await null;
      if (stack._following === following) reject(error);
    })();
  }
}

/** What is followed to its end, whatever comes. */
const TO_THE_END: Following = { leavable: null };

/** Stops following: what is followed goes on by itself, the frames below get an error in the next iteration. */
export function leaveBody(stack: CallStack, error: unknown): void {
  stack._following = null;
  pop(stack);
  stack._error = error;
  stack._task._loop._schedule(stack);
}

function settled(stack: CallStack, error: unknown, value: unknown): void {
  const task = stack._task;
  const loop = task._loop;
  stack._following = null;
  if (stack._parents === null || stack._parents.length === 0) finish(stack, error, value);
  else if (loop._step.task === task) goOn(stack, error, value);
  else if (!loop.isClosed()) loop._push({ _run: () => goOn(stack, error, value) });
}

/** The function that settled was the whole of the stack. */
function finish(stack: CallStack, error: unknown, value: unknown): void {
  const task = stack._task;
  try {
    if (error === NONE) stack._completed(value);
    else stack._failed(error);
  } catch (failure) {
    interruptOrThrow(task, failure);
  }
  task._loop._step.ends(task);
}

/** The frame below the function that settled goes on. */
function goOn(stack: CallStack, error: unknown, value: unknown): void {
  const task = stack._task;
  pop(stack);
  // It came when the function had settled, and the frames had not gone on yet.
  if (stack._must !== null) {
    setPending(stack._mustOf ?? stack._at ?? task._rootScope(), stack._must);
    stack._must = null;
  }
  const wait = stack instanceof PendingAwait ? stack : null;
  if (wait !== null) wait._marks |= RUNNING;
  try {
    runFrames(stack, error, value);
  } catch (failure) {
    interruptOrThrow(task, failure);
  }
  if (wait !== null) wait._marks &= ~RUNNING;
  if (task.done()) task._loop._step.ends(task);
  // No frame: another async function was called on top of it, or the `await` is over and the step goes on.
  else if (stack._frame !== null) task._loop._step.suspends(task);
}

function interruptOrThrow(task: TaskRole, failure: unknown): void {
  if (!leavesTheLoop(failure)) throw failure;
  task._loop._interrupt(failure);
}
