import {
  CancelledError,
  cancelledError,
  errorOfThrown,
  InvalidStateError,
  isCancelledError,
  leavesTheLoop,
  RuntimeError,
  unwrapCancellation,
} from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, describeFunction, quote } from '../internal/describe.ts';
import { bindWhenRead } from '../internal/methods.ts';
import { anyByName, checkOptions } from '../internal/options.ts';
import { abortSignals, cancelOnAbort, checkSignal, signalOf } from './abort.ts';
import {
  begunOf,
  type CoroutineFunction,
  type CoroutineLike,
  CoroutineObject,
  callCoroutineFunction,
  claim,
  isAsyncFunction,
  iscoroutine,
  isGeneratorFunction,
} from './coroutine.ts';
import { callFirst, hasAsyncCalls } from './engine/calls.ts';
import {
  type Context,
  contextOf,
  currentValues,
  enterContext,
  givenContext,
  leaveContext,
  type Values,
} from './engine/context.ts';
import { current, enterAsyncContext, leaveAsyncContext, NOT_ENTERED, runAs } from './engine/current.ts';
import { follow, leaveBody } from './engine/follow.ts';
import { emit, hooks, watched } from './engine/hooks.ts';
import { runningScope, runningTask } from './engine/line.ts';
import { MadeRequest, sequence } from './engine/request.ts';
import {
  ENDING,
  ENTER,
  type Enterable,
  type Following,
  type Frame,
  type FutureLike,
  HAS_ERROR,
  IN_ASYNC_CONTEXT,
  IN_DELIVERY,
  IS_ASYNC,
  LATE_NAME,
  type LateName,
  MUST_CANCEL,
  NO_ASYNC_CONTEXT,
  NONE,
  OWN_CONTEXT,
  type Request,
  SCOPE_PENDING,
  type Scope,
  type ScopeWait,
  STATE,
  type TaskRole,
  type Waiter,
} from './engine/roles.ts';
import {
  askedScopes,
  cancelScope,
  carried,
  carryTo,
  hasLines,
  hasReceived,
  isDone,
  isQuiet,
  LOST,
  noteResumed,
  OVER,
  ownInChain,
  RootScope,
  setPending,
  takePending,
  waitsOf,
} from './engine/scope.ts';
import { isFrame, step, takeError } from './engine/step.ts';
import type { EventLoop } from './event-loop.ts';
import {
  CANCELLED,
  FAILED,
  Future,
  lookUpThenOfFuture,
  PENDING,
  type RareFields,
  SUCCEEDED,
  type WaitRecord,
} from './future.ts';
import type { Unretrieved } from './reports.ts';
import { knownEmptyFrame, newFrameWithout } from './runtime/async-frames.ts';
import {
  type AbortSignalLike,
  type AsyncFrame,
  canTellTasks,
  logger,
  newAsyncFrame,
  type PlatformAbortSignal,
} from './runtime/platform.ts';
import { ownCoroutine } from './shared-checkpoint.ts';
import { stackOfError, stackOfFrames } from './task-stack.ts';
import { WhyCancelled, type WhyOutcome } from './why.ts';

/** Options of a new task. */
export interface TaskOptions {
  /** For messages and tools; `Task-1`, `Task-2`… when absent. */
  readonly name?: string | null | undefined;
  /** The context to run in; a copy of the current one when absent. */
  readonly context?: Context | null | undefined;
  /** Runs the coroutine up to its first suspension at once, inside the call. */
  readonly eagerStart?: boolean | undefined;
  /** Cancels the task when it is aborted. */
  readonly signal?: AbortSignalLike | undefined;
  /**
   * Keeps the values of `AsyncLocalStorage` as they are now for every step. Async functions always keep them, also
   * those that this library calls; for generator coroutines this option is needed, because it makes each step slower.
   */
  readonly asyncContext?: boolean | undefined;
}

/** @internal */
export const TASK_OPTIONS = ['name', 'context', 'eagerStart', 'signal', 'asyncContext'] as const;
const WITH_LOOP: readonly string[] = [...TASK_OPTIONS, 'loop'];

/** Describes who asked for a task's cancellation, and when. */
export interface CancelRequest {
  /** The task that called `cancel()`, `null` when a callback or code outside the loop did. */
  readonly by: Task<unknown> | null;
  /** What was given to `cancel()`. */
  readonly message: unknown;
  /** The time of the request, in seconds of the loop's clock. */
  readonly at: number;
  /**
   * The construct or event that made the request, such as `timeout(5 s)`, or a sentence about the task that awaited
   * this one and was cancelled; `null` when `cancel()` was called directly.
   */
  readonly through: string | null;
}

/** Fields that only few tasks need: for a second waiter, nested frames, a cancellation. */
class TaskExtra implements RareFields {
  otherWaiters: Waiter[] | null = null;
  unretrieved: Unretrieved | null = null;
  purpose: WaitRecord | null = null;
  cancelMessage: unknown = undefined;
  error: unknown = NONE;
  parents: Frame[] | null = null;
  must: Request | null = null;
  mustOf: Scope | null = null;
  /** The scope of the task's own frames. */
  at: Scope | null = null;
  /** How many requests the constructs of all scopes have made and not taken back. */
  ownTotal = 0;
  /** In how many scopes other than its root a request is pending. */
  pendingScopes = 0;
  /** The error that the task ends with once its lines have cleaned up. */
  ending: unknown = null;
}

