/**
 * The interfaces by which the code in this folder (turns, steps, awaits, scopes) knows futures, tasks and loops. It
 * does not import their classes, which implement these interfaces.
 */

import type { AsyncFrame } from '../runtime/platform.ts';

/** The two functions with which the JavaScript engine calls `then` for an `await`: they take its outcome. */
export type Resolve = (value: never) => void;
export type Reject = (error: unknown) => void;

/** An item of the ready queue: a task's next step, a future's callback, a handle. */
export interface Runnable {
  /** @internal */
  _run(): void;
  /**
   * Whether it is a new task of an async function. It calls the function in an async context of its own, so it can be
   * run in any. @internal
   */
  _isFresh?(): boolean;
}

/** A generator, or another object with `next` and `throw`: one frame of a coroutine's call stack. */
export interface Frame {
  next(value?: unknown): IteratorResult<unknown, unknown>;
  throw(error: unknown): IteratorResult<unknown, unknown>;
}

/** A coroutine of this library that can be awaited without being run as a frame. */
export interface Written extends Frame {
  /**
   * Runs it from its beginning to its end, and returns its result. Returns `NONE`, without an effect, if it has to
   * wait. Only called where `_isQuiet`.
   *
   * @param task the task that awaits it, which may not be the current one
   * @internal
   */
  _endAtOnce(task: TaskRole): unknown;
  /**
   * Begins it, and returns what it waits for. Returns `null`, without an effect, if it has to be run as a frame.
   * @internal
   */
  _beginWait(task: TaskRole): FutureRole | null;
  /**
   * Whether no code of a program runs in it, so that it may be run without making its task the current one. @internal
   */
  readonly _isQuiet: boolean;
  /**
   * What it waits for has succeeded: returns its result, or `NONE`, without an effect, if it may have to wait again.
   * @internal
   */
  _endWoken(task: TaskRole): unknown;
  /** What it waits for was cancelled: ends it. Returns false, without an effect, if it goes on instead. @internal */
  _endCancelled(): boolean;
  /**
   * An async function awaits it: begins it without a frame. Returns false, without an effect, if it has to be run as a
   * frame.
   * @internal
   */
  _beginWithoutFrame(scope: Scope, task: TaskRole, resolve: Resolve, reject: Reject): boolean;
}

/** A coroutine around an async function: a construct such as a timeout. */
export interface Construct {
  /** Enters the construct, and calls the function. @internal */
  _beginBody(task: TaskRole): PromiseLike<unknown>;
  /**
   * Leaves the construct: returns or throws the outcome of the await. `error` is `NONE` if the function has returned.
   * @internal
   */
  _endBody(error: unknown, result: unknown): unknown;
}

/** No value. In place of an error: there is none, the call stack goes on. In place of a result: there is none yet. */
export const NONE: unique symbol = /* @__PURE__ */ Symbol('none');

/** The method of a `LateName`. */
export const LATE_NAME: unique symbol = /* @__PURE__ */ Symbol('late name');

/** A task's name that is put together when it is first read, because most names never are. */
export interface LateName {
  [LATE_NAME](): string;
}

/** Marks the coroutine objects that a task puts on its own stack instead of driving them through `yield*`. */
export const ENTER: unique symbol = /* @__PURE__ */ Symbol('enter');

/** A coroutine that can be put on a call stack. */
export interface Enterable {
  /**
   * Whether its iterator has handed it to the task (`yield*`); a `yield` without the star does not do that. @internal
   */
  readonly _isHanded: boolean;
  /**
   * Whether the promise of its function is not waited for any more when its scope is cancelled before the function has
   * begun a wait of this library. @internal
   */
  readonly _isLeavable: boolean;
  /** Calls its function: the frame to go on with, or the promise of an async function. @internal */
  [ENTER](task: TaskRole): Frame | PromiseLike<unknown>;
}

/** The values of context variables. */
export interface ContextRole {
  copy(): ContextRole;
  /** @internal */
  _values: ReadonlyMap<object, unknown>;
}

