import { describe } from '../internal/describe.ts';
import { taskTitle } from '../internal/task-title.ts';
import { type AnyCoroutineFunction, CoroutineObject, isAsyncFunction, isGeneratorFunction } from './coroutine.ts';
import { placeOfFrames, placeOfWait, siteOfFrames, siteOfWait } from './debug-awaits.ts';
import { callStepsBy } from './engine/hooks.ts';
import { runningTask } from './engine/line.ts';
import { onAwait, PendingAwait } from './engine/pending-await.ts';
import type { CallStack, FutureLike, Scope, TaskRole } from './engine/roles.ts';
import { hasLines } from './engine/scope.ts';
import type { EventLoop, LoopResource } from './event-loop.ts';
import type { Future, WaitRecord } from './future.ts';
import { CallSite } from './places.ts';
import { cancelLines, cancelTasks } from './scopes.ts';
import { isDetached, numberTasksFrom, stacksOf, type Task } from './task.ts';
import { framesOf } from './task-stack.ts';
import { TimedFuture } from './timed-future.ts';

/** What tools need that simulate, explain or draw a program: what waits for what, and what is left in a loop. */

/** One wait of a task. A task has several when branches of it wait side by side, as under `Promise.all`. */
export interface WaitView {
  /** What is waited for; `null` for a promise that is not of this library. */
  readonly on: Future<unknown> | null;
  /** What the wait is for; `null` if it is not known. */
  readonly purpose: WaitRecord | null;
  /**
   * Whether it is ended from outside the loop: by a promise that is not of this library, a file, a process, a thread.
   */
  readonly isForeign: boolean;
  /** Where in the program, as `file:line:column`; `null` where places are not recorded. */
  readonly place: string | null;
}

/** What a task waits for; empty when it runs, is about to, or is done. */
export function waitsOfTask(task: Task<unknown>): WaitView[] {
  const [own, ...awaits] = stacksOf(task);
  const found: WaitView[] = [];
  for (const stack of [own, ...awaits.reverse()])
    if (stack._waiting !== null) found.push(viewOf(stack._waiting, stack));
  if (found.length === 0 && isDetached(task)) found.push({ on: null, purpose: null, isForeign: true, place: null });
  return found;
}

function viewOf(waiting: FutureLike, stack: CallStack): WaitView {
  const on = waiting as Future<unknown>;
  const purpose = on._purpose ?? null;
  return {
    on,
    purpose,
    isForeign: purpose?.operation === 'promise' || purpose?.isExternal === true,
    // Computed when it is read, because it takes the text of a stack, and a simulation looks at all waits of a task
    // after each step.
    get place() {
      // `placeOfWait` of a task would be the place where others wait for it, so its own frames have another record.
      return (stack === stack._task ? placeOfFrames(stack, on) : placeOfWait(stack)) ?? placeOfWait(on);
    },
  };
}

/** One call stack of a task: its own frames, or those of one `await` of its async functions. */
export interface StackView {
  /**
   * Generators and other coroutines, each called by the one before it: the outermost first. Async functions are not in
   * it.
   */
  readonly frames: readonly object[];
  /** The stack of the JavaScript engine when the wait began, as text; `null` while places are not recorded. */
  readonly site: string | null;
  /** Whether it is an `await` of an async function; otherwise the task's own frames. */
  readonly isAwait: boolean;
  /** Whether it waits for an async function that it has called, which waits in turn. */
  readonly isFollowing: boolean;
  /** Whether it runs now. */
  readonly isRunning: boolean;
}

/** The call stacks of a task, the innermost first. */
export function stacksOfTask(task: Task<unknown>): StackView[] {
  const [own, ...awaits] = stacksOf(task);
  const running = runningTask() === task;
  const views = awaits
    .filter((wait) => !wait._isOver && !wait._isObserver)
    .map((wait) => stackView(wait, wait._isRunning));
  views.push(stackView(own, running && own._frame !== null));
  return [...views.filter((view) => !view.isFollowing), ...views.filter((view) => view.isFollowing)];
}

function stackView(stack: CallStack, isRunning: boolean): StackView {
  const isFollowing = stack._following !== null;
  const isTask = stack === stack._task;
  const waitsNow = isTask ? stack._waiting !== null || (stack._frame !== null && !isRunning) : true;
  return {
    frames: framesOf(stack),
    // Computed when it is read, because it takes the text of a stack.
    get site() {
      if (!waitsNow || isRunning) return null;
      return (isTask ? siteOfFrames(stack, stack._waiting) : siteOfWait(stack))?.stack ?? null;
    },
    isAwait: !isTask,
    isFollowing,
    isRunning,
  };
}