/**
 * The scope of a task's body, for tasks that need one: tasks of async functions, cancelled tasks, and tasks that need
 * `TaskExtra`. It holds the fields that such tasks need, too. So a task takes 104 bytes, 128 more with this object, and
 * another 128 with `TaskExtra`: programs have many tasks.
 */
class TaskRoot extends RootScope implements RareFields {
  /** The function that the task was made of; `null` for a coroutine, which is a frame of the task. */
  fn: CoroutineLike<unknown> | null = null;
  /** The async context of the task's async functions. */
  frameOfCalls: AsyncFrame | null = null;
  following: Following | null = null;
  /**
   * How many calls of `cancel()` were not taken back. It is below zero when `uncancel()` has taken back requests of
   * constructs, until these take them back themselves.
   */
  cancels = 0;
  /** The request that was made last. */
  request: Request | null = null;
  _more: TaskExtra | null = null;

  _moreFields(): TaskExtra {
    this._more ??= new TaskExtra();
    return this._more;
  }

  get otherWaiters(): Waiter[] | null {
    return this._more === null ? null : this._more.otherWaiters;
  }

  set otherWaiters(value: Waiter[] | null) {
    if (this._more !== null || value !== null) this._moreFields().otherWaiters = value;
  }

  get unretrieved(): Unretrieved | null {
    return this._more === null ? null : this._more.unretrieved;
  }

  set unretrieved(value: Unretrieved | null) {
    if (this._more !== null || value !== null) this._moreFields().unretrieved = value;
  }

  get purpose(): WaitRecord | null {
    return this._more === null ? null : this._more.purpose;
  }

  set purpose(value: WaitRecord | null) {
    if (this._more !== null || value !== null) this._moreFields().purpose = value;
  }

  get cancelMessage(): unknown {
    return this._more === null ? undefined : this._more.cancelMessage;
  }

  set cancelMessage(value: unknown) {
    if (this._more !== null || value !== undefined) this._moreFields().cancelMessage = value;
  }

  get error(): unknown {
    return this._more === null ? NONE : this._more.error;
  }

  set error(value: unknown) {
    if (this._more !== null || value !== NONE) this._moreFields().error = value;
  }

  get parents(): Frame[] | null {
    return this._more === null ? null : this._more.parents;
  }

  set parents(value: Frame[] | null) {
    if (this._more !== null || value !== null) this._moreFields().parents = value;
  }

  get must(): Request | null {
    return this._more === null ? null : this._more.must;
  }

  set must(value: Request | null) {
    if (this._more !== null || value !== null) this._moreFields().must = value;
  }

  get at(): Scope | null {
    return this._more === null ? null : this._more.at;
  }

  set at(value: Scope | null) {
    if (this._more !== null || value !== null) this._moreFields().at = value;
  }

  get ownTotal(): number {
    return this._more === null ? 0 : this._more.ownTotal;
  }

  set ownTotal(value: number) {
    if (this._more !== null || value !== 0) this._moreFields().ownTotal = value;
  }

  get ending(): unknown {
    return this._more === null ? null : this._more.ending;
  }

  set ending(value: unknown) {
    if (this._more !== null || value !== null) this._moreFields().ending = value;
  }
}

let tasksMade = 0;

/**
 * The task whose `cancel()` a construct calls, and the construct. It is no parameter of `cancel()`, because a class
 * that overrides that method passes on only the message, as in Python.
 */
let behalf: { readonly task: object; readonly through: object | string } | null = null;

/**
 * Sets the number from which tasks without a name are counted. A simulation counts its own tasks from the beginning, so
 * that their names are the same in each run.
 *
 * @param last the number that was given last
 * @returns the one before this call
 */
export function numberTasksFrom(last: number): number {
  const before = tasksMade;
  tasksMade = last;
  return before;
}

function givenName(name: string | LateName): string | LateName {
  return typeof name === 'object' && LATE_NAME in name ? name : String(name);
}

/**
 * Keeps the async context of the code that makes a task. The library's value in it is replaced before the task's
 * functions are called, so it need not be kept, except with `asyncContext`.
 */
function newFrameOfCalls(options: TaskOptions): AsyncFrame | null {
  return options.asyncContext === true ? newAsyncFrame() : newFrameWithout(current.storage);
}

/** If a task has any of these marks, its next step has to look for an error to throw (`takeError`). */
const ALERTS = MUST_CANCEL | HAS_ERROR | SCOPE_PENDING;
/** Of these marks a new task of an async function has only IS_ASYNC while it is in the ready queue: see `_isFresh`. */
const FRESH = ALERTS | STATE | IS_ASYNC;

/**
 * A future that drives a coroutine: `createTask` makes one.
 *
 * | it is…    | `_waiting`        | in the ready queue | left by                         |
 * |-----------|-------------------|--------------------|---------------------------------|
 * | scheduled | `null`, or done   | yes                | the loop takes its turn         |
 * | running   | `null`            | no                 | the coroutine waits or ends     |
 * | waiting   | a pending future  | no                 | the future is done              |
 * | following | `null` (`_following`) | no             | the promise of its async function settles; a request, if it need not be waited for |
 * | ending    | `null` (ENDING)   | no                 | its cancelled lines have cleaned up |
 * | done      | –                 | no                 | –                               |
 *
 * It is small, because programs have many tasks: fields that few tasks need are in `_rare`, the future that it waits
 * for is stored where its result will be, and the flags share an integer with the state.
 *
 * Follows CPython's `asyncio.Task`.
 */
