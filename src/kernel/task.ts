import {
  CancelledError,
  cancelledError,
  errorOfThrown,
  InvalidStateError,
  leavesTheLoop,
  RuntimeError,
  unwrapCancellation,
} from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, describeFunction, quote } from '../internal/describe.ts';
import { cancelOnAbort, TaskSignal } from './abort.ts';
import { type AsyncWait, cancelScope, follow } from './async-step.ts';
import {
  type Context,
  contextOf,
  currentValues,
  enterContext,
  givenContext,
  leaveContext,
  type Values,
} from './context.ts';
import {
  type CoroutineFunction,
  type CoroutineLike,
  CoroutineObject,
  callCoroutineFunction,
  claim,
  iscoroutine,
  isGeneratorFunction,
} from './coroutine.ts';
import { current, runningScope, runningTask } from './current.ts';
import type { EventLoop } from './event-loop.ts';
import { CANCELLED, Future, PENDING, SUCCEEDED } from './future.ts';
import { isFrame, step, takeError } from './generator-step.ts';
import {
  type AbortSignalLike,
  type AsyncScope,
  canTellTasks,
  logger,
  newAsyncScope,
  type PlatformAbortSignal,
} from './host.ts';
import { emit, hooks } from './instruments.ts';
import { clock, type Request, Scope, takePending } from './scope.ts';
import { ENTER, type Frame, type FutureLike, NONE, type Strand } from './strand.ts';
import { stackOfError, stackOfFrames } from './task-stack.ts';

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
   * Keeps the values of `AsyncLocalStorage` as they are now for every step. Async functions always have that, also those that
   * this library calls; for generator coroutines it must be asked for, because it makes each step slower.
   */
  readonly asyncContext?: boolean | undefined;
}

/** Who asked for a task's cancellation. */
export interface CancelRequest {
  /** The task that called `cancel()`, `null` when a callback or code outside the loop did. */
  readonly by: Task<unknown> | null;
  /** What was given to `cancel()`. */
  readonly message: unknown;
  /** When, in seconds of the loop's clock. */
  readonly at: number;
}

/** What only tasks have that were cancelled, or asked for their signal. */
interface Cancellation {
  request: CancelRequest | null;
  /** `undefined` until somebody asks for the signal; `null` where the runtime has none. */
  signal: TaskSignal | null | undefined;
}

let tasksMade = 0;

/** Cancelling a chain of tasks must not need a stack as deep as the chain is long. */
const chain: { depth: number; deferred: { task: Task<unknown>; message: unknown }[] } = { depth: 0, deferred: [] };

/**
 * A future that drives a coroutine: `createTask` makes one.
 *
 * | it is…    | `_waiting`      | in the ready queue | left by                         |
 * |-----------|-----------------|--------------------|---------------------------------|
 * | scheduled | `null`, or done | yes                | the loop takes its turn         |
 * | running   | `null`          | no                 | the coroutine waits or ends     |
 * | waiting   | a pending future | no                | the future is done              |
 * | done      | `null`          | no                 | –                               |
 *
 * A task whose coroutine is an async function waits through its `_waits`, one for each `await` under way.
 *
 * Follows CPython's `asyncio.Task`.
 */
export class Task<T = unknown> extends Future<T> implements Strand {
  readonly #coro: CoroutineLike<T>;
  /** A number until somebody asks for the name. */
  #name: string | number;
  #cancels = 0;
  #cancellation: Cancellation | null = null;
  readonly #stepsInScope: boolean;
  /** The values that the task was made with, as long as nobody has asked for its context. */
  readonly #values: Values;
  /** The context, once somebody has asked for it: most tasks never do. @internal */
  _ownContext: Context | null;
  /** @internal */
  _frame: Frame | null = null;
  /** @internal */
  _parents: Frame[] | null = null;
  /** @internal */
  _waiting: FutureLike | null = null;
  /** @internal */
  _error: unknown = NONE;
  /** A cancellation to deliver at the next step. @internal */
  _mustCancel = false;
  /** @internal */
  _at: Scope | null = null;
  /** @internal */
  _must: Request | null = null;
  /** @internal */
  _following = false;
  /** @internal */
  _leavable: Scope | null = null;
  /** @internal */
  _followed: object | null = null;
  /** How many of its scopes have a request that nobody has got. @internal */
  _pendings = 0;
  /** What its scopes' constructs have asked for. @internal */
  _own = 0;
  /** Its scopes that have a signal of their own. @internal */
  readonly _signalled: Scope[] = [];
  /** @internal */
  _isEnding = false;
  #root: Scope | null = null;
  /** The async context of its async functions. @internal */
  _scope: AsyncScope | null = null;
  /** How many async functions run in it. @internal */
  _asyncCalls = 0;
  // Neighbours in the loop's list of tasks that are not done.
  /** @internal */
  _previous: Task<unknown> | null = null;
  /** @internal */
  _next: Task<unknown> | null = null;

