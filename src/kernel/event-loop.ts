import { leavesTheLoop, RuntimeError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { type Duration, inSeconds, secondsOrNull } from '../internal/duration.ts';
import { bindWhenRead } from '../internal/methods.ts';
import { anyByName, checkOptions } from '../internal/options.ts';
import {
  type AwaitableCoroutine,
  type AwaitableLike,
  type CoroutineLike,
  iscoroutine,
  iscoroutinefunction,
  libraryCoroutine,
  reportNeverAwaited,
  reportUnawaited,
} from './coroutine.ts';
import { noteAwaits, reportLines } from './debug-awaits.ts';
import type { Context } from './engine/context.ts';
import { noteTaken } from './engine/delivered.ts';
import { emit, ended, hooks } from './engine/hooks.ts';
import { runningTask } from './engine/line.ts';
import { nameOf } from './engine/request.ts';
import type { Scope, TaskRole, Waiter } from './engine/roles.ts';
import { Scheduler, type SchedulerOptions } from './engine/scheduler.ts';
import { isQuiet } from './engine/scope.ts';
import { asCoroutine, ensureFutureOn } from './ensure.ts';
import { type Executor, JobFuture, LoopExecutor } from './executor.ts';
import { Future, isfuture } from './future.ts';
import { type Callback, Handle, TimerHandle } from './handle.ts';
import { PromiseFuture } from './promise-future.ts';
import { registerLoop } from './registry.ts';
import { OverdueFailures, reportFailuresOf } from './reports.ts';
import { debugFromEnvironment, logger, reportToPage } from './runtime/platform.ts';
import { SignalHandlers } from './signals.ts';
import { tellStuck } from './stuck-runs.ts';
import { TASK_OPTIONS, Task, type TaskOptions } from './task.ts';

/** The information that an exception handler gets. */
export interface ExceptionContext {
  /** What failed. */
  readonly message?: string;
  /** The error, if there is one. */
  readonly exception?: unknown;
  readonly future?: Future<unknown>;
  readonly task?: Task<unknown>;
  readonly handle?: Handle;
  readonly [detail: string]: unknown;
}

/** Called for errors that could not be thrown in any code of the program. */
export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void;

/** Makes the tasks of a loop instead of `new Task`. */
export type TaskFactory = <T>(loop: EventLoop, coro: CoroutineLike<T>, options: TaskOptions) => Task<T>;

/** Something that belongs to a loop, such as a connection. */
export interface LoopResource {
  /** Called when the loop is closed: it does not run any more code, so the resource has to end at once. @internal */
  loopClosed(): void;
}

/** When a subclass overrides one of these, the kernel calls its methods for all scheduling. */
const SCHEDULING_METHODS = ['callSoon', 'callSoonIn', 'callLater', 'callAt', 'time'] as const;

/**
 * What to do with an error that was not retrieved in time: `'report'` calls the exception handler, `'throw'` raises it
 * as the runtime does with an unhandled rejection, which ends a process.
 */
export type OnUnretrieved = 'report' | 'throw';

/** Options of a new loop. */
export interface EventLoopOptions extends SchedulerOptions {
  /** See `EventLoop.unretrievedAfter`; `null` when absent, and half a second in `run()`. */
  readonly unretrievedAfter?: Duration | null | undefined;
  /** See `EventLoop.unretrieved`. */
  readonly unretrieved?: OnUnretrieved | undefined;
}

/** After how many seconds an error that was not retrieved is reported, in `run()` and on the main thread's own loop. */
export const UNRETRIEVED_AFTER = 0.5;

/**
 * Runs callbacks, futures and tasks. A loop from `newEventLoop()` runs inside `runForever()` and `runUntilComplete()`;
 * the main thread's own loop, from `getEventLoop()`, runs whenever it has work.
 *
 * Follows CPython's `asyncio.EventLoop`.
 *
 * @example
 * const loop = newEventLoop();
 * const answer = await loop.runUntilComplete(async () => {
 *   await sleep(1);
 *   return 42;
 * });
 * loop.close();
 */
export class EventLoop extends Scheduler implements Disposable {
  static {
    bindWhenRead(EventLoop.prototype, ['stop']);
  }

  #exceptionHandler: ExceptionHandler | null = null;
  #taskFactory: TaskFactory | null = null;
  #executor: Executor | null = null;
  #executorIsShutDown = false;
  readonly #signals = new SignalHandlers();
  /** `undefined` when it was not set. */
  #unretrievedAfter: number | null | undefined;
  /**
   * What to do with the error of a failed task or future that was not retrieved in time: the exception handler is
   * called, or the error is raised like an unhandled rejection.
   */
  unretrieved: OnUnretrieved;
  /**
   * Whether a run that cannot end is reported, once, with what its tasks wait for:
   *
   * - Nothing is left in the process that could wake the run. Reported only in the main thread, and only if the
   * program itself listens neither to `beforeExit` nor to signals other than Ctrl-C. In Bun and Deno only if no module
   * waits at its top level, because otherwise they do not emit `beforeExit`.
   * - The process ends because of a top-level `await` that nothing can settle. Node only, where the exit code is 13.
   * - `run()` has cancelled its tasks, and some have not ended after ten seconds.
   */
  reportPending = true;
  #overdue: OverdueFailures | null = null;
  readonly #unregister: () => void;
  /** Objects that cannot work without the loop: connections, servers, processes. @internal */
  readonly _resources: Set<LoopResource> = new Set();
  // The tasks that are not done, so that none is garbage collected: a list linked through the tasks themselves.
  #firstTask: Task<unknown> | null = null;
  #taskCount = 0;
  /** The scopes of finished tasks in which lines still wait. @internal */
  readonly _linesLeft: Set<Scope> = new Set();
  /** Called when one of these lines has ended a step: it may have been the last one. @internal */
  _onLineStepped: (() => void) | null = null;
  /** Whether a subclass overrides scheduling methods; if not, the kernel does not call them. @internal */
  readonly _isOverridden: boolean;
  /** The options for futures and tasks of this loop that are made without others. @internal */
  readonly _defaults: { readonly loop: EventLoop };

  /**
   * @param options `host`: the runtime services. A loop with its own host may call it at any time; without
   * `runForever()`, `runOnce()` drives it. `unretrievedAfter`, `unretrieved`: when and how an error that was not
   * retrieved is reported
   */
  constructor(options: EventLoopOptions = {}) {
    checkOptions('EventLoop', options, ['host', 'unretrievedAfter', 'unretrieved']);
    super(options);
    if (options.unretrievedAfter !== undefined) this.unretrievedAfter = options.unretrievedAfter;
    this.unretrieved = options.unretrieved ?? 'report';
    this._defaults = { loop: this };
    this._isOverridden = SCHEDULING_METHODS.some((method) => this[method] !== EventLoop.prototype[method]);
    if (debugFromEnvironment()) this.setDebug(true);
    this.#unregister = registerLoop(this);
  }

  // --------------------------------------------------------------------------------------------- calls

  /**
   * Calls a function in the loop's next iteration, in order of scheduling.
   *
   * @throws {RuntimeError} when the loop is closed
   * @throws {TypeError} when `callback` is not a function, or a coroutine function
   */
  callSoon<A extends unknown[]>(callback: Callback<A>, ...args: A): Handle {
    return this.#soon(null, callback, args, 'callSoon');
  }

  /**
   * `callSoon` with the context to call it in.
   *
   * @throws {TypeError} when `context` is not a context
   */
  callSoonIn<A extends unknown[]>(context: Context, callback: Callback<A>, ...args: A): Handle {
    return this.#soon(context, callback, args, 'callSoonIn');
  }

  /**
   * `callSoon` for code outside the loop. It does the same as `callSoon`, because other threads can only send messages
   * to this one.
   */
  callSoonThreadsafe<A extends unknown[]>(callback: Callback<A>, ...args: A): Handle {
    return this.callSoon(callback, ...args);
  }

  /**
   * Calls a function after a delay; timers of one deadline run in order of scheduling.
   *
   * @param delay seconds, or named units; a negative one counts as zero
   * @throws {ValueError} when it is `NaN`
   * @throws {RuntimeError} when the loop is closed
   * @throws {TypeError} when `callback` is not a function, or a coroutine function
   * @example
   * const timer = getRunningLoop().callLater(5, () => console.log('five seconds later'));
   * timer.cancel();
   */
  callLater<A extends unknown[]>(delay: Duration, callback: Callback<A>, ...args: A): TimerHandle {
    return this.callAt(this.time() + inSeconds(delay), callback, ...args);
  }

  /**
   * `callLater` with the context to call it in.
   *
   * @throws {TypeError} when `context` is not a context
   */
  callLaterIn<A extends unknown[]>(context: Context, delay: Duration, callback: Callback<A>, ...args: A): TimerHandle {
    return this.callAtIn(context, this.time() + inSeconds(delay), callback, ...args);
  }

  /**
   * Calls a function at a time of the loop's clock.
   *
   * @param when seconds, as `time()` gives them
   * @throws {ValueError} when it is `NaN`
   * @throws {RuntimeError} when the loop is closed
   * @throws {TypeError} when `callback` is not a function, or a coroutine function
   */
  callAt<A extends unknown[]>(when: number, callback: Callback<A>, ...args: A): TimerHandle {
    return this.#at(null, when, callback, args, 'callAt');
  }

  /**
   * `callAt` with the context to call it in.
   *
   * @throws {TypeError} when `context` is not a context
   */
  callAtIn<A extends unknown[]>(context: Context, when: number, callback: Callback<A>, ...args: A): TimerHandle {
    return this.#at(context, when, callback, args, 'callAtIn');
  }

  #soon(context: Context | null, callback: Callback<never[]>, args: readonly unknown[], method: string): Handle {
    this.#checkCallback(callback, method);
    const handle = new Handle(callback, args, this, context);
    this._push(handle);
    return handle;
  }

  #at(
    context: Context | null,
    when: number,
    callback: Callback<never[]>,
    args: readonly unknown[],
    method: string,
  ): TimerHandle {
    this.#checkCallback(callback, method);
    const timer = new TimerHandle(inSeconds(when, 'when'), callback, args, this, context);
    this._pushTimer(timer);
    return timer;
  }

  #checkCallback(callback: unknown, method: string): void {
    this._checkClosed();
    if (typeof callback !== 'function') {
      if (iscoroutine(callback))
        throw typeError(`coroutines cannot be used with ${method}(): use createTask()`, 'NOT_CALLABLE');
      throw typeError(`a callable object was expected by ${method}(), got ${describe(callback)}`, 'NOT_CALLABLE');
    }
    if (iscoroutinefunction(callback)) {
      throw typeError(
        `coroutines cannot be used with ${method}(): use createTask(${callback.name || 'fn'})`,
        'NOT_CALLABLE',
      );
    }
  }

  // --------------------------------------------------------------------------------------------- futures and tasks

  /** A pending future of this loop. */
  createFuture<T = unknown>(): Future<T> {
    return new Future<T>(this._defaults);
  }

  /**
   * Runs a coroutine as a task, which starts in the loop's next iteration.
   *
   * @throws {TypeError} when `coro` is not a coroutine, or `options.context` is not a context
   * @throws {RuntimeError} when the loop is closed, or the coroutine is in use
   */
  createTask<T>(coro: CoroutineLike<T>, options?: TaskOptions): Task<T> {
    this._checkClosed();
    const factory = this.#taskFactory;
    // A factory may have options of its own.
    if (options !== undefined && options !== null && factory === null)
      checkOptions('createTask', options, TASK_OPTIONS);
    const checked = asCoroutine(coro, this);
    if (factory === null)
      return new Task<T>(checked, options === undefined ? this._defaults : { ...options, loop: this });
    const task = factory<T>(this, checked, options ?? {});
    const name = options?.name;
    if (name !== undefined && name !== null && task.getName?.() !== name) task.setName(name);
    return task;
  }

  /**
   * Sets the function that makes the loop's tasks; `null` for `new Task`.
   *
   * @throws {TypeError} when it is not a function
   */
  setTaskFactory(factory: TaskFactory | null): void {
    if (factory !== null && factory !== undefined && typeof factory !== 'function') {
      throw typeError(`task factory must be a callable or None (null), got ${describe(factory)}`, 'NOT_CALLABLE');
    }
    this.#taskFactory = factory ?? null;
  }

  /** The function set by `setTaskFactory`, `null` when there is none. */
  getTaskFactory(): TaskFactory | null {
    return this.#taskFactory;
  }

  /**
   * Runs until an awaitable is done; a coroutine is made a task.
   *
   * Follows CPython's `loop.run_until_complete`, but returns a promise, because JavaScript cannot block.
   *
   * @returns a promise of the result; it rejects with the error, and with a `RuntimeError` when the loop is closed, is
   * running, or is stopped before
   */
  async runUntilComplete<T>(awaitable: AwaitableLike<T>): Promise<T> {
    this._checkClosed();
    this._checkCanRun();
    const isOurs = !isfuture(awaitable);
    const future = ensureFutureOn<T>(awaitable, this);
    future.addDoneCallback(stopLoop);
    try {
      await this.runForever();
    } catch (error) {
      // Only this code has the task, so no other code can retrieve its error.
      if (isOurs && future.done() && !future.cancelled()) future.exception();
      throw error;
    } finally {
      future.removeDoneCallback(stopLoop);
    }
    if (!future.done()) throw new RuntimeError('Event loop stopped before Future completed.', { code: 'LOOP_STOPPED' });
    try {
      return future.result();
    } catch (error) {
      noteTaken(error);
      throw error;
    }
  }

  /** Ends the run after the current iteration; when the loop is not running, after one iteration of its next run. */
  override stop(): void {
    super.stop();
  }

  /** Drops everything that is scheduled, and reports the errors that were not retrieved. */
  override close(): void {
    if (this._isClosed) return;
    super.close();
    this.#signals.clear();
    for (const resource of [...this._resources]) resource.loopClosed();
    if (this._debug) {
      reportUnawaited(this);
      watchFor(this, false);
    }
    this.#unregister();
    this.#executorIsShutDown = true;
    this.#executor?.shutdown?.();
    this.#executor = null;
    reportFailuresOf(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  // --------------------------------------------------------------------------------------------- executors

  /**
   * Runs a function in an executor; returns a future for its result.
   *
   * **Cancellation**: the executor is informed. A function that has not begun is dropped; one that runs already goes
   * on, unless the executor can stop it.
   *
   * @param executor `null` for the loop's default one
   * @throws {TypeError} when `fn` is not a function
   * @throws {RuntimeError} when the loop is closed, its default executor was shut down, or there is none
   * (`asyncio-ts/node` has one)
   */
  runInExecutor<A extends unknown[], R>(
    executor: Executor | null,
    fn: (...args: A) => R,
    ...args: A
  ): Future<Awaited<R>> {
    this._checkClosed();
    if (typeof fn !== 'function')
      throw typeError(`a callable object was expected by runInExecutor(), got ${describe(fn)}`, 'NOT_CALLABLE');
    const job = (executor ?? this.#defaultExecutor()).submit(fn, ...args);
    if (job instanceof Future && job._loop === this) return job; // an executor that is simulated
    return new JobFuture(this, job);
  }

  /**
   * Sets the executor for `runInExecutor(null, …)`.
   *
   * @throws {TypeError} when it has no method `submit`
   */
  setDefaultExecutor(executor: Executor): void {
    if (typeof executor?.submit !== 'function') {
      throw typeError(`an executor (an object with submit()) was expected, got ${describe(executor)}`);
    }
    this.#executor = executor;
  }

  #defaultExecutor(): Executor {
    if (this.#executorIsShutDown)
      throw new RuntimeError('Executor shutdown has been called', { code: 'EXECUTOR_SHUT_DOWN' });
    this.#executor ??= new LoopExecutor();
    return this.#executor;
  }

  /**
   * Waits until the default executor has done all its work; it accepts no new work.
   *
   * @param timeout seconds after which it is left alone, with a warning; by position or as `{ timeout }`
   */
  shutdownDefaultExecutor(
    timeout: Duration | null | { readonly timeout: Duration | null | undefined } = null,
  ): AwaitableCoroutine<void> {
    return shutdownExecutor(this, () => this.#takeExecutor(), secondsOrNull(timeout, 'timeout'));
  }

  #takeExecutor(): Executor | null {
    const executor = this.#executor;
    this.#executorIsShutDown = true;
    this.#executor = null;
    return executor;
  }

  /**
   * Does nothing. In Python it closes the async generators that are being iterated, but JavaScript has no way to list
   * them. Your generators are closed by `for await`, or by hand.
   */
  shutdownAsyncgens(): AwaitableCoroutine<void> {
    return nothing();
  }

  // --------------------------------------------------------------------------------------------- signals

  /**
   * Calls a function whenever the process receives a signal. The loop calls it as with `callSoon`, in a copy of the
   * current context. It replaces the loop's earlier handler of this signal, and the default action of the signal; a
   * handler for `SIGINT` replaces what `run` does at Ctrl-C. It is removed by `removeSignalHandler` or when the loop is
   * closed, and does not keep the program alive.
   *
   * Follows CPython's `loop.add_signal_handler`. Several loops may listen to one signal.
   *
   * @param signal its name, such as `SIGTERM`
   * @throws {TypeError} when the signal is not a name, or `callback` is not a function, or is a coroutine function
   * @throws {ValueError} when the system has no such signal
   * @throws {RuntimeError} for `SIGKILL` and `SIGSTOP`, outside the main thread, where there are no signals, and when
   * the loop is closed
   * @example
   * const stopped = new Event();
   * getRunningLoop().addSignalHandler('SIGTERM', () => stopped.set());
   */
  addSignalHandler<A extends unknown[]>(signal: string, callback: Callback<A>, ...args: A): void {
    this.#checkCallback(callback, 'addSignalHandler');
    checkSignal(signal);
    this.#signals.add(this, signal, callback, args);
  }

  /**
   * Removes a handler that was added by `addSignalHandler`.
   *
   * Follows CPython's `loop.remove_signal_handler`.
   *
   * @returns whether there was a handler
   * @throws {TypeError} when the signal is not a name
   */
  removeSignalHandler(signal: string): boolean {
    checkSignal(signal);
    return this.#signals.remove(signal);
  }

  /** @internal */
  override _wantsReport(): boolean {
    return this.reportPending && this.#firstTask !== null;
  }

  /** @internal */
  override _stuck(): void {
    tellStuck(this);
  }

  /** Calls a listener on each Ctrl-C, unless the program has added a handler for it to the loop. @internal */
  override _onInterrupt(listener: () => void): (() => void) | null {
    return super._onInterrupt(() => {
      if (!this.#signals.has('SIGINT')) listener();
    });
  }

  /**
   * Calls a listener for a signal that should end a run, unless the program has added a handler for it to the loop.
   * @internal
   */
  _onEnding(signal: string, listener: () => void): (() => void) | null {
    const unlessHandled = (): void => {
      if (!this.#signals.has(signal)) listener();
    };
    return super._onSignal(signal, unlessHandled, false);
  }

  // --------------------------------------------------------------------------------------------- errors

  /**
   * How long, in seconds of the loop's clock, the error of a failed task or future may stay unretrieved before it is
   * reported to the exception handler. An `await`, `result()` or `exception()` retrieves it, and can still do so after
   * the report. `0` is the next macrotask; `null` is when CPython reports it: when the future is garbage collected or
   * the loop is closed. The default is half a second in `run()` and on the main thread's own loop, `null` on others.
   *
   * Its timer does not keep the program alive.
   *
   * @throws {ValueError} when it is set to `NaN`
   * @throws {TypeError} when it is set to what is not a duration
   */
  get unretrievedAfter(): number | null {
    return this.#unretrievedAfter ?? null;
  }

  set unretrievedAfter(after: Duration | null) {
    const seconds = after === null ? null : Math.max(0, inSeconds(after, 'unretrievedAfter'));
    this.#unretrievedAfter = seconds === Number.POSITIVE_INFINITY ? null : seconds;
  }

  /** Sets `unretrievedAfter` unless it was set. @internal */
  _defaultUnretrievedAfter(seconds: number): void {
    if (this.#unretrievedAfter === undefined) this.#unretrievedAfter = seconds;
  }

  /** @internal */
  get _overdue(): OverdueFailures {
    this.#overdue ??= new OverdueFailures(this);
    return this.#overdue;
  }

  /**
   * Sets the function that is called for errors that could not be thrown in any code of the program; `null` for the
   * default, which logs them.
   *
   * @throws {TypeError} when it is not a function
   */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    if (handler !== null && handler !== undefined && typeof handler !== 'function') {
      throw typeError(`A callable object or None (null) is expected, got ${describe(handler)}`, 'NOT_CALLABLE');
    }
    this.#exceptionHandler = handler ?? null;
  }

  /** The function set by `setExceptionHandler`, `null` when there is none. */
  getExceptionHandler(): ExceptionHandler | null {
    return this.#exceptionHandler;
  }

  /**
   * Reports an error to the exception handler, in the context of the task, future or handle concerned. Does not throw.
   */
  callExceptionHandler(context: ExceptionContext): void {
    if (hooks.errorReported !== null) emit('errorReported', this, context);
    const handler = this.#exceptionHandler;
    if (handler === null) {
      this.#callDefaultHandler(context, 'Exception in default exception handler');
      return;
    }
    try {
      const scope = contextOfThing(context.task) ?? contextOfThing(context.future) ?? contextOfThing(context.handle);
      if (scope === null) handler(this, context);
      else scope.run(handler, this, context);
    } catch (error) {
      if (leavesTheLoop(error)) throw error;
      this.#callDefaultHandler(
        { message: 'Unhandled error in exception handler', exception: error, context },
        'Exception in default exception handler while handling an unexpected error in custom exception handler',
      );
    }
  }

  #callDefaultHandler(context: ExceptionContext, otherwise: string): void {
    try {
      this.defaultExceptionHandler(context);
    } catch (error) {
      if (leavesTheLoop(error)) throw error;
      logger.error(otherwise, error);
    }
  }

  /**
   * Logs an error: the default exception handler. In a page and its workers the error goes to `reportError` as well, as
   * that of an event listener would, so that the page's monitoring sees it.
   */
  defaultExceptionHandler(context: ExceptionContext): void {
    const lines = [context.message || 'Unhandled exception in event loop'];
    for (const key of Object.keys(context).sort()) {
      if (key !== 'message' && key !== 'exception') lines.push(`${key}: ${describe(context[key])}`);
    }
    const { exception } = context;
    if (exception === undefined || exception === null) {
      logger.error(lines.join('\n'));
    } else {
      logger.error(lines.join('\n'), exception);
      reportToPage(exception);
    }
  }

  /** Turns debug mode on or off: slow callbacks and coroutines that nobody awaits are reported. */
  setDebug(enabled: boolean | { readonly enabled: boolean }): void {
    if (this._debug === Boolean(anyByName<unknown>('enabled', enabled))) return;
    this._setDebug(!this._debug);
    if (this._isClosed) return;
    watchFor(this, this._debug);
  }

  /** Whether debug mode is on: by `setDebug`, by `run(main, { debug: true })`, or by `ASYNCIO_DEBUG=1`. */
  getDebug(): boolean {
    return this._debug;
  }

  override toString(): string {
    return `<${nameOfClass(this)} running=${this.isRunning()} closed=${this.isClosed()} debug=${this.getDebug()}>`;
  }

  /** What `JSON.stringify` writes: its text, for logs. */
  toJSON(): string {
    return String(this);
  }

  // --------------------------------------------------------------------------------------------- for the kernel

  /** As in `Scheduler`; always false when a subclass overrides scheduling. @internal */
  override _isAlone(task: TaskRole): boolean {
    return !this._isOverridden && super._isAlone(task);
  }

  /** Schedules the next step of a waiter. @internal */
  _schedule(waiter: Waiter): void {
    if (this._isClosed) return; // work that a run has left behind may end later, and has no effect then
    if (this._isOverridden) this.callSoonIn(waiter._context as Context, () => waiter._run());
    else this._push(waiter);
  }

  /** A future is done: schedules its waiters. @internal */
  _wake(waiter: Waiter, future: Future<unknown>): void {
    if (this._isClosed) return;
    if (hooks.woken !== null) tellWoken(waiter, future);
    if (!this._isOverridden) {
      this._push(waiter);
    } else if (!(waiter instanceof Handle)) {
      this._schedule(waiter);
    } else if (waiter._callback !== null) {
      this.callSoonIn(waiter._context as Context, waiter._callback as Callback<[Future<unknown>]>, future);
    }
  }

  /** @internal */
  _register(task: Task<unknown>): void {
    const next = this.#firstTask;
    task._next = next;
    if (next !== null) next._previous = task;
    this.#firstTask = task;
    this.#taskCount++;
  }

  /**
   * Whether it has so many tasks that the size of each matters more than the time that it takes to make one. @internal
   */
  _hasManyTasks(): boolean {
    return this.#taskCount > MANY;
  }

  /** @internal */
  _unregister(task: Task<unknown>): void {
    const { _previous: previous, _next: next } = task;
    if (previous === null && this.#firstTask !== task) return; // it is not in the list any more
    this.#taskCount--;
    if (previous !== null) previous._next = next;
    else this.#firstTask = next;
    if (next !== null) next._previous = previous;
    task._previous = null;
    task._next = null;
  }

  /** @internal */
  override _noteLineLeft(root: Scope): void {
    if (this._debug && !this._linesLeft.has(root)) {
      reportLines(root, `${nameOf(root.task!)} has ended, and has left an await behind that goes on without it`);
    }
    this._linesLeft.add(root);
  }

  /** @internal */
  override _noteLineStepped(root: Scope): void {
    if (this._linesLeft.size === 0) return;
    // A scope with awaits stays in the set, even if none of them is of a line: to find that out takes a look at all of
    // them, which is too slow for each step. The end of run() does that.
    if (isQuiet(root)) this._linesLeft.delete(root);
    this._onLineStepped?.();
  }

  /** The tasks that are not done, the youngest first. @internal */
  *_tasks(): Generator<Task<unknown>> {
    for (let task = this.#firstTask; task !== null; task = task._next) yield task;
  }
}

/** With more tasks than this, saving 40 bytes for each is worth 20 ns: see `claim` in `coroutine.ts`. */
const MANY = 10_000;

/** Calls the hook `woken`: a task or future goes on because the future that it waits for is done. */
function tellWoken(waiter: Waiter, future: Future<unknown>): void {
  let by: object | null = ended.by;
  // An async function ends in a microtask, where no task runs, or where the async context is that of another one.
  if (future instanceof Task) by = future;
  // The callbacks of a foreign promise may run in the async context of the task that has made it.
  else if (by === null && future._purpose?.operation !== 'promise') by = runningTask();
  const awaiter = waiter._awaiter;
  if (waiter._endedBy !== undefined) {
    waiter._endedBy = by;
    // If this only tells a group, wait() or asCompleted() of a task, the task itself may not go on: it may be waiting
    // for something else.
    if (awaiter instanceof Task) return;
  }
  if (awaiter !== null) emit('woken', awaiter, future, by as TaskRole | null);
}

function stopLoop(future: Future<unknown>): void {
  if (!future.cancelled() && leavesTheLoop(future.exception())) return; // the run has already ended with that error
  future.getLoop().stop();
}

function checkSignal(signal: unknown): void {
  if (typeof signal !== 'string')
    throw typeError(`the name of a signal was expected, such as 'SIGTERM', got ${describe(signal)}`);
}

function contextOfThing(thing: unknown): Context | null {
  const { getContext } = (thing ?? {}) as { getContext?: () => Context | null };
  return getContext?.call(thing) ?? null;
}

const nothing = /* @__PURE__ */ libraryCoroutine(function* (): Generator<unknown, void, unknown> {});

const shutdownExecutor = /* @__PURE__ */ libraryCoroutine(function* shutdownDefaultExecutor(
  loop: EventLoop,
  take: () => Executor | null,
  timeout: number | null,
): Generator<unknown, void, unknown> {
  const over = take()?.shutdown?.();
  if (typeof over?.then !== 'function') return;
  const future = new PromiseFuture<void>(loop).follow(over);
  const timer = timeout === null ? null : loop.callLater(timeout, giveUp, future, timeout);
  try {
    yield* future;
  } finally {
    timer?.cancel();
  }
});

function giveUp(future: Future<void>, timeout: number): void {
  if (future.done()) return;
  logger.warn(`The executor did not finish its work within ${timeout} seconds.`);
  future.setResult(undefined);
}

/** The loops in debug mode: if one of them is garbage collected without being closed, its debug mode ends. */
let debugged: FinalizationRegistry<null> | null = null;

/** While any loop is in debug mode, coroutines that are made and awaits that begin are recorded. */
function watchFor(loop: EventLoop, enabled: boolean): void {
  debugged ??= new FinalizationRegistry(() => watch(false));
  if (enabled) debugged.register(loop, null, loop);
  else debugged.unregister(loop);
  watch(enabled);
}

function watch(enabled: boolean): void {
  reportNeverAwaited(enabled);
  noteAwaits(enabled);
}
