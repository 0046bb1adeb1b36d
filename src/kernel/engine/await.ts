import { cancelledError } from '../../errors/errors.ts';
import { canTellCallbacks, canTellTasks } from '../runtime/platform.ts';
import { currentContext } from './context.ts';
import { current, runAs } from './current.ts';
import { noteDelivered, noteTaken } from './delivered.ts';
import { watched } from './hooks.ts';
import { contextOfLine, noteReceivedLate, runningScope } from './line.ts';
import { takeOwner } from './lookups.ts';
import { beginFrames, ofLines, onAwait, PendingAwait, settle } from './pending-await.ts';
import { MadeRequest } from './request.ts';
import {
  type ContextRole,
  type Frame,
  type FutureRole,
  type LoopRole,
  NONE,
  type Reject,
  type Request,
  type Resolve,
  type Scope,
  type TaskRole,
  type Waiter,
  type Written,
} from './roles.ts';
import { dropPending, LATE, waitsNow } from './scope.ts';
import { giveWay, waitOn } from './step.ts';

/**
 * How each `await` of an async function begins.
 *
 * The JavaScript engine runs an async function by itself. The kernel sees only the calls of `then` for what it awaits
 * (`lookups.ts` tells which scope they belong to), and the promise that it returned (`follow.ts`).
 *
 * | it awaits… | by |
 * | --- | --- |
 * | a future | `awaitFuture` |
 * | a coroutine of this library in which no code of a program runs, such as a lock's | `awaitQuietly` |
 * | a construct around an async function, such as a timeout | `_beginWithoutFrame` of the construct (`construct-await.ts`) |
 * | any other coroutine | `beginCoroutine`, which runs its frame |
 * | `sleep(0)` | `awaitCheckpoint` |
 */

/**
 * An async function awaits a future: its line waits on it. Where the await belongs to no task, or the future is done,
 * only the promise of the `await` waits (`observe`).
 */
export function awaitFuture(future: FutureRole, resolve: unknown, reject: unknown): never {
  const scope = takeOwner();
  const task = scope === null ? null : taskOfLine(scope);
  if (scope === null || task === null || future.done() || awaitsItself(future, task)) {
    if (!rejectLateLine(scope, reject)) observe(future, resolve as Resolve, reject as Reject);
    return undefined as never; // the JavaScript engine ignores what `then` returns
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

/** The task of a line, which may be done; `null` outside any task, and when the loop is closed. */
function taskOfLine(scope: Scope): TaskRole | null {
  return scope.task === null || scope.loop._isClosed ? null : scope.task;
}

/**
 * Whether a task seems to await itself because of a callback. Where callbacks cannot be distinguished from lines, a
 * callback that awaits the task whose async context it has inherited looks like a line of that task. It may wait as
 * code outside does, if the task waits for something else; otherwise the task really awaits itself, which is an error.
 */
function awaitsItself(future: FutureRole, task: TaskRole): boolean {
  return future === task && !canTellCallbacks() && waitsNow(task);
}

/**
 * An async function awaits a coroutine: it runs inside the running task. Where there is none, or the task is done, it
 * becomes a task of its own.
 */
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
    const mayHaveNoFrame = !watched.steps && onAwait.noted === null;
    const hasBegun =
      mayHaveNoFrame && coroutine._beginWithoutFrame?.(scope, task, resolve as Resolve, reject as Reject) === true;
    if (!hasBegun) beginCoroutine(scope, task, coroutine, resolve as Resolve, reject as Reject, false);
  } else if (scope !== null && task !== null) {
    // The line of a task that is done waits for a new task, which runs the coroutine.
    const own = scope.loop.createTask(coroutine as never);
    ofLines.add(own);
    waitFor(own, scope, task, resolve as Resolve, reject as Reject);
  } else if (rejectLateLine(scope, reject)) {
    coroutine[Symbol.iterator]().return?.(); // it was awaited but never runs: debug mode must not report it
  } else {
    const own = loop().createTask(coroutine as never);
    if (scope !== null && (scope.marks & LATE) !== 0) ofLines.add(own);
    observe(own, resolve as Resolve, reject as Reject);
  }
  return undefined as never;
}

/**
 * A program calls `then` of a coroutine: it runs as code of the running scope, but no line waits for it. Outside any
 * task it becomes a task of its own.
 */
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

/**
 * An async function awaits `sleep(0)`: its line goes on in the next iteration. Returns false, without an effect, where
 * there is no task.
 */
export function awaitCheckpoint(resolve: unknown, reject: unknown): boolean {
  const scope = takeOwner();
  const task = scope === null ? null : taskOfLine(scope);
  if (scope === null || task === null) return rejectLateLine(scope, reject);
  giveWay(new PendingAwait(scope, task, resolve as Resolve, reject as Reject, null));
  task._loop._step.suspends(task);
  return true;
}

/**
 * Rejects the await of a line that has come back too late with the request that it has missed. Returns false if there
 * is none.
 */
function rejectLateLine(scope: Scope | null, reject: unknown): boolean {
  const request = scope === null ? null : takeMissed(scope);
  if (request === null) return false;
  if (scope!.task === null) noteReceivedLate(scope!.owner as Scope);
  const error = cancelledError(request.message, request);
  noteDelivered(error);
  (reject as Reject)(error);
  return true;
}

/**
 * Takes the request that a line has missed: its scopes are lost, or its loop was closed while its task waited for a
 * foreign promise. `null` if there is none.
 */
function takeMissed(scope: Scope): Request | null {
  const { task, pending } = scope;
  if (task !== null) {
    if (task.done() && (scope.marks & LATE) !== 0 && pending !== null) {
      dropPending(scope);
      return pending;
    }
    if (task.done() || !task._loop._isClosed) return null;
    return task._request ?? new MadeRequest(task, null, undefined, LOOP_CLOSED, null, 0);
  }
  dropPending(scope);
  return pending;
}

const LOOP_CLOSED = 'the end of its event loop';

/**
 * Begins a coroutine as code of a line. Most end without having to wait, so a `PendingAwait` is made only for the
 * others.
 */
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
  // After a call of `then` by the program, the program goes on, so its scope has to be restored: not `inJob`.
  runAs(task._loop, task, scope, context, current.loop === null && !isObserver, begin, frame, resolve, reject);
}

/**
 * An async function awaits a coroutine in which no code of a program runs, such as that of a lock. Most need not wait.
 * The others begin to wait without being run as a frame.
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
  beginFrames(frame, resolve, reject, false);
}

function beginObserved(frame: Frame, resolve: Resolve, reject: Reject): void {
  beginFrames(frame, resolve, reject, true);
}

/** Settles a promise with the outcome of a future. Unlike the wait of a line, this never cancels the future. */
export function observe(future: FutureRole, resolve: Resolve, reject: Reject): void {
  if (future.done()) settle(future, resolve, reject, noteTaken, true);
  else future._addWaiter(new PromiseWaiter(future, resolve, reject));
}

/** A waiter that settles a promise when the future is done. */
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