  /**
   * Prefer `createTask`, which lets the loop's task factory decide.
   *
   * @throws {TypeError} when `coro` is no coroutine, or `options.context` no context
   * @throws {RuntimeError} when the coroutine is run by a task already, or the loop is closed
   */
  constructor(coro: CoroutineLike<T>, options: TaskOptions & { readonly loop?: EventLoop | null | undefined } = {}) {
    super(options as { loop?: EventLoop | null });
    this._ownContext = givenContext(options.context); // before the coroutine is this task's
    this.#coro = coro;
    if (typeof coro === 'function') {
      this._scope = newAsyncScope();
    } else {
      if (!iscoroutine(coro)) throw typeError(`a coroutine was expected, got ${describe(coro)}`, 'NOT_A_COROUTINE');
      // A second task would take turns with the first one in the same body.
      let isOurs = true;
      if (ENTER in coro) coro[Symbol.iterator]();
      else isOurs = claim(coro);
      this._frame = coro;
      // A coroutine of this library may call an async function: the body of a timeout, say.
      if (isOurs || options.asyncContext === true) this._scope = newAsyncScope();
    }
    this.#stepsInScope = options.asyncContext === true && this._scope !== null;
    this.#name = options.name === undefined || options.name === null ? ++tasksMade : String(options.name);
    this.#values = this._ownContext === null ? currentValues() : this._ownContext._values;
    if (hooks.taskSpawned !== null) emit('taskSpawned', this, runningTask());
    if (options.eagerStart === true && this.#canStartEagerly()) {
      this.#startEagerly();
    } else {
      this._loop._schedule(this);
      this._loop._register(this);
    }
    if (options.signal !== undefined && this._state === PENDING) cancelOnAbort(this, options.signal);
  }

