/**
 * The roles that the engine knows. What runs (turns, steps, awaits, scopes) imports nothing of what programs hold (futures, tasks,
 * loops): those play these roles.
 */

import type { AsyncFrame } from '../runtime/platform.ts';

/** What the engine's job of an `await` calls with the outcome. */
export type Resolve = (value: never) => void;
export type Reject = (error: unknown) => void;

/** Whatever the loop runs: a task's step, a future's callback, a handle. */
export interface Runnable {
  /** @internal */
  _run(): void;
  /** Whether it is about to call an async function, in an async context of its own, whatever the present one is. @internal */
  _isFresh?(): boolean;
}

/** A generator, or anything with its protocol: one frame of a coroutine's stack. */
export interface Frame {
  next(value?: unknown): IteratorResult<unknown, unknown>;
  throw(error: unknown): IteratorResult<unknown, unknown>;
}

/** A coroutine of this library that knows when it need not run as a frame. */
export interface Written extends Frame {
  /**
   * Runs it from its beginning to its end; `NONE`, and nothing has happened, where it has to wait. For a quiet one only.
   *
   * @param task the one that awaits it: nothing else says whose code it is
   * @internal
   */
  _endAtOnce(task: TaskRole): unknown;
  /** Begins it with what it has to wait for; `null`, and nothing has happened, where it has to be run as a frame. @internal */
  _beginWait(task: TaskRole): FutureRole | null;
  /** Whether no code of a program runs in it, so that the loop may resume it wherever it is. @internal */
  readonly _isQuiet: boolean;
  /** What it waits for has succeeded: what it gives; `NONE`, and nothing has happened, where it may have to wait again. @internal */
  _endWoken(task: TaskRole): unknown;
  /** What it waits for was cancelled: it ends. False, and nothing has happened, where it goes on instead. @internal */
  _endCancelled(): boolean;
  /**
   * An async function awaits it: begins it without a frame. False, and nothing has happened, where it has to be run as a frame.
   * @internal
   */
  _beginWithoutFrame(scope: Scope, task: TaskRole, resolve: Resolve, reject: Reject): boolean;
}

/** A coroutine around an async function: a construct such as a timeout. */
export interface Construct {
  /** Enters the construct, and calls the function. @internal */
  _beginBody(task: TaskRole): PromiseLike<unknown>;
  /** Leaves the construct: what the await gives, or throws. `error` is `NONE` where the function has returned. @internal */
  _endBody(error: unknown, result: unknown): unknown;
}

/** No error: what a call stack holds when it is simply to go on. */
export const NONE: unique symbol = /* @__PURE__ */ Symbol('none');

/** What tells the name of a task that has one which nobody has asked for yet. */
export const LATE_NAME: unique symbol = /* @__PURE__ */ Symbol('late name');

/** A name that is put together when somebody asks for it: most names of tasks nobody ever reads. */
export interface LateName {
  [LATE_NAME](): string;
}

/** Marks the coroutine objects that a task puts on its own stack instead of driving them through `yield*`. */
export const ENTER: unique symbol = /* @__PURE__ */ Symbol('enter');