/** The present stack of the JavaScript engine, as text. Its first frame is in this library. */
export function presentStack(): string {
  return new CallSite(MOST_FRAMES).stack;
}

const MOST_FRAMES = 200;

/** The arguments of a task's function, if the task runs an object of a `coroutine()` function; otherwise `null`. */
export function argumentsOf(task: Task<unknown>): readonly unknown[] | null {
  const coro: unknown = task.getCoro();
  return coro instanceof CoroutineObject ? coro._args : null;
}

/** Whether a task runs an async function or a generator; `null` if that cannot be told. */
export function spellingOf(task: Task<unknown>): 'async' | 'generator' | null {
  const coro: unknown = task.getCoro();
  if (typeof coro === 'function') {
    const fn = coro as AnyCoroutineFunction<unknown>;
    return isGeneratorFunction(fn) ? 'generator' : isAsyncFunction(fn) ? 'async' : null;
  }
  return coro instanceof CoroutineObject ? null : 'generator';
}

/** What a wait for a future is for; `null` if it is not known. */
export function purposeOf(future: Future<unknown>): WaitRecord | null {
  return future._purpose ?? null;
}

/** The tasks and futures that wait for a task or a future. */
export function waitersOf(future: object): object[] {
  const own = future as Partial<Future<unknown>>;
  if (own._isPlain?.() !== true) return []; // of another library
  return (own as Future<unknown>)._waiters().flatMap(({ _awaiter: awaiter }) => awaiter ?? []);
}

/** The task to which an item of the ready queue belongs; the item itself if it is a callback. */
export function actorOf(ready: object): object {
  if (ready instanceof TimedFuture) return ready._waiters()[0]?._awaiter ?? ready;
  return (ready as Partial<CallStack>)._task ?? ready;
}

/**
 * The await of an async function that goes on when an item of the ready queue, or a timer, is run; `null` if it is not
 * for an await.
 */
export function awaitOf(ready: object): object | null {
  const waiter = ready instanceof TimedFuture ? ready._waiters()[0] : ready;
  return waiter instanceof PendingAwait ? waiter : null;
}

/** Describes an item of the ready queue that is a callback of the library: what has ended. `null` for other items. */
export function nameOfTelling(ready: object): string | null {
  const { _future: future, _awaiter: awaiter } = ready as {
    _future?: Future<unknown>;
    _awaiter?: Future<unknown> | null;
  };
  if (future !== undefined) return `the end of ${nameOfFuture(future)}`;
  if (awaiter === undefined || awaiter === null) return null;
  const { operation } = awaiter._purpose ?? {};
  return `an end that ${operation === undefined ? nameOfFuture(awaiter) : `${operation}()`} waits for`;
}

function nameOfFuture(future: Future<unknown>): string {
  return (future as Partial<Task<unknown>>).getName?.() ?? describe(future);
}

/**
 * The place in the program at which an item of the ready queue goes on; `null` if it begins, and while places are not
 * recorded.
 */
export function placeOfReady(ready: object): string | null {
  const { _waiting: waiting = null, _task: task = null } = ready as Partial<CallStack>;
  if (ready === task) return placeOfFrames(task, waiting);
  const framesPlace = ready instanceof TimedFuture ? placeOfFrames(actorOf(ready), ready) : null;
  if (framesPlace !== null) return framesPlace;
  return placeOfWait(awaitOf(ready) ?? ready) ?? (waiting === null ? null : placeOfWait(waiting));
}

/** Callbacks for the awaits of async functions. */
export interface AwaitWatcher {
  /** An async function begins to wait. */
  begun(wait: object, task: Task<unknown>): void;
  /** What it waited for is done, and it goes on. */
  resumed(wait: object): void;
}

/** Sets the watcher that is called for all awaits of async functions; `null` for none. */
export function watchAwaits(watcher: AwaitWatcher | null): void {
  onAwait.begun = watcher === null ? undefined : (wait) => watcher.begun(wait, wait._task as Task<unknown>);
  onAwait.resumed = watcher === null ? undefined : (wait) => watcher.resumed(wait);
}

/**
 * The name of the function that a task runs; empty if it has none, and for a generator object, whose function is not
 * known.
 */
