import { isCancelledError } from '../../errors/errors.ts';
import { current } from './current.ts';
import { noteDelivered } from './delivered.ts';
import { follow, runFrames } from './follow.ts';
import { emit, hooks } from './hooks.ts';
import { noteMoved, ownContextOf, receivedAtAwait, receivedBy } from './line.ts';
import { placeOfCall } from './lookups.ts';
import { sequence } from './request.ts';
import {
  type ContextRole,
  type Following,
  type Frame,
  type FutureLike,
  type FutureRole,
  MUST_CANCEL,
  NONE,
  type Reject,
  type Request,
  type Resolve,
  SCOPE_PENDING,
  type Scope,
  type ScopeWait,
  STATE,
  type TaskRole,
  type Written,
} from './roles.ts';
import { addWait, noteBegan, noteResumed, removeWait } from './scope.ts';
import { goOnFrom, takeError } from './step.ts';

/**
 * Calls `resolve` or `reject` with the outcome of a future that is done.
 * @param note called with the error, before `reject`
 * @param isLate whether the future was done already when the await began
 */
export function settle(
  future: FutureLike,
  resolve: Resolve,
  reject: Reject,
  note: (error: unknown) => void,
  isLate = false,
): void {
  const role = future as FutureRole;
  if (role._hasPlainResult?.() === true) {
    const failure = role._failure(isLate);
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

/** With any of these marks of its task an await is not handed over to: a request is pending, or the task is done. */
const NOT_BARE = STATE | MUST_CANCEL | SCOPE_PENDING;

/**
 * Functions that are called for awaits of async functions. `noted`, while a loop is in debug mode or places are
 * recorded: an await begins to wait, with its place. `begun` and `resumed`, while schedules of async functions are
 * explored: an await begins to wait, and goes on.
 */
export const onAwait: {
  noted: ((wait: ScopeWait, place: object | null) => void) | null;
  begun?: ((wait: ScopeWait) => void) | undefined;
  resumed?: ((wait: ScopeWait) => void) | undefined;
} = { noted: null, begun: undefined, resumed: undefined };

/**
 * The tasks that were made for an await of a line whose task is done. No other code has them, so they are cancelled
 * when that await is.
 */
export const ofLines: WeakSet<object> = /* @__PURE__ */ new WeakSet();

/** Whether a task was made for an await of a line whose task is done. */
export function isOfLine(task: object): boolean {
  return ofLines.has(task);
}

// What a pending await's `_marks` hold.
const IS_OVER = 1;
const RUNNING = 2;
const OBSERVER = 4;

/**
 * The fields that only few awaits need: for nested frames, an async function on top of them, an error or a request that
 * is about to be thrown.
 */
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
 * | is scheduled | `null`, or done | `null`, or the coroutine's | yes | the loop runs it |
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
  _received: number;
  _previousWait: ScopeWait | null = null;
  _nextWait: ScopeWait | null = null;
  readonly _resolve: Resolve;
  readonly _reject: Reject;

  /**
   * @param scope of the line that awaits
   * @param at the scope that the frames have entered in the meantime
   */
  constructor(scope: Scope, task: TaskRole, resolve: Resolve, reject: Reject, frame: Frame | null, at: Scope = scope) {
    this._at = at;
    this._task = task;
    this._frame = frame;
    this._resolve = resolve;
    this._reject = reject;
    this._received = receivedAtAwait(scope, task);
    this._began = noteBegan(scope);
    addWait(at, this);
    if ((task._marks & STATE) !== 0) task._loop._noteLineLeft(task._rootScope());
    if (onAwait.noted !== null) onAwait.noted(this, placeOfCall());
    onAwait.begun?.(this);
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
    onAwait.resumed?.(this);
    const task = this._task;
    const waiting = this._waiting;
    const error = takeError(this);
    noteResumed(this._at);
    if (error !== NONE && isCancelledError(error)) this._received = sequence.now;
    else if (waiting?.cancelled()) this._received = sequence.now;
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

  /** Whether running it runs no frame and calls no overridden method, so that the scheduler can hand over to it. */
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

  /** Whether running it runs only a frame of the library in which no code of a program runs. */
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

  /**
   * What its only frame waits for is done. Most of these frames end then, and can tell their result without being
   * resumed.
   */
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
      this._failed(failure);
    } else if (result !== NONE) {
      this._completed(result);
    } else {
      this.#runFrames(NONE);
    }
  }

  #runFrames(error: unknown): void {
    const task = this._task;
    runFrames(this, error, undefined);
    if (hooks.afterStep !== null && task._loop._step.task !== task) emit('afterStep', task);
  }

  /** Runs it, if `_isBare()`, after its step was opened. */
  _handOver(): void {
    onAwait.resumed?.(this);
    const waiting = this._waiting;
    if (waiting?.cancelled()) {
      this._received = sequence.now;
      this._task._loop._step.received = sequence.now;
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

  _noteReceived(): void {
    this._received = Math.max(this._received, receivedBy(this._at));
  }

  _stepping(): void {
    this._marks |= RUNNING;
  }

  _stepped(scope: Scope | null): void {
    this._marks &= ~RUNNING;
    this._moveTo(scope);
    // The frames wait again. Only this wait's number changes: for `ReactionCheck`, no `await` of the scope has begun.
    if (!this._isOver && this._frame !== null) this._began = ++sequence.now;
  }

  /** The frames have entered or left a scope. */
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
      if (waiting._isPlain?.() === true) {
        (waiting as FutureRole)._removeWaiter(this);
        (waiting as FutureRole)._left();
        if (isOfLine(waiting)) waiting.cancel();
      } else waiting.cancel();
    }
    this._waiting = null;
    this._error = error;
    this._task._loop._schedule(this);
  }

  /**
   * The await is over: the async function goes on in a microtask. The step of its task is open until it waits again.
   */
  #over(): void {
    const task = this._task;
    this._frame = null;
    this._marks |= IS_OVER;
    removeWait(this._at, this);
    if (!this._isObserver) task._loop._step.open(task, this._received, this._at);
    else if ((task._marks & STATE) !== 0) task._loop._noteLineStepped(task._rootScope());
  }
}

/** Runs the first step of a coroutine in the current scope. */
export function beginFrames(frame: Frame, resolve: Resolve, reject: Reject, isObserver: boolean): void {
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
  wait._marks = isObserver ? OBSERVER | RUNNING : RUNNING;
  goOnFrom(wait, frame, result.value);
  wait._marks &= ~RUNNING;
  wait._moveTo(current.scope);
  // Without a frame, the coroutine has called an async function, whose step is still open.
  if (!wait._isOver && wait._frame !== null && !isObserver) task._loop._step.suspends(task);
}