export class Task<T = unknown> extends Future<T> implements TaskRole {
  static {
    bindWhenRead(Task.prototype, ['cancel'], true);
  }

  /** The context, if it was needed (OWN_CONTEXT); until then the values with which the task was made. @internal */
  _within: Context | Values;
  /** The innermost frame; that of a coroutine stays when the task is done. @internal */
  _frame: Frame | null = null;
  // Neighbours in the loop's list of tasks that are not done.
  /** @internal */
  _previous: Task<unknown> | null = null;
  /** @internal */
  _next: Task<unknown> | null = null;
  /** Until the name is first read: its number, or the object that puts it together. @internal */
  _name: string | number | LateName;
  /** @internal */
  declare _rare: TaskRoot | null;

  /**
   * Prefer `createTask`, which uses the loop's task factory.
   *
   * @throws {TypeError} when `coro` is not a coroutine, or `options.context` no context
   * @throws {RuntimeError} when a task already runs the coroutine; when the loop is closed; when it is to start eagerly
   * in a context that is entered already
   */
  constructor(coro: CoroutineLike<T>, options: TaskOptions & { readonly loop?: EventLoop | null | undefined } = {}) {
    if (typeof options !== 'object' || options === null) checkOptions('Task', options, WITH_LOOP);
    super(options as { loop?: EventLoop | null });
    if (options !== this._loop._defaults) {
      checkOptions('Task', options, WITH_LOOP);
      if (options.signal !== undefined) checkSignal(options.signal);
    }
    const context = givenContext(options.context); // before the coroutine belongs to this task
    this._value = null;
    const own = ownCoroutine(coro);
    // These throw if the context is entered, or the loop closed: before the task claims the coroutine, and before hooks
    // are called.
    // Where the signal is aborted already, it is cancelled before its first step.
    const mayStart = options.eagerStart === true && options.signal?.aborted !== true;
    const isEager = mayStart && this._canStartEagerly(own);
    if (isEager) context?.run(() => {});
    else this._loop._checkClosed();
    if (typeof own === 'function') {
      const root = this._rareFields();
      root.fn = own;
      root.frameOfCalls = newFrameOfCalls(options);
      if (isAsyncFunction(own)) this._marks |= IS_ASYNC;
    } else {
      // `createTask` has checked it already. Each check takes some 10 ns, because coroutines are objects of many
      // classes.
      if (options !== this._loop._defaults && !iscoroutine(own))
        throw typeError(`a coroutine was expected, got ${describe(own)}`, 'NOT_A_COROUTINE');
      // Otherwise two tasks would alternate in the same body.
      let isOurs = true;
      if ((own as Partial<Enterable>)[ENTER] !== undefined) (own as Iterable<unknown>)[Symbol.iterator]();
      else isOurs = claim(own, this._loop._hasManyTasks());
      this._frame = own;
      // A coroutine of this library may call an async function, such as the body of a timeout.
      if (isOurs || options.asyncContext === true) this._rareFields().frameOfCalls = newFrameOfCalls(options);
    }
    if (options.asyncContext === true && this._rare!.frameOfCalls !== null) this._marks |= IN_ASYNC_CONTEXT;
    this._name = options.name === undefined || options.name === null ? ++tasksMade : givenName(options.name);
    if (context === null) {
      this._within = currentValues();
    } else {
      this._within = context;
      this._marks |= OWN_CONTEXT;
    }
    if (hooks.taskSpawned !== null) emit('taskSpawned', this, runningTask());
    if (isEager) {
      this._startEagerly();
    } else {
      this._loop._schedule(this);
      this._loop._register(this);
    }
    if (options.signal !== undefined && this._state === PENDING) cancelOnAbort(this, options.signal);
  }

  // ------------------------------------------------------------------------------------------- fields of few tasks

  /** @internal */
  override _rareFields(): TaskRoot {
    this._rare ??= new TaskRoot(this);
    return this._rare;
  }

  /** What the task was made of. @internal */
  get _coro(): CoroutineLike<T> {
    const fn = this._rare === null ? null : this._rare.fn;
    const coro = fn ?? this._parents?.[0] ?? this._frame;
    return coro as CoroutineLike<T>;
  }

  /** @internal */
  get _root(): Scope | null {
    return this._rare;
  }

  /** @internal */
  _rootScope(): Scope {
    return this._rareFields();
  }

  /** @internal */
  get _at(): Scope | null {
    return this._rare === null ? null : this._rare.at;
  }

  /** @internal */
  get _request(): Request | null {
    return this._rare === null ? null : this._rare.request;
  }

  /** Whether a cancellation of the task is to be delivered at its next step: a view for white-box tests. @internal */
  get _mustCancel(): boolean {
    return (this._marks & MUST_CANCEL) !== 0;
  }

  /** One of the awaits of its async functions that are under way: a view for white-box tests. @internal */
  get _waits(): ScopeWait | null {
    return waitsOfRoot(this).find((wait) => wait._following === null) ?? null;
  }

  /** @internal */
  get _parents(): Frame[] | null {
    return this._rare === null ? null : this._rare.parents;
  }

  /** @internal */
  set _parents(parents: Frame[] | null) {
    this._rareFields().parents = parents;
  }

  /** @internal */
  get _following(): Following | null {
    return this._rare === null ? null : this._rare.following;
  }

  /** @internal */
  set _following(following: Following | null) {
    if (this._rare !== null || following !== null) this._rareFields().following = following;
  }