/** What a future schedules when it is done. */
export interface Waiter extends Runnable {
  /** @internal */
  readonly _context: ContextRole;
  /** The task or future that waits, where one does: an edge of the call graph. @internal */
  readonly _awaiter: object | null;
  /**
   * For a callback of the library that acts for the awaiter: the task that has ended what was waited for, set only
   * while an instrument has a hook `woken`. Absent if the waiter is the awaiter itself. @internal
   */
  _endedBy?: object | null;
}

/** What a task can wait on: a future, or what stands in for one. */
export interface FutureLike {
  getLoop(): object;
  cancel(message?: unknown): boolean;
  cancelled(): boolean;
  exception(): unknown;
  addDoneCallback(callback: never, options?: never): void;
  /** @internal */
  _asyncioFutureBlocking: boolean;
  /** Whether it has `_addWaiter`, and no class has overridden how callbacks are registered. @internal */
  _isPlain?(): boolean;
}

/** A future of this library. */
export interface FutureRole extends FutureLike {
  /** @internal */
  readonly _loop: LoopRole;
  /** The outcome. @internal */
  _value: unknown;
  done(): boolean;
  result(): unknown;
  /** Whether `_failure` may be asked instead of calling `result`. @internal */
  _hasPlainResult?(): boolean;
  /** What `result()` throws; `NONE` where it returns `_value`. @internal */
  _failure(isLate?: boolean): unknown;
  /** @internal */
  _addWaiter(waiter: Waiter): void;
  /** @internal */
  _removeWaiter(waiter: Waiter): void;
  /**
   * A request has ended a wait for it without cancelling it: that of a leftover, or one that it has already woken.
   * @internal
   */
  _left(): void;
}

/** A loop, as steps need it. */
export interface LoopRole {
  /** The step of an async function that goes on after its handle has returned. @internal */
  readonly _step: OpenStepRole;
  /** Whether it is closed. @internal */
  readonly _isClosed: boolean;
  isRunning(): boolean;
  getDebug(): boolean;
  createTask(coroutine: never): FutureRole;
  /** Schedules something for the next iteration. @internal */
  _push(item: Runnable): void;
  /** Schedules the next step of what waits. @internal */
  _schedule(waiter: Waiter): void;
  /** Whether `sleep(0)` has no effect, because the task would be the next to run anyway. @internal */
  _isAlone(task: TaskRole): boolean;
  /**
   * A frame of a task has reached a `sleep(0)`: schedules the next step. Returns true, without an effect, if the task
   * can simply go on. @internal
   */
  _giveWay(task: TaskRole): boolean;
  /** A line still waits although its task is done. @internal */
  _noteLineLeft(root: Scope): void;
  /** A line of a task that is done has ended a step; it may have been its last. @internal */
  _noteLineStepped(root: Scope): void;
  /** Ends the run with an error from outside a handle. @internal */
  _interrupt(error: unknown): void;
}

/** See `open-step.ts`. */
export interface OpenStepRole {
  /** The task whose step it is; `null` if no step is open, or that of code outside any task. */
  readonly task: TaskRole | null;
  /** The number (`Request.order`) of the latest request that the line of the step has received; 0 for none. */
  received: number;
  /** The scope of that line when the step began; `null` for the task's root scope. */
  readonly lineScope: Scope | null;
  open(task: TaskRole, received: number, lineScope: Scope | null): void;
  openForOutside(): void;
  isComeback(task: TaskRole): boolean;
  suspends(task: TaskRole): void;
  ends(task: TaskRole): void;
}

/**
 * The frames of a coroutine that wait for each other. A task is the call stack of its own coroutine. Each `await` in an
 * async function is another one (a `PendingAwait`), because several may wait at the same time (`Promise.all`).
 *
 *     parents  [ outer, middle ]   frames that wait for the one above them
 *     frame    inner               the one that runs, or `null` while an async function does
 *     waiting  future              what the frame waits on, `null` while it runs or is ready
 *
 * The frames are in an array, not nested by `yield*`, so that resuming costs the same at any depth.
 */
