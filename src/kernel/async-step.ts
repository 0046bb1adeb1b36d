import { leavesTheLoop } from '../errors/errors.ts';
import { type Context, currentContext } from './context.ts';
import type { Coroutine } from './coroutine.ts';
import { current, currentAsyncTask, implicitLoop, prepareAsyncTasks } from './current.ts';
import type { Future, Waiter } from './future.ts';
import { goOnFrom, pop, step, takeError } from './generator-step.ts';
import { type AsyncStorage, canTellTasks, newAsyncScope } from './host.ts';
import { emit, hooks } from './instruments.ts';
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

let sourceOfResolvers: string | undefined;

/**
 * Whether `then` was called by the engine for an `await` (or a promise resolved with the awaitable), and not by a program:
 * the engine calls it from a microtask, with functions of its own, which have no source to show.
 */
export function isAwaitOfTheEngine(onFulfilled: unknown, onRejected: unknown): boolean {
  if (current.loop !== null || typeof onFulfilled !== 'function' || typeof onRejected !== 'function') return false;
  if (sourceOfResolvers === undefined) {
    new Promise((resolve) => {
      sourceOfResolvers = sourceOf(resolve);
      resolve(null);
    });
  }
  return sourceOf(onFulfilled) === sourceOfResolvers;
}

function sourceOf(fn: unknown): string {
  return Function.prototype.toString.call(fn);
}

/** An async function awaits a future: the running task waits on it, or nobody's promise does. */
export function awaitFuture(future: Future<unknown>, resolve: unknown, reject: unknown): never {
  const task = future.done() ? null : currentAsyncTask();
  if (task === null) {
    observe(future, resolve as Resolve, reject as Reject);
  } else {
    const wait = new AsyncWait(task, resolve as Resolve, reject as Reject, null);
    future._asyncioFutureBlocking = true;
    waitOn(wait, future as FutureLike);
    task._loop._stepSuspends(task);
  }
  return undefined as never; // the engine does not look at what `then` returns
}

/** An async function awaits a coroutine: it runs inside the running task, or as a task of its own where there is none. */
export function awaitCoroutine<T>(coroutine: Coroutine<T>, resolve: unknown, reject: unknown): never {
  const task = currentAsyncTask();
  if (task === null) {
    observe(implicitLoop().createTask(coroutine), resolve as Resolve, reject as Reject);
  } else {
    beginInTask(task, coroutine[Symbol.iterator](), resolve as Resolve, reject as Reject);
  }
  return undefined as never;
}

/** Most coroutines of this library end without having to wait: a wait is made only for those that do not. */
function beginInTask(task: Task<unknown>, frame: Frame, resolve: Resolve, reject: Reject): void {
  const { loop, task: outerTask, context } = current;
  current.loop = task._loop;
  current.task = task;
  current.context = task._ownContext;
  try {
    const result = frame.next();
    if (result.done) {
      resolve(result.value as never);
      return;
    }
    const wait = new AsyncWait(task, resolve, reject, frame);
    goOnFrom(wait, frame, result.value);
    // No frame: the coroutine is an async function's, and the step is still its.
    if (wait._pending && wait._frame !== null) task._loop._stepSuspends(task);
  } catch (error) {
    reject(error);
  } finally {
    current.loop = loop;
    current.task = outerTask;
    current.context = context;
  }
}

/** An async function gives the others a turn: the running task goes on in the next iteration. False where there is no task. */
export function awaitNextTurn(resolve: unknown, reject: unknown): boolean {
  const task = currentAsyncTask();
  if (task === null) return false;
  task._loop._schedule(new AsyncWait(task, resolve as Resolve, reject as Reject, null));
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
  _frame: Frame | null;
  _parents: Frame[] | null = null;
  _waiting: FutureLike | null = null;
  _error: unknown = NONE;
  /** Whether the `await` is not over. */
  _pending = true;
  /** The task's next wait. */
  _next: AsyncWait | null;
  readonly #resolve: Resolve;
  readonly #reject: Reject;

  constructor(task: Task<unknown>, resolve: Resolve, reject: Reject, frame: Frame | null) {
    this._task = task;
    this._frame = frame;
    this.#resolve = resolve;
    this.#reject = reject;
    this._next = task._waits;
    task._waits = this;
  }

  get _context(): Context {
    return this._task._context;
  }

  get _awaiter(): Task<unknown> {
    return this._task;
  }

  _run(): void {
    const task = this._task;
    const waiting = this._waiting;
    const error = takeError(this);
    beginStep(task);
    if (this._frame !== null) {
      runFrames(this, error, undefined);
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
    follow(this, promise);
  }

  /** The async function goes on in a microtask, and until it waits again its task's step is open. */
  #over(): void {
    const task = this._task;
    this._pending = false;
    removeWait(task, this);
    if (!task.done()) task._loop._openStep(task);
  }
}

function removeWait(task: Task<unknown>, wait: AsyncWait): void {
  if (task._waits === wait) {
    task._waits = wait._next;
    return;
  }
  let before = task._waits;
  while (before !== null && before._next !== wait) before = before._next;
  if (before !== null) before._next = wait._next;
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
  const { loop, task: outerTask, context } = current;
  current.loop = task._loop;
  current.task = task;
  current.context = task._ownContext;
  try {
    step(strand, error, value);
  } finally {
    current.loop = loop;
    current.task = outerTask;
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
  if (storage.getStore() === task) return fn(...args);
  task._scope ??= newAsyncScope();
  return task._scope!.runInAsyncScope(enterStorage<A, R>, undefined, storage, task, fn, args);
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
function enterStorage<A extends unknown[], R>(
  storage: AsyncStorage,
  task: Task<unknown>,
  fn: (...args: A) => R,
  args: A,
): R {
  storage.enterWith(task);
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
  promise.then(
    (value) => settled(strand, NONE, value),
    (error) => settled(strand, error, undefined),
  );
}

function settled(strand: Strand, error: unknown, value: unknown): void {
  const task = strand._task;
  const loop = task._loop;
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
    runFrames(strand, error, value);
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