  /** @internal */
  get _error(): unknown {
    return this._rare === null ? NONE : this._rare.error;
  }

  /** @internal */
  set _error(error: unknown) {
    if (error === NONE) {
      if (this._rare !== null) this._rare.error = NONE;
      this._marks &= ~HAS_ERROR;
    } else {
      this._rareFields().error = error;
      this._marks |= HAS_ERROR;
    }
  }

  /** @internal */
  get _must(): Request | null {
    return this._rare === null ? null : this._rare.must;
  }

  /** @internal */
  set _must(request: Request | null) {
    if (request === null) {
      if (this._rare !== null) this._rare.must = null;
    } else {
      this._rareFields().must = request;
      this._marks |= HAS_ERROR;
    }
  }

  /** @internal */
  get _pendingScopes(): number {
    return this._rare === null || this._rare._more === null ? 0 : this._rare._more.pendingScopes;
  }

  /** @internal */
  set _pendingScopes(count: number) {
    this._rareFields()._moreFields().pendingScopes = count;
  }

  /** @internal */
  get _mustOf(): Scope | null {
    return this._rare === null || this._rare._more === null ? null : this._rare._more.mustOf;
  }

  /** @internal */
  set _mustOf(scope: Scope | null) {
    this._rareFields()._moreFields().mustOf = scope;
  }

  /**
   * Not needed for its own frames: they are one line, so a request that they have received is not pending any more.
   * @internal
   */
  get _received(): number {
    return 0;
  }

  /** The future that it waits for, stored where its result will be. @internal */
  get _waiting(): FutureLike | null {
    return this._state === PENDING ? (this._value as FutureLike | null) : null;
  }

  /** @internal */
  set _waiting(future: FutureLike | null) {
    if (this._state === PENDING) this._value = future;
  }

  /** @internal */
  get _context(): Context {
    if ((this._marks & OWN_CONTEXT) !== 0) return this._within as Context;
    const own = contextOf(this._within as Values);
    this._within = own;
    this._marks |= OWN_CONTEXT;
    return own;
  }

  /** @internal */
  get _ownContext(): Context | null {
    return (this._marks & OWN_CONTEXT) !== 0 ? (this._within as Context) : null;
  }

  /** @internal */
  _currentValues(): Values {
    return (this._marks & OWN_CONTEXT) !== 0 ? (this._within as Context)._values : (this._within as Values);
  }

  /** @internal */
  _frameOfCalls(): AsyncFrame {
    const rare = this._rareFields();
    if (rare.frameOfCalls === null && (this._marks & NO_ASYNC_CONTEXT) !== 0) rare.frameOfCalls = knownEmptyFrame();
    rare.frameOfCalls ??= newFrameWithout(current.storage);
    return rare.frameOfCalls!; // called only in runtimes with async contexts
  }

  /** @internal */
  get _task(): this {
    return this;
  }

  /** @internal */
  get _awaiter(): this {
    return this;
  }

  // ------------------------------------------------------------------------------------------- public members

  /**
   * As `Future.then`. Declared here too, so that the JavaScript engine, which reads it at each `await`, searches one
   * prototype less.
   */
  override get then(): Future<T>['then'] {
    return lookUpThenOfFuture(this) as Future<T>['then'];
  }

  /** The task's name. */
  getName(): string {
    const name = this._name;
    if (typeof name === 'string') return name;
    const told = typeof name === 'number' ? `Task-${name}` : name[LATE_NAME]();
    this._name = told;
    return told;
  }

  /** Renames the task. */
  setName(name: string): void {
    this._name = String(name);
  }

  /** The coroutine of the task. */
  getCoro(): CoroutineLike<T> {
    return this._coro;
  }

  /** The context that the coroutine runs in. */
  getContext(): Context {
    return this._context;
  }

  /** @throws {RuntimeError} always: the result of a task is that of its coroutine */
  override setResult(_result: T): never {
    throw new RuntimeError('Task does not support set_result operation: its result is what its coroutine returns', {
      code: 'IS_A_TASK',
    });
  }

  /** @throws {RuntimeError} always: the error of a task is that of its coroutine */
  override setException(_error: unknown): never {
    throw new RuntimeError('Task does not support set_exception operation: its error is what its coroutine throws', {
      code: 'IS_A_TASK',
    });
  }

  /**
   * The stack of the task: the functions from the outermost to the one that waits, if they are known (a raw `yield*`
   * hides the inner generators). For a failed task, the lines of its error's stack; for other finished tasks, nothing.
   *
   * @param options `limit`: the largest number of entries; the innermost ones are kept, for an error the outermost
   */
  getStack(options: { readonly limit?: number | null } = {}): string[] {
    checkOptions('getStack', options, ['limit']);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    if (this._state === PENDING) {
      const frames = stackOfFrames(this._coro, this);
      return limit < frames.length ? frames.slice(frames.length - limit) : frames;
    }
    return this._state === CANCELLED ? [] : stackOfError(this._value).slice(0, limit);
  }

  /** Prints what `getStack` gives, through the library's logger. */
  printStack(options: { readonly limit?: number | null } = {}): void {
    const frames = this.getStack(options);
    const title = this._state === PENDING ? 'Stack' : 'Traceback';
    if (frames.length === 0) logger.error(`No stack for ${this}`);
    else
      logger.error(
        [`${title} for ${this} (most recent call last):`, ...frames.map((frame) => `  ${frame}`)].join('\n'),
      );
  }

  // ------------------------------------------------------------------------------------------- cancellation