export interface CallStack extends Waiter {
  /** @internal */
  readonly _task: TaskRole;
  /** The scope that its frames are in; `null` for the task's root scope, which may not exist yet. @internal */
  _at: Scope | null;
  /** @internal */
  _frame: Frame | null;
  /** @internal */
  _parents: Frame[] | null;
  /** @internal */
  _waiting: FutureLike | null;
  /** The error to throw into the frame at its next step. @internal */
  _error: unknown;
  /** The promise of a function that runs on top of the frames. @internal */
  _following: Following | null;
  /** A request that is thrown into it when it goes on. @internal */
  _must: Request | null;
  /** The scope to which that request was made. @internal */
  _mustOf: Scope | null;
  /**
   * The number (`Request.order`) of the latest request that its line has received; 0 for none, or if it is not known.
   * @internal
   */
  _received: number;
  /**
   * An async function that it follows has settled: the requests that the function has received count as received by
   * this line. @internal
   */
  _noteReceived(): void;
  /** The frames are about to run. @internal */
  _stepping(): void;
  /** The frames wait or have ended, and are in this scope now. @internal */
  _stepped(scope: Scope | null): void;
  /** An async function runs on top of the frames. `leavable`: see `Following`. @internal */
  _follow(promise: PromiseLike<unknown>, leavable: Scope | null): void;
  /** The last frame returned. @internal */
  _completed(value: unknown): void;
  /** The last frame threw. @internal */
  _failed(error: unknown): void;
}

/** A call stack waits for the promise of a function that runs on top of it. */
export interface Following {
  /**
   * The scope of the function, if it is not waited for any more when that scope is cancelled before it has begun a wait
   * of this library; `null` if it is always waited for.
   */
  readonly leavable: Scope | null;
}

/** A task, as steps need it. */
export interface TaskRole extends FutureRole, CallStack {
  /** The state, and the flags below. @internal */
  _marks: number;
  /** The scope of its body; `null` until it is needed. @internal */
  readonly _root: Scope | null;
  cancelMessage: unknown;
  /** @internal */
  readonly _context: ContextRole;
  /** The context; `null` until it is needed. @internal */
  readonly _ownContext: ContextRole | null;
  getName(): string;
  /** @internal */
  _currentValues(): ReadonlyMap<object, unknown>;
  /** The scope of its body. @internal */
  _rootScope(): Scope;
  /** The async context of its async functions. @internal */
  _frameOfCalls(): AsyncFrame;
  /** The request to cancel that was made last. @internal */
  readonly _request: Request | null;
  /** In how many scopes other than its root a request is pending: see SCOPE_PENDING. @internal */
  _pendingScopes: number;
  /** How many requests were made to the task and to the scopes around one of its scopes. @internal */
  _requestsTo(scope: Scope): number;
  /** All lines of its cancelled root scope have ended. @internal */
  _linesEnded(): void;
}

// The bits of `_marks` of futures and tasks.
/** The state of a future: see `future.ts`. */
export const STATE = 3;
/** Its iterator has handed it to a task (`Future._asyncioFutureBlocking`). */
export const BLOCKING = 1 << 2;
/** A request to the task is pending: its frames get it at their next step, an async function at its next await. */
export const MUST_CANCEL = 1 << 3;
/** An error is to be thrown into the task's frame at its next step. */
export const HAS_ERROR = 1 << 4;
/** A request is pending in some scope of the task other than its root. */
export const SCOPE_PENDING = 1 << 5;
/** `Task._within` is a context, not the values of one. */
export const OWN_CONTEXT = 1 << 6;
/** Each step runs in the async context in which the task was made. */
export const IN_ASYNC_CONTEXT = 1 << 7;
/** The coroutine has ended; the task waits for lines that clean up. */
export const ENDING = 1 << 8;
/** A `Collector` is, or has been, among the waiters. */
export const COLLECTED = 1 << 9;
/** Several waiters were woken: each gets an error that tells who cancelled it, so the request is kept. */
export const HAD_SEVERAL = 1 << 10;
/** A request is being delivered to the task, and passed on to what it waits for. */
export const IN_DELIVERY = 1 << 11;
/** The coroutine is an async function. */
export const IS_ASYNC = 1 << 12;
/** It was cancelled while there was a waiter that has not taken its error yet: the request is kept for that error. */
export const STORY_DUE = 1 << 13;
/**
 * Its done callbacks are indexed by function (`callback-index.ts`), and removed ones may still be among its waiters.
 */