export function nameOfCoroutine(task: Task<unknown>): string {
  const { name, calledAs = name } = task._coro as { readonly name?: unknown; readonly calledAs?: unknown };
  return typeof calledAs === 'string' ? calledAs : '';
}

/**
 * The name of a task as tools show it, such as `load#17`; in debug mode with the arguments where they are known,
 * `load(42)#17`. It may contain any characters, so code that prints it has to escape them.
 */
export function titleOf(task: Task<unknown>): string {
  const fn = nameOfCoroutine(task);
  const args = fn && task._loop.getDebug() ? argumentsOf(task) : null;
  return taskTitle(task.getName(), args === null ? fn : `${fn}(${args.map(describe).join(', ')})`);
}

/** What would be lost if a loop were closed now. */
export interface LeftView {
  readonly tasks: readonly Task<unknown>[];
  /** The finished tasks that have called functions, not awaited them, and left them waiting. */
  readonly lines: readonly Task<unknown>[];
  /** Timers that are not cancelled, other than those of waits of tasks. */
  readonly timers: readonly object[];
  /** Sockets, servers, processes, and what else has to end with the loop. */
  readonly resources: readonly LoopResource[];
}

/** What is left in a loop. */
export function leftIn(loop: EventLoop): LeftView {
  const tasks = [...loop._tasks()].reverse();
  const waited = new Set<object>(tasks.flatMap((task) => waitsOfTask(task).flatMap(({ on }) => on ?? [])));
  return {
    tasks,
    lines: [...loop._linesLeft].filter(hasLines).map((root: Scope) => root.task as Task<unknown>),
    timers: [...loop._timers].filter((timer) => !timer._cancelled && !waited.has(timer)),
    resources: [...loop._resources],
  };
}

/** Cancels what is left in a loop: its tasks, and functions that ended tasks have called and not awaited. */
export function cancelLeft(loop: EventLoop, through: string): void {
  cancelTasks([...loop._tasks()]);
  for (const root of [...loop._linesLeft]) cancelLines(root, through);
}

/** Whether nothing is in a loop, so that it can run another program. */
export function isEmptyLoop(loop: EventLoop): boolean {
  loop._timers.prune();
  return (
    loop._ready.length === 0 &&
    loop._timers.length === 0 &&
    loop._resources.size === 0 &&
    loop._linesLeft.size === 0 &&
    loop._tasks().next().done === true
  );
}

/** Sets the clock of an empty loop back, for the next program of a simulation. */
export function rewindClock(loop: EventLoop): void {
  loop._rewindClock();
}

/** When the next timer of a loop is due, in seconds of its clock; `null` when there is none. */
export function nextTimer(loop: EventLoop): number | null {
  loop._timers.prune();
  return loop._timers.length > 0 ? loop._timers.first()._when : null;
}

/** The timers of a loop that are not cancelled, with those of sleeping tasks. */
export function pendingTimers(loop: EventLoop): object[] {
  return [...loop._timers].filter((timer) => !timer._cancelled);
}

/** Whether an iteration of the loop would run anything now. */
export function hasWork(loop: EventLoop): boolean {
  if (loop._ready.length > 0) return true;
  const next = nextTimer(loop);
  return next !== null && next <= loop.time();
}

let stepCallers: ((task: Task<unknown>, step: () => void) => void)[] = [];

/**
 * Makes a function call the steps of all tasks, so that they run inside it. With several such functions, the last one
 * is the innermost. It must call each step once, and must not catch its errors. Of an async function only the first
 * call is inside it; what follows an `await` is not.
 *
 * @returns a function that ends this
 */
export function wrapSteps(around: (task: Task<unknown>, step: () => void) => void): () => void {
  const callers = (changed: typeof stepCallers): void => {
    stepCallers = changed;
    callStepsBy(changed.length === 0 ? null : callWrapped);
  };
  callers([...stepCallers, around]);
  return () => callers(stepCallers.filter((one) => one !== around));
}

function callWrapped(task: TaskRole, step: () => void): void {
  const call = stepCallers.reduceRight<() => void>((inner, around) => () => around(task as Task<unknown>, inner), step);
  call();
}

/** How much is ready to run in a loop. */
export function readyCount(loop: EventLoop): number {
  return loop._ready.length;
}

/** Whether the step of an async function is open: it goes on in microtasks. */
export function isInStep(loop: EventLoop): boolean {
  return loop._step.isOpen;
}

export { functionOfWait, noteAwaits as recordPlaces, placeOfWait, takePlaceOfYield } from './debug-awaits.ts';
export { numberTasksFrom };