  /**
   * Requests the end of the task: in the loop's next iteration a `CancelledError` is thrown where each of its lines
   * waits. The task is cancelled when the coroutine lets the error through; the coroutine may clean up first, or catch
   * the error and continue.
   *
   * @param message carried by the `CancelledError`; by position or, with Python's name, as `{ msg }`
   * @returns false when the task is done already
   * @example
   * const task = createTask(() => sleep(60));
   * await sleep(1);
   * console.log(task.cancel('too late'), task.cancelled()); // true false
   * await wait([task]);
   * console.log(task.cancelled()); // true
   */
  override cancel(message?: unknown): boolean {
    if (this._rare !== null) this._retrieved();
    if (this._state !== PENDING) return false;
    if ((this._marks & IN_DELIVERY) !== 0 && carried.request !== null) {
      chain.circular.push(this);
      return false;
    }
    const rare = this._rareFields();
    const by = runningTask();
    const through = behalf?.task === this ? behalf.through : null;
    const text = anyByName('msg', message);
    rare.cancels++;
    rare.request = new MadeRequest(this, by, text, through, carried.request, this._loop.time());
    if (hooks.cancelRequested !== null) emit('cancelRequested', this, by, text);
    deliver(this, rare.request);
    return true;
  }

  /**
   * Calls `cancel()`, which a subclass or the program may have overridden, on behalf of a construct.
   *
   * @param through the construct, for the texts of errors and for `why()` @internal
   */
  _cancelFor(through: object | string, message?: unknown): boolean {
    const outer = behalf;
    behalf = { task: this, through };
    try {
      return this.cancel(message);
    } finally {
      behalf = outer;
    }
  }

  /** Delivers a request to the task's lines, or keeps it for the next wait. @internal */
  _deliver(request: Request): void {
    if (this._state !== PENDING) return;
    const root = this._rare!;
    if (isQuiet(root) && root.following === null) {
      // The awaited future is kept: it may be a task that refuses, and may have to be cancelled again.
      const waiting = this._value as FutureLike | null;
      const isHit = waiting !== null && carryTo(waiting, request, request.message);
      abortSignals(root, request);
      if (isHit) return;
      // Made pending only after the signals: code that reads the signal's reason there takes back what is pending, but
      // it is not the line that this request is for.
      this._marks |= MUST_CANCEL;
      this.cancelMessage = request.message;
      return;
    }
    const running = runningScope();
    const cancelsItself = running !== null && running.task === this;
    cancelScope(root, request, leaveBody, cancelsItself);
    abortSignals(root, request);
    // Pending only now, for the same reason as above.
    if (cancelsItself) setPending(root, request);
  }

  /**
   * Its request has come back to it, because what it waits for waits for it in turn, and will not end by itself: leaves
   * its waits. @internal
   */
  _leaveWaits(): void {
    const request = this._request;
    if (this._state !== PENDING || request === null) return;
    const waiting = this._waiting;
    if (waiting !== null && !isDone(waiting)) {
      if (waiting._isPlain?.() === true) {
        (waiting as Future<unknown>)._removeWaiter(this);
        (waiting as Future<unknown>)._left();
      }
      this._value = null;
      this._error = cancelledError(request.message, request);
      this._marks &= ~MUST_CANCEL;
      this._loop._schedule(this);
    }
    for (const wait of waitsOfRoot(this)) {
      if (wait._isOver || wait._isRunning || wait._waiting === null || isDone(wait._waiting)) continue;
      wait._must = null;
      wait._leave(cancelledError(request.message, request));
    }
  }

  /** The latest request to cancel the task; `null` when there was none. */
  get cancelRequest(): CancelRequest | null {
    const request = this._request;
    if (request === null) return null;
    const { by, message, at, through } = request;
    return { by: by as Task<unknown> | null, message, at, through };
  }

  /**
   * Why the task is being cancelled, or was: who asked, when, with what message, through which construct, and what has
   * become of the request. If only a part of the task is being cancelled, by a deadline or a group, it describes that
   * request. `null` when there was no request.
   *
   * @example
   * const task = createTask(() => sleep(60), { name: 'load' });
   * await sleep(1);
   * task.cancel('too late');
   * await wait([task]);
   * console.log(task.why()?.outcome, task.why()?.requests[0]?.message); // cancelled too late
   */
  why(): WhyCancelled | null {
    const scope = this._at ?? waitsOfRoot(this)[0]?._at ?? null;
    const request = this._request ?? (scope === null ? null : (askedScopes(scope)[0]?.asked ?? null));
    return request && new WhyCancelled(request, this._outcomeOf(request, scope));
  }

  /** @internal */
  _outcomeOf(request: Request, scope: Scope | null): WhyOutcome {
    if (request === this._request && this.cancelling() === 0 && this._state !== CANCELLED) return 'taken back';
    if (this._state !== PENDING) return OUTCOMES[this._state]!;
    const waiting = waitingOf(this);
    // What is pending in another scope (SCOPE_PENDING) is another request, for another line.
    const isKept = (this._marks & (MUST_CANCEL | HAS_ERROR)) !== 0 || isPendingIn(scope, request);
    const isOnItsWay = isKept || (waiting !== null && isDone(waiting));
    return isOnItsWay ? 'pending' : 'delivered';
  }