  /** @internal */
  get _context(): Context {
    this._ownContext ??= contextOf(this.#values);
    return this._ownContext;
  }

  /** @internal */
  _currentValues(): Values {
    return this._ownContext === null ? this.#values : this._ownContext._values;
  }

  /** The scope of its body. @internal */
  _root(): Scope {
    this.#root ??= new Scope(null, this as Task<unknown>, this._loop);
    return this.#root;
  }

  /** One of the awaits of its async functions that are under way. @internal */
  get _waits(): AsyncWait | null {
    let scope = this.#root;
    while (scope !== null && scope.waits === null) scope = scope.children;
    for (let wait = scope?.waits ?? null; wait !== null; wait = wait._nextWait) if (!wait._following) return wait;
    return scope?.children?.waits ?? null;
  }

  /** Whether it waits for something of this library now, lost races apart. @internal */
  _waitsNow(): boolean {
    if (this._waiting !== null) return true;
    const root = this.#root;
    if (root === null) return false;
    const waits: AsyncWait[] = [];
    root.collect(waits);
    return waits.some((wait) => wait._pending && !wait._following && !wait._isObserver && wait._began > root.resumed);
  }

  /** @internal */
  _settleScope(scope: Scope | null): void {
    this._at = scope;
  }

  /** @internal */
  _waitsAgain(): void {}

  /** @internal */
  get _task(): this {
    return this;
  }

  /** @internal */
  get _awaiter(): this {
    return this;
  }

  /** The task's name. */
  getName(): string {
    if (typeof this.#name === 'number') this.#name = `Task-${this.#name}`;
    return this.#name;
  }

  /** Renames the task. */
  setName(name: string): void {
    this.#name = String(name);
  }

  /** What the task was made of. */
  getCoro(): CoroutineLike<T> {
    return this.#coro;
  }

  /** The context that the coroutine runs in. */
  getContext(): Context {
    return this._context;
  }

  /** @throws {RuntimeError} always: a task's result is its coroutine's */
  override setResult(_result: T): never {
    throw new RuntimeError('Task does not support set_result operation: its result is what its coroutine returns', {
      code: 'IS_A_TASK',
    });
  }

  /** @throws {RuntimeError} always: a task's error is its coroutine's */
  override setException(_error: unknown): never {
    throw new RuntimeError('Task does not support set_exception operation: its error is what its coroutine throws', {
      code: 'IS_A_TASK',
    });
  }

  /**
   * Asks the task to end: a `CancelledError` is thrown where its coroutine waits, in the loop's next iteration. The task is
   * cancelled when the coroutine lets the error out; it may clean up first, or refuse.
   *
   * @param message carried by the `CancelledError`
   * @returns false when the task is done already
   */
  override cancel(message?: unknown): boolean {
    if (this._unretrieved !== null) this._retrieved();
    if (this._state !== PENDING) return false;
    this.#cancels++;
    this.#noteRequest(message);
    if (chain.depth >= 200) {
      chain.deferred.push({ task: this as Task<unknown>, message });
      return true;
    }
    chain.depth++;
    try {
      this._deliver(message);
    } finally {
      chain.depth--;
    }
    if (chain.depth === 0)
      while (chain.deferred.length > 0) {
        const { task, message: why } = chain.deferred.shift()!;
        chain.depth++;
        try {
          task._deliver(why);
        } finally {
          chain.depth--;
        }
      }
    return true;
  }

  /** @internal */
  _deliver(message: unknown): void {
    if (this._state !== PENDING) return;
    const root = this.#root;
    if (root === null) {
      // What is waited for stays noted: it may be a task that refuses, and then has to be cancelled again.
      if (!(this._waiting?.cancel(message) ?? false)) {
        this._mustCancel = true;
        this.cancelMessage = message;
      }
    } else {
      if (!cancelScope(root, message, true) && root.clearPending()) {
        this._mustCancel = true;
        this.cancelMessage = message;
      }
    }
    this.#cancellation?.signal?.abort(cancelledError(message));
  }

  /** Whoever has asked a scope for its end, or one around it, is heard again at the next wait. @internal */
  _deliverAgain(scope: Scope): void {
    for (let at: Scope | null = scope; at !== null && at.parent !== null; at = at.parent) {
      if (at.own === 0) continue;
      at.setPending({ message: undefined, at: ++clock.now });
      return;
    }
    this._mustCancel = true;
    this.cancelMessage = undefined;
  }

  #noteRequest(message: unknown): void {
    const by = runningTask();
    const request = { by, message, at: this._loop.time() };
    if (this.#cancellation === null) this.#cancellation = { request, signal: undefined };
    else this.#cancellation.request = request;
    if (hooks.cancelRequested !== null) emit('cancelRequested', this, by, message);
  }

  /** Who asked for the task's cancellation last, `null` when nobody has. */
  get cancelRequest(): CancelRequest | null {
    return this.#cancellation?.request ?? null;
  }

  /** How many requests to cancel there are: one more with each `cancel()`, one less with each `uncancel()`. */
  cancelling(): number {
    const scope = runningTask() === this ? runningScope() : null;
    return Math.max(0, this.#cancels + (scope === null ? this._own : scope.ownInChain()));
  }

  /** Requests that come from outside a scope. @internal */
  _requestsTo(scope: Scope): number {
    return Math.max(0, this.#cancels + (scope.parent?.ownInChain() ?? 0));
  }

  /** A construct takes back what it has asked its scope for. @internal */
  _takeBack(scope: Scope): void {
    this._own -= scope.own;
    scope.own = 0;
    if (this.#cancels + this._own < 0) this.#cancels = -this._own;
  }

  /**
   * Takes a request to cancel back, by whoever made it. When none is left, a request that was not delivered yet is dropped.
   *
   * @returns how many are left
   */
  uncancel(): number {
    if (this.cancelling() === 0) return 0;
    this.#cancels--;
    if (this.cancelling() === 0) {
      this._mustCancel = false;
      takePending(runningTask() === this ? runningScope() : null);
      // The task goes on: what it starts from now on must not find an aborted signal.
      if (this.#cancellation?.signal?.signal.aborted) this.#cancellation.signal = undefined;
    }
    return this.cancelling();
  }

  /**
   * Aborted when the task is cancelled, with the `CancelledError` as its reason: for `fetch` and others that take a signal. Who
   * reads the reason then has seen the cancellation: it is not thrown again at the next await of this library.
   *
   * @throws {RuntimeError} where the runtime has no `AbortController`
   */
  get signal(): PlatformAbortSignal {
    this.#cancellation ??= { request: null, signal: undefined };
    const cancellation = this.#cancellation;
    if (cancellation.signal === undefined) {
      cancellation.signal = TaskSignal.make(() => {
        this._mustCancel = false;
        if (this.#root !== null) {
          this.#root.clearPending();
          this.#root.began = ++clock.now;
        }
      });
      const isCancelled = this.#cancels > 0 || this._state === CANCELLED;
      if (isCancelled) cancellation.signal?.abort(cancelledError(cancellation.request?.message));
    }
    if (cancellation.signal === null) {
      throw new RuntimeError('This runtime has no AbortController', { code: 'NO_ABORT_CONTROLLER' });
    }
    return cancellation.signal.signal;
  }

  /**
   * What the task's coroutine is at: the functions from the outermost to the one that waits, as far as they are known (a raw
   * `yield*` hides what it delegates to); the lines of the error's stack once the task has failed; nothing when it is done otherwise.
   *
   * @param options `limit`: at most so many, the innermost ones (of an error: the outermost)
   */
  getStack(options: { readonly limit?: number | null } = {}): string[] {
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    if (this._state === PENDING) {
      const frames = stackOfFrames(this.#coro, this._parents, this._frame);
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

  // --------------------------------------------------------------------------------------------- steps

  /** One step: the loop starts or resumes the coroutine. @internal */
  _run(): void {
    if (this._state !== PENDING) {
      this.#reportDone();
      return;
    }
    const error = takeError(this);
    const outer = current.context;
    current.task = this;
    current.scope = this._at;
    if (this.#root !== null) (this._at ?? this.#root).noteResumed();
    current.context = this._ownContext;
    try {
      if (hooks.beforeStep !== null || hooks.afterStep !== null) this.#watchedStep(error);
      else if (this.#stepsInScope) this.#scopedStep(error);
      else if (this._frame !== null) step(this, error);
      else this.#call(error);
    } finally {
      this._at = current.scope;
      current.task = null;
      current.scope = null;
      current.context = outer;
    }
  }

  /** Somebody has ended the task from outside, by way of its base class. */
  #reportDone(): void {
    const exception = new InvalidStateError(`_step(): already done: ${this}`, { code: 'ALREADY_DONE' });
    this._loop.callExceptionHandler({ message: `Exception in callback of ${this}`, exception, task: this });
  }

  #watchedStep(error: unknown): void {
    if (hooks.beforeStep !== null) emit('beforeStep', this);
    try {
      this.#scopedStep(error);
    } finally {
      if (hooks.afterStep !== null && this._loop._open !== this) emit('afterStep', this);
    }
  }

  #scopedStep(error: unknown): void {
    const run = () => (this._frame !== null ? step(this, error) : this.#call(error));
    if (this.#stepsInScope) this._scope!.runInAsyncScope(run, undefined);
    else run();
  }

  /** The first step of a task made of a function: calls it. */
  #call(error: unknown): void {
    if (error !== NONE) {
      this._failed(error); // cancelled before its first step: the function is never called
      return;
    }
    let begun: Frame | PromiseLike<unknown>;
    try {
      begun = callCoroutineFunction(this, this.#coro as CoroutineFunction<unknown>, []);
    } catch (failure) {
      this._failed(failure);
      return;
    }
    if (isFrame(begun)) {
      this._frame = begun;
      step(this, NONE);
    } else {
      this._following = true;
      follow(this, begun);
    }
  }

  /**
   * Not outside a running loop, as in CPython; and not for what may be an async function where nothing would tell its awaits
   * from those of the task that starts it.
   */
  #canStartEagerly(): boolean {
    if (!this._loop.isRunning()) return false;
    if (canTellTasks() || iscoroutine(this.#coro) || isGeneratorFunction(this.#coro)) return true;
    return current.loop !== null && (current.task === null || current.task._asyncCalls === 0);
  }

  #startEagerly(): void {
    const { loop, task, scope } = current;
    const outer = enterContext(this._context);
    current.loop = this._loop;
    current.task = this;
    current.scope = null;
    try {
      this._loop._register(this);
      if (this._frame !== null) step(this, NONE);
      else this.#call(NONE);
    } finally {
      this._at = current.scope;
      current.loop = loop;
      current.task = task;
      current.scope = scope;
      leaveContext(outer);
    }
  }

  /** @internal */
  _completed(value: unknown): void {
    this.#leaveLoop();
    if (this._mustCancel) {
      // Cancelled right before its end.
      this._mustCancel = false;
      super.cancel(this.cancelMessage);
    } else {
      if (this.#cancels > 0 && this._loop.getDebug()) this.#reportSwallowed();
      this._finish(SUCCEEDED, value);
    }
    if (hooks.taskFinished !== null) emit('taskFinished', this, null);
  }

  /** In JavaScript `catch` catches cancellations too, which is the most common mistake. */
  #reportSwallowed(): void {
    const { by, message } = this.#cancellation?.request ?? { by: null, message: undefined };
    const who = by === null ? '' : ` by ${by.getName()}`;
    const why = message === undefined ? '' : `: ${message}`;
    logger.warn(
      `${this} was cancelled${who}${why}, but has swallowed the CancelledError and returned. A catch that goes on should begin with ` +
        'rethrowIfCancelled(error); code that has asked for the cancellation itself takes it back with uncancel().',
    );
  }

  /** @internal */
  _failed(thrown: unknown): void {
    this.#leaveLoop();
    const error = errorOfThrown(unwrapCancellation(thrown));
    if (this.#root !== null) {
      this.#root.isOver = true;
      this.#root.isLost = true;
    }
    if (error instanceof CancelledError) {
      this.cancelMessage = undefined;
      this._finish(CANCELLED, error);
    } else {
      this._fail(error);
    }
    if (hooks.taskFinished !== null) emit('taskFinished', this, this._state === CANCELLED ? null : { error });
    if (leavesTheLoop(error)) throw error;
  }

  #leaveLoop(): void {
    this._frame = null;
    this._loop._unregister(this);
  }

  /** @internal */
  _follow(promise: PromiseLike<unknown>): void {
    this._following = true;
    follow(this, promise);
  }

  /** @internal */
  override _details(): string[] {
    const details = super._details();
    if (this.#cancels > 0 && this._state === PENDING) details[0] = 'cancelling';
    details.splice(1, 0, `name=${quote(this.getName())}`, `coro=<${this.#describeCoroutine()}>`);
    const waiting = this._waiting ?? this._waits?._waiting ?? null;
    if (waiting !== null) details.splice(3, 0, `wait_for=${waiting}`);
    return details;
  }

  #describeCoroutine(): string {
    const coro = this.#coro;
    if (typeof coro === 'function') return describeFunction(coro);
    return coro instanceof CoroutineObject ? describeFunction({ name: coro.name }) : describe(coro);
  }
}

/** Whether a task waits for a promise that is not of this library: the loop cannot end that wait. */
export function isDetached(task: Task<unknown>): boolean {
  return (
    task._asyncCalls > 0 && task._waits === null && task._loop._open !== task && current.task !== task && !task.done()
  );
}