/** A coroutine that can be put on a call stack. */
export interface Enterable {
  /** Whether its iterator has handed it to the task: `yield coroutine` without the star has not. @internal */
  readonly _isHanded: boolean;
  /** Whether the promise that its function gives is left when its scope is cancelled before it awaits this library. @internal */
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

/** What a future wakes when it is done. */
export interface Waiter extends Runnable {
  /** @internal */
  readonly _context: ContextRole;
  /** The task or future that waits, where one does: an edge of the call graph. @internal */
  readonly _awaiter: object | null;
  /**
   * Of a waiter that goes on by a callback of the library, and not as the awaiter itself: the task that has ended what it waited for, noted
   * only while `woken` is listened to. Absent where the awaiter itself goes on. @internal
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
  /** Whether it is a future whose way of registering waiters nobody has overridden. @internal */
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
  /** A wait for it has ended by a request: that of a leftover, while the future goes on; or one that it has woken already. @internal */
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
  /** Whether giving way means nothing to anybody, because the task would be the next to run anyway. @internal */
  _isAlone(task: TaskRole): boolean;
  /** A task's own frames give way. True where the task is alone, and simply goes on. @internal */
  _giveWay(task: TaskRole): boolean;
  /** A line goes on waiting though its task is done. @internal */
  _noteLineLeft(root: Scope): void;
  /** A line that a task has left behind has ended a step, and maybe itself. @internal */
  _noteLineStepped(root: Scope): void;
  /** Ends the run with an error from outside a handle. @internal */
  _interrupt(error: unknown): void;
}

/** See `open-step.ts`. */
export interface OpenStepRole {
  /** The task whose step it is, `null` for none and for code outside any task. */
  readonly task: TaskRole | null;
  /** The latest request that the line which runs in the step has received: its place in the order, 0 for none. */
  got: number;
  /** The scope of that line when its step began; `null`: that of the task's body. */
  readonly at: Scope | null;
  open(task: TaskRole, got: number, at: Scope | null): void;
  openForOutside(): void;
  isComeback(task: TaskRole): boolean;
  suspends(task: TaskRole): void;
  ends(task: TaskRole): void;
}

/**
 * What is run like a stack of calls. A task is the stack of its own coroutine; each `await` in an async function is one of its own
 * (a `PendingAwait`), because several may wait at once (`Promise.all`).
 *
 *     parents  [ outer, middle ]   frames that wait for the one above them
 *     frame    inner               the one that runs, or `null` while an async function does
 *     waiting  future              what the frame waits on, `null` while it runs or is ready
 *
 * The stack is explicit so that resuming costs the same at any depth.
 */
export interface CallStack extends Waiter {
  /** @internal */
  readonly _task: TaskRole;
  /** The scope that its frames are in; `null`: the task's root, which need not exist. @internal */
  _at: Scope | null;
  /** @internal */
  _frame: Frame | null;
  /** @internal */
  _parents: Frame[] | null;
  /** @internal */
  _waiting: FutureLike | null;
  /** The error to throw into the frame at its next step. @internal */
  _error: unknown;
  /** The body of an async function that runs on top of the frames. @internal */
  _following: Following | null;
  /** A request to cancel that is thrown where it goes on. @internal */
  _must: Request | null;
  /** The scope that it was made to. @internal */
  _mustOf: Scope | null;
  /** When its line was told of a request last; 0: never, or not known. @internal */
  _got: number;
  /** An async function that it follows has settled: what that was told of, its line was. @internal */
  _heard(): void;
  /** The frames are about to run. @internal */
  _stepping(): void;
  /** The frames have run, and are in this scope now. @internal */
  _stepped(scope: Scope | null): void;
  /** An async function runs on top of the frames. @internal */
  _follow(promise: PromiseLike<unknown>, leavable: Scope | null): void;
  /** The last frame returned. @internal */
  _completed(value: unknown): void;
  /** The last frame threw. @internal */
  _failed(error: unknown): void;
}

/** What a call stack waits for while an async function runs on top of it. */
export interface Following {
  /** The scope of the body, when that is left at a cancellation unless it has begun to wait for something of this library. */
  readonly leavable: Scope | null;
}

/** A task, as steps need it. */
export interface TaskRole extends FutureRole, CallStack {
  /** The state, and the flags below. @internal */
  _marks: number;
  /** The scope of its body, once there is need for one. @internal */
  readonly _root: Scope | null;
  cancelMessage: unknown;
  /** @internal */
  readonly _context: ContextRole;
  /** The context, once somebody has asked for it. @internal */
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
  /** How many requests there are from outside a scope of the task. @internal */
  _requestsTo(scope: Scope): number;
  /** All lines of its cancelled root scope have ended. @internal */
  _linesEnded(): void;
}

// What `_marks` holds. The two lowest bits are the state of a future.
export const STATE = 3;
export const BLOCKING = 1 << 2;
/** A cancellation of the task is to be delivered at its next step. */
export const MUST_CANCEL = 1 << 3;
/** An error is to be thrown into the task's frame at its next step. */
export const HAS_ERROR = 1 << 4;
/** A request to cancel waits in some scope of the task. */
export const SCOPE_PENDING = 1 << 5;
/** `_within` is a context, not values. */
export const OWN_CONTEXT = 1 << 6;
/** Each step runs in the async context of the task's making. */
export const IN_ASYNC_CONTEXT = 1 << 7;
/** A collector is, or has been, among the waiters. */
export const COLLECTED = 1 << 9;
/** Several have waited for it: each is told why it was cancelled. */
export const HAD_SEVERAL = 1 << 10;
/** The coroutine has ended; the task waits for lines that clean up. */
export const ENDING = 1 << 8;
/** Whoever waited for it when it was cancelled has yet to ask why: the story is kept for them, whoever asks before. */
export const STORY_DUE = 1 << 13;
/** Its done callbacks are indexed by function (`callback-index.ts`), and removed ones may still be among its waiters. */
export const INDEXED = 1 << 14;
/** The async context in which the task was made holds nothing, and need not be kept. */
export const NO_ASYNC_CONTEXT = 1 << 15;
/** A request is being handed to the task and on to what it waits for. */
export const IN_DELIVERY = 1 << 11;
/** The coroutine is an async function. */
export const IS_ASYNC = 1 << 12;

/** A request to cancel: who asked, why and when. */
export interface Request {
  /** What was given to `cancel()`; `undefined` when nothing was. */
  readonly message: unknown;
  /** The task that asked, `null` when a callback or code outside the loop did. */
  readonly by: object | null;
  /** The construct or occasion that asked on somebody's behalf, such as `timeout(5 s)`; `null` for `cancel()` itself. */
  readonly through: string | null;
  /** When, in seconds of the loop's clock. */
  readonly at: number;
  /** Its place in the order of steps, waits and requests. */
  readonly order: number;
  /** The request that has led to this one; `null` or absent when none has. */
  readonly cause?: Request | null;
  /** What was cancelled, told when somebody asks for the text of the error. */
  tell(): string;
}

/** What can be cancelled as one: see `scope.ts`. */
export interface Scope {
  readonly parent: Scope | null;
  /** `null` for a flow outside any task. */
  readonly task: TaskRole | null;
  readonly loop: LoopRole;
  /** The construct that made it, for stories; `null` for the body of a task. */
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
  /** How often its construct has cancelled it, and not taken that back. */
  own: number;
  /** How many requests there were from outside when it was entered. */
  requestsAtEntry: number;
  /** A request that nobody has got yet. */
  pending: Request | null;
  marks: number;
  /** Context variables of its own: of flows outside a step. */
  context: ContextRole | null;
  /** The scope that lines of it have entered by `enter()`, and where nothing tells lines apart. */
  inner: Scope | null;
  /** Of a flow outside any task: the execution id of the callback that began it; 0 where that is not known. */
  calledBy: number;
  /** Of such a flow: the context variables with whose values the callback begins. */
  origin: ContextRole | null;
  /** Its signal, once somebody has asked for it. */
  signal: SignalRole | null;
  /** The request that its construct has made last; `null` when it has made none. */
  asked: Request | null;
  /** Its place among the scopes of its task that have a signal in them (`abort.ts`). */
  place: object | null;
}

/** The signal of a scope. */
export interface SignalRole {
  readonly isAborted: boolean;
  /** When somebody has read the reason last; 0: never. */
  readonly seenAt: number;
  abort(reason: unknown): void;
}

/** An `await` as a scope knows it. */
export interface ScopeWait extends CallStack {
  /** @internal */
  _previousWait: ScopeWait | null;
  /** @internal */
  _nextWait: ScopeWait | null;
  /** When it began to wait. @internal */
  _began: number;
  /** The latest request that its line has received: its place in the order, 0 for none. @internal */
  _got: number;
  /** Whether the `await` is over. @internal */
  readonly _isOver: boolean;
  /** Whether its frames are on the stack. @internal */
  readonly _isRunning: boolean;
  /** Whether a program has called `then`, so that nobody's step waits for it. @internal */
  readonly _isObserver: boolean;
  /** The wait ends with an error; what was waited for lives on. @internal */
  _leave(error: unknown): void;
}