  /**
   * The number of requests to cancel: plus one for each `cancel()`, minus one for each `uncancel()`. For a line of the
   * task it includes requests to the scopes around the line (for example a deadline that has passed), for other code
   * those to all scopes.
   */
  cancelling(): number {
    const rare = this._rare;
    if (rare === null) return 0;
    if (rare.ownTotal === 0) return rare.cancels < 0 ? 0 : rare.cancels;
    const scope = runningTask() === this ? runningScope() : null;
    return Math.max(0, rare.cancels + (scope === null ? rare.ownTotal : ownInChain(scope)));
  }

  /**
   * Takes one request to cancel back. When none is left, a request that was not delivered yet is dropped.
   *
   * @returns how many requests are left
   */
  uncancel(): number {
    if (this.cancelling() === 0) return 0;
    const rare = this._rare!;
    rare.cancels--;
    const left = this.cancelling();
    if (left === 0) {
      this._marks &= ~MUST_CANCEL;
      rare.must = null;
      const scope = runningTask() === this ? runningScope() : null;
      if (scope !== null) takePending(scope);
      // The task goes on, so work that it starts from now on needs a signal that is not aborted.
      for (let at = scope ?? rare; at !== null; at = at.parent!) if (at.signal?.isAborted === true) at.signal = null;
    }
    return left;
  }

  /** The number of requests from outside a scope of the task. @internal */
  _requestsTo(scope: Scope): number {
    const rare = this._rare;
    if (rare === null) return 0;
    return Math.max(0, rare.cancels + ownInChain(scope.parent));
  }

  /**
   * The signal of the body, aborted when the task is cancelled, with the `CancelledError` as its reason. For `fetch`
   * and other functions that take a signal. When a line of the task reads it, it is the signal of the line's innermost
   * scope, so that a deadline around the line aborts it too. Code that reads its reason has seen the cancellation: it
   * is not thrown again at the next await of something of this library.
   *
   * @throws {RuntimeError} where the runtime has no `AbortController`
   */
  get signal(): PlatformAbortSignal {
    const scope = runningTask() === this ? runningScope() : null;
    return signalOf(scope ?? this._rareFields(), this);
  }

  /**
   * Only the first error has a message that was given to `cancel()`, as in CPython. If none was given, later errors
   * also tell who asked. @internal
   */
  override _newCancelledError(): CancelledError {
    const request = this._request ?? (this._value as Request | null);
    return cancelledError(this.cancelMessage, request?.message === undefined ? request : null);
  }

  /**
   * If the cancellation of something that it waited for has ended it, the request to that is kept for later errors.
   * @internal
   */
  override _takeCancelledError(): unknown {
    const kept = isCancelledError(this._value) ? CancelledError.storyOf(this._value) : this._value;
    const error = super._takeCancelledError();
    this._value = kept;
    return error;
  }

  // ------------------------------------------------------------------------------------------- steps

  /** One step: the loop starts or resumes the coroutine. @internal */
  _run(): void {
    const marks = this._marks;
    if ((marks & STATE) !== 0) {
      this._reportDone();
      return;
    }
    let error: unknown = NONE;
    const isWatched = watched.steps;
    if ((marks & ALERTS) !== 0 || isWatched) error = takeError(this);
    else this._value = null;
    const outer = current.context;
    const rare = this._rare;
    current.task = this;
    current.context = (marks & OWN_CONTEXT) !== 0 ? (this._within as Context) : null;
    if (rare !== null) {
      if (rare._more === null) {
        // As `noteResumed(rare)`: the frames are in the root scope.
        rare.resumed = ++sequence.now;
      } else {
        current.scope = rare.at;
        noteResumed(rare.at ?? rare);
      }
    }
    if (current.entersBeforeCalls && this._frame !== null) enterAsyncContext(current.scope ?? this._rootScope());
    try {
      if (isWatched) this._watchedStep(error);
      else if ((marks & IN_ASYNC_CONTEXT) !== 0) this._stepInAsyncContext(error);
      else if (this._frame !== null) step(this, error);
      else this._call(error);
    } finally {
      if (current.scope !== null || (rare !== null && rare._more !== null)) this._stepped(current.scope);
      if (current.outerStore !== NOT_ENTERED) leaveAsyncContext();
      current.task = null;
      current.scope = null;
      current.context = outer;
    }
  }

  /** The task was ended from outside, with the methods of its base class. @internal */
  _reportDone(): void {
    const exception = new InvalidStateError(`_step(): already done: ${this}`, { code: 'ALREADY_DONE' });
    this._loop.callExceptionHandler({ message: `Exception in callback of ${this}`, exception, task: this });
  }

  /** @internal */
  _watchedStep(error: unknown): void {
    if (hooks.beforeStep !== null) emit('beforeStep', this);
    try {
      if (watched.around !== null) watched.around(this, () => this._stepInAsyncContext(error));
      else this._stepInAsyncContext(error);
    } finally {
      if (hooks.afterStep !== null && this._loop._step.task !== this) emit('afterStep', this);
    }
  }

  /** @internal */
  _stepInAsyncContext(error: unknown): void {
    if ((this._marks & IN_ASYNC_CONTEXT) === 0) {
      this._stepOrCall(error);
      return;
    }
    const { outerStore } = current;
    this._frameOfCalls().runInAsyncScope(() => {
      // Async functions that the step calls belong to this task, not to the one that has made it, whose scope is in the
      // async context.
      enterAsyncContext(current.scope ?? this._rootScope());
      this._stepOrCall(error);
    }, undefined);
    current.outerStore = outerStore;
  }