export const INDEXED = 1 << 14;
/** The async context in which the task was made is empty, and is not kept. */
export const NO_ASYNC_CONTEXT = 1 << 15;

/** A request to cancel: who asked, why and when. */
export interface Request {
  /** What was given to `cancel()`; `undefined` when nothing was. */
  readonly message: unknown;
  /** The task that asked, `null` when a callback or code outside the loop did. */
  readonly by: object | null;
  /**
   * The construct or event that made the request, such as `timeout(5 s)`, or a sentence about the request that led to
   * it; `null` when `cancel()` was called directly.
   */
  readonly through: string | null;
  /** When, in seconds of the loop's clock. */
  readonly at: number;
  /** Its place in the order of steps, waits and requests. */
  readonly order: number;
  /** The request that has led to this one; `null` or absent when none has. */
  readonly cause?: Request | null;
  /** A sentence: what was cancelled, by whom, and why. It is put together when the text of the error is read. */
  tell(): string;
}

/**
 * Work that is cancelled as one unit: see `scope.ts`. Times below are numbers of the common order of events (`sequence`
 * in `request.ts`).
 */
export interface Scope {
  readonly parent: Scope | null;
  /** `null` for a flow: code outside any task. */
  readonly task: TaskRole | null;
  readonly loop: LoopRole;
  /**
   * The construct that made it, for messages; `null` for the body of a task. For the scope of a line that came late,
   * the scope that it came back to.
   */
  readonly owner: object | null;
  /** The first of the awaits that are under way in it. */
  waits: ScopeWait | null;
  /** The first of its inner scopes in which something waits. */
  children: Scope | null;
  before: Scope | null;
  after: Scope | null;
  /** When a line of it was last resumed by the loop. */
  resumed: number;
  /** When an `await` of this library was last begun in it. */
  began: number;
  /** How many requests its construct has made and not taken back. */
  own: number;
  /** How many requests from outside there were already when it was entered. */
  requestsAtEntry: number;
  /** A request that no line has received yet: the next await in the scope throws it. */
  pending: Request | null;
  marks: number;
  /** Context variables of its own: for flows, and for lines of a task that must not share theirs. */
  context: ContextRole | null;
  /**
   * The scope inside it in which its line goes on: after `enter()` of a construct, and in runtimes without async
   * contexts.
   */
  inner: Scope | null;
  /** For a flow: the execution id of the callback that began it; 0 if it is not known. */
  calledBy: number;
  /** For such a flow: the context variables with whose values its callback begins. */
  origin: ContextRole | null;
  /** Its signal; `null` until the program asks for it. */
  signal: SignalRole | null;
  /** The request that its construct has made last; `null` when it has made none. */
  asked: Request | null;
  /** The signals in it: its node in the tree of the scopes that have any (`abort.ts`); `null` for none. */
  signals: object | null;
}

/** The signal of a scope. */
export interface SignalRole {
  readonly isAborted: boolean;
  /** When the reason was last read, in the order of events; 0 for never. */
  readonly seenAt: number;
  abort(reason: unknown): void;
}

/** An `await` as a scope knows it. */
export interface ScopeWait extends CallStack {
  /** @internal */
  _previousWait: ScopeWait | null;
  /** @internal */
  _nextWait: ScopeWait | null;
  /** When it began to wait, in the order of events. @internal */
  _began: number;
  /** The number (`Request.order`) of the latest request that its line has received; 0 for none. @internal */
  _received: number;
  /** Whether the `await` is over. @internal */
  readonly _isOver: boolean;
  /** Whether its frames are on the stack. @internal */
  readonly _isRunning: boolean;
  /** Whether it is not an `await`: the program has called `then`, and no line waits. @internal */
  readonly _isObserver: boolean;
  /** Ends the wait with an error, without cancelling what was waited for. @internal */
  _leave(error: unknown): void;
}