  /** @internal */
  _stepOrCall(error: unknown): void {
    if (this._frame !== null) step(this, error);
    else this._call(error);
  }

  /**
   * True only before the first step: afterwards the task of an async function is not in the ready queue any more,
   * because its awaits are (`PendingAwait`). @internal
   */
  _isFresh(): boolean {
    return (this._marks & FRESH) === IS_ASYNC;
  }

  /** The first step of a task made of a function: calls it. @internal */
  _call(error: unknown): void {
    if (error !== NONE) {
      this._failed(error); // cancelled before its first step: the function is never called
      return;
    }
    const coro = this._coro as CoroutineFunction<unknown>;
    let begun: Frame | PromiseLike<unknown>;
    try {
      if (isGeneratorFunction(coro)) {
        begun = callCoroutineFunction(this, coro, []);
      } else {
        const result = callFirst(this, coro as () => unknown);
        if (result === NONE) return;
        begun = begunOf(result, coro);
      }
    } catch (failure) {
      this._failed(failure);
      return;
    }
    if (isFrame(begun)) {
      this._frame = begun;
      if (current.entersBeforeCalls) enterAsyncContext(current.scope ?? this._rootScope());
      step(this, NONE);
    } else {
      follow(this, begun, null);
    }
  }

  /**
   * Whether it may start eagerly. Not outside a running loop, as in CPython. Not with an async function whose awaits
   * could not be distinguished from those of the task that starts it. @internal
   */
  _canStartEagerly(coro: CoroutineLike<unknown>): boolean {
    if (!this._loop.isRunning()) return false;
    if (canTellTasks() || iscoroutine(coro) || isGeneratorFunction(coro)) return true;
    return current.loop !== null && (current.task === null || !hasAsyncCalls(current.task));
  }

  /** @internal */
  _startEagerly(): void {
    const outer = enterContext(this._context);
    try {
      runAs(this._loop, this, null, this._context, false, firstStep, this as Task<unknown>, null, null);
    } finally {
      leaveContext(outer);
    }
  }

  /** @internal */
  _noteReceived(): void {}

  /** @internal */
  _stepping(): void {}

  /** @internal */
  _stepped(scope: Scope | null): void {
    if (this._rare !== null || scope !== null) this._rareFields().at = scope;
  }

  /** @internal */
  _follow(promise: PromiseLike<unknown>, leavable: Scope | null): void {
    follow(this, promise, leavable);
  }

  // ------------------------------------------------------------------------------------------- the end

  /** @internal */
  _completed(value: unknown): void {
    const rare = this._rare;
    const isCancelled = (this._marks & MUST_CANCEL) !== 0 && !this._hasRefused();
    if (isCancelled && rare !== null && !isQuiet(rare)) {
      this._failed(cancelledError(this.cancelMessage, rare.request));
      return;
    }
    this._leaveLoop();
    if (isCancelled) {
      // Cancelled right before its end.
      this._marks &= ~MUST_CANCEL;
      if (rare !== null) rare.marks |= LOST;
      this._finish(CANCELLED, rare?.request ?? null);
    } else {
      if (rare !== null && rare.cancels > 0 && this._loop.getDebug()) this._reportSwallowed();
      this._finish(SUCCEEDED, value);
    }
    if (rare !== null) {
      rare.marks |= OVER;
      if (!isQuiet(rare)) this._loop._noteLineLeft(rare);
    }
    if (hooks.taskFinished !== null) emit('taskFinished', this, null);
  }

  /**
   * Whether the pending request is only for other lines: the line that ends the task has already received it, and has
   * returned all the same. @internal
   */
  _hasRefused(): boolean {
    const { _step: step } = this._loop;
    return step.task === this && hasReceived(this, step.received);
  }

  /**
   * Reports a swallowed cancellation: in JavaScript `catch` catches cancellations too, which is the most common
   * mistake. @internal
   */
  _reportSwallowed(): void {
    const story = this._request === null ? 'the task was cancelled' : this._request.tell();
    logger.warn(
      `${this} has swallowed a CancelledError and returned: ${story}. A catch block that continues should begin with ` +
        'rethrowIfCancelled(error); code that made the request itself should take it back with uncancel().',
    );
  }

  /** @internal */
  _failed(thrown: unknown): void {
    const error = errorOfThrown(unwrapCancellation(thrown));
    const rare = this._rare;
    if (rare !== null) {
      rare.marks |= isCancelledError(error) ? OVER | LOST : OVER;
      if (!isQuiet(rare) && !leavesTheLoop(error) && this._endLines(rare)) {
        // No frame may be run any more, but `getCoro()` still has to find the coroutine.
        if (this._frame !== null) rare.parents = [this._frame];
        this._frame = null;
        this._marks |= ENDING;
        rare.ending = error;
        return;
      }
    }
    this._end(error);
  }

  /**
   * The number (`Request.order`) of the latest request to the task that was not taken back; `null` for none. @internal
   */
  get _requestOrder(): number | null {
    const rare = this._rare;
    return rare !== null && rare.cancels > 0 && rare.request !== null ? rare.request.order : null;
  }

  /**
   * Cancels the lines that still wait when the task fails, unless they have received a request before. Returns whether
   * there are any. @internal
   */
  _endLines(root: TaskRoot): boolean {
    const isAsked = this._requestOrder !== null;
    const request = isAsked ? root.request! : new MadeRequest(this, null, undefined, THE_END, null, this._loop.time());
    cancelScope(root, request, leaveBody, false, request.order);
    return hasLines(root);
  }

  /** @internal */
  _linesEnded(): void {
    if ((this._marks & ENDING) === 0) return;
    this._marks &= ~ENDING;
    this._end(this._rare!.ending);
  }

  /** @internal */
  _end(error: unknown): void {
    this._leaveLoop();
    this._marks &= ~MUST_CANCEL;
    if (isCancelledError(error)) {
      this.cancelMessage = undefined;
      this._finish(CANCELLED, error);
    } else if (this._loop._isClosed) {
      this._finish(FAILED, error); // the run has reported that it left the task behind
    } else {
      this._fail(error);
    }
    if (hooks.taskFinished !== null) emit('taskFinished', this, this._state === CANCELLED ? null : { error });
    if (leavesTheLoop(error)) throw error;
  }

  /** @internal */
  _leaveLoop(): void {
    if (this._rare !== null && this._rare.fn !== null) this._frame = null;
    this._loop._unregister(this);
  }

  /** @internal */
  override _details(): string[] {
    const details = super._details();
    if (this._state === PENDING && this._rare !== null && this._rare.cancels + this._rare.ownTotal > 0)
      details[0] = 'cancelling';
    details.splice(1, 0, `name=${quote(this.getName())}`, `coro=<${this._describeCoroutine()}>`);
    const waiting = waitingOf(this);
    if (waiting !== null) details.splice(3, 0, `wait_for=${waiting}`);
    return details;
  }

  /** @internal */
  _describeCoroutine(): string {
    const coro = this._coro;
    if (coro instanceof CoroutineObject) return coro._call;
    return typeof coro === 'function' ? describeFunction(coro) : describe(coro);
  }
}

/** Whether a request is pending in a scope or one around it. */
function isPendingIn(scope: Scope | null, request: Request): boolean {
  for (let at = scope; at !== null; at = at.parent) if (at.pending === request) return true;
  return false;
}

/** By the state of the task. */
const OUTCOMES: readonly WhyOutcome[] = ['pending', 'swallowed', 'failed', 'cancelled'];

const THE_END = 'the end of its task';

function firstStep(task: Task<unknown>): void {
  task._loop._register(task);
  try {
    if (task._frame !== null) step(task, NONE);
    else task._call(NONE);
  } finally {
    task._stepped(current.scope);
  }
}

/**
 * The delivery of a request along a chain of tasks, each of which awaits the next one. It is recursive only down to
 * some depth, because a chain may be longer than the call stack allows; deeper tasks are put into a list. Tasks may
 * also await each other in a circle. If the request comes back to a task, the waits of that task are left, because
 * nothing else would end them.
 */
const chain: {
  depth: number;
  deferred: [Task<unknown>, Request][];
  /** The tasks of the list to which delivery has begun. They keep IN_DELIVERY until the list is empty. */
  marked: Task<unknown>[];
  /** The tasks to which the request has come back. */
  circular: Task<unknown>[];
} = { depth: 0, deferred: [], marked: [], circular: [] };
const DEEPEST = 200;

function deliver(task: Task<unknown>, request: Request): void {
  task._marks |= IN_DELIVERY;
  if (chain.depth >= DEEPEST) {
    chain.deferred.push([task, request]);
    return;
  }
  chain.depth++;
  try {
    task._deliver(request);
    if (chain.depth === 1 && chain.deferred.length > 0) deliverDeferred();
  } finally {
    chain.depth--;
    task._marks &= ~IN_DELIVERY;
    if (chain.depth === 0 && chain.circular.length > 0) breakCircles();
  }
}

function deliverDeferred(): void {
  const { deferred, marked } = chain;
  // By index: `shift` takes time that grows with the list.
  for (let i = 0; i < deferred.length; i++) {
    const [task, request] = deferred[i]!;
    marked.push(task);
    task._deliver(request);
  }
  deferred.length = 0;
  for (const task of marked) task._marks &= ~IN_DELIVERY;
  marked.length = 0;
}

function breakCircles(): void {
  for (const task of chain.circular.splice(0)) task._leaveWaits();
}

/** What a task waits for, if it is of this library; of several waits the latest one. `null` if there is none. */
export function waitingOf(task: Task<unknown>): FutureLike | null {
  return stacksOf(task).find((stack) => stack._waiting !== null)?._waiting ?? null;
}

/**
 * The call stacks of a task: its own frames, then the awaits of its async functions, of which the latest comes first.
 */
export function stacksOf(task: Task<unknown>): [Task<unknown>, ...ScopeWait[]] {
  return [task, ...waitsOfRoot(task)];
}

function waitsOfRoot(task: Task<unknown>): ScopeWait[] {
  const root = task._root;
  return root === null ? [] : waitsOf(root);
}

/** A short description of what is waited for. */
export function describeWaiting(waiting: FutureLike | null): string {
  const purpose = (waiting as Partial<Future<unknown>> | null)?._purpose ?? null;
  if (purpose === null) return waiting === null ? 'sleep(0)' : String(waiting);
  return purpose.object === null ? purpose.operation : `${purpose.operation} of ${purpose.object}`;
}

/** Whether a task waits for a promise that is not of this library: the loop cannot end that wait. */
export function isDetached(task: Task<unknown>): boolean {
  if (task.done() || current.task === task || task._loop._step.task === task) return false;
  const stacks = stacksOf(task);
  return (
    stacks.some((stack) => stack._following !== null) &&
    stacks.every((stack) => stack._waiting === null && (stack === task || stack._following !== null))
  );
}
