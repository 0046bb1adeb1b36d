import { errorOfThrown, isCancelledError, unwrapCancellation } from '../errors/errors.ts';
import { ExceptionGroup, leavesTheLoop, RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, titlesOf } from '../internal/describe.ts';
import { unbound } from '../internal/methods.ts';
import { checkOptions } from '../internal/options.ts';
import { CONCURRENCY, checkWholeNumber } from '../internal/whole-number.ts';
import {
  type AwaitableCoroutine,
  awaitsDelivery,
  type CoroutineFunction,
  type CoroutineLike,
  cancelFor,
  cancelLines,
  cancelScope,
  deliverAgain,
  type EventLoop,
  enterScope,
  errorOfCancelled,
  type Future,
  getRunningLoop,
  iscoroutine,
  iterableOf,
  leaveScope,
  libraryCoroutine,
  logger,
  newWait,
  noteTouched,
  release,
  requestsAtEntry,
  requestsTo,
  runningTask,
  type Scope,
  subscribe,
  type Task,
  type TaskOptions,
  takeBack,
  type WaitRecord,
} from '../kernel/lowlevel.ts';
import { Semaphore } from '../sync/index.ts';

/** Options of a task group. */
export interface TaskGroupOptions {
  /** How many of its tasks may run at the same time: a whole number of at least 1; no limit when absent. */
  readonly limit?: number | undefined;
}

/**
 * The life of a task group.
 *
 * | state    | meaning                                                  | `createTask` | left by                    |
 * |----------|----------------------------------------------------------|--------------|----------------------------|
 * | created  | not entered yet                                          | refused      | `enter`                    |
 * | open     | the body runs                                            | allowed      | `exit`                     |
 * | closing  | the body is over, tasks are left                         | allowed      | the last task              |
 * | finished | all is over                                              | refused      | –                          |
 *
 * In addition, *aborting* means that the remaining tasks were cancelled: after a failure, a cancellation of the parent, or `cancel()`. No
 * more tasks can be made then.
 */
type GroupState = 'created' | 'open' | 'closing';

/**
 * Tasks that belong together: the group ends when all are done, and when one fails, the others are cancelled. Prefer
 * `taskGroup`, which enters and leaves it around a body.
 *
 * Follows CPython's `asyncio.TaskGroup`.
 */
export class TaskGroup {
  #state: GroupState = 'created';
  #aborting = false;
  #cancelCalled = false;
  #loop: EventLoop | null = null;
  #parent: Task<unknown> | null = null;
  #scope: Scope | null = null;
  /** The last cancellation that came while the group waited. */
  #cameMeanwhile: unknown = null;
  /** When the group was entered, a request had not reached the parent yet. The parent gets it and the group's own as one error. */
  #wasPending = false;
  /** The group has cancelled its parent, and must take that back when it is left. */
  #parentCancelRequested = false;
  readonly #tasks = new Set<Task<unknown>>();
  /** How many tasks it has made. */
  #made = 0;
  #errors: unknown[] = [];
  /** A `KeyboardInterrupt` or `SystemExit`, which the group throws unchanged. */
  #interrupt: unknown = null;
  #allDone: Future<void> | null = null;
  readonly #onTaskDone = (task: Future<unknown>): void => this.#taskDone(task as Task<unknown>);
  /** `null` when there is no limit. */
  readonly #slots: Semaphore | null;
  /** The tasks that have a slot. */
  readonly #running = new Set<Task<unknown>>();

  /**
   * @param options `limit`: how many tasks may run at the same time
   * @throws {TypeError} when the limit is not a number
   * @throws {ValueError} when it is not a whole number of at least 1, and not `Infinity`
   */
  constructor(options: TaskGroupOptions = {}) {
    checkOptions('TaskGroup', options, ['limit']);
    this.#slots =
      options.limit === undefined
        ? null
        : new Semaphore(checkWholeNumber('TaskGroup: limit', options.limit, CONCURRENCY));
    if (this.#slots !== null) this.#slots.waiters.object = this; // who waits for a turn, waits for the group
  }

  /**
   * Runs a coroutine as a task of the group. In a group with a limit, the coroutine begins when fewer tasks than the limit are running.
   *
   * **Order**: tasks that wait for their turn begin in the order in which they were made.
   *
   * @throws {RuntimeError} when the group was not entered, is shutting down, or is finished
   */
  createTask<T>(coro: CoroutineLike<T>, options?: TaskOptions): Task<T> {
    if (this.#state === 'created')
      throw this.#refused(
        coro,
        'has not been entered: write taskGroup(async (group) => { … }), and make tasks in its body',
      );
    if (this.#state === 'closing' && this.#tasks.size === 0)
      throw this.#refused(coro, 'is finished: tasks can be made while its body or one of its tasks runs');
    if (this.#aborting) throw this.#refused(coro, 'is shutting down, because a task failed or the group was cancelled');
    const task = this.#loop!.createTask(this.#slots === null ? coro : inTurn(this, coro), options);
    this.#made++;
    this.#tasks.add(task as Task<unknown>);
    subscribe(task, this.#onTaskDone as (future: Future<T>) => void, this.#parent);
    // When it was cancelled before its turn, it never ran.
    if (this.#slots !== null) subscribe(task, () => discard(coro), null);
    // One that starts eagerly may have cancelled the group in its first step.
    if (this.#aborting && !task.done()) cancelFor(task, this.#because());
    return task;
  }

  #refused(coro: unknown, why: string): RuntimeError {
    discard(coro);
    return new RuntimeError(`TaskGroup ${this} ${why}`, { code: 'TASK_GROUP_NOT_OPEN' });
  }

  /**
   * Cancels the remaining tasks and the body; the group then ends without an error of its own. Has no effect when it is
   * finished; before it is entered, its body is cancelled where it first waits.
   *
   * Follows CPython 3.15's `TaskGroup.cancel`.
   */
  cancel(): void {
    if (this === undefined || !(#state in this)) throw unbound('TaskGroup.cancel');
    if (this.#state === 'closing' && this.#tasks.size === 0) return;
    this.#cancelCalled = true;
    if (this.#state === 'created') return;
    if (!this.#aborting) this.#abort();
    this.#cancelParent();
  }

  /**
   * Enters the group: the running task becomes its parent. For adapters; await it, then `exit`. Not in one of several branches of a task, since
   * the other branches would be inside it, too: there write `taskGroup(body)`.
   */
  enter(): AwaitableCoroutine<this> {
    return entered(this) as AwaitableCoroutine<this>;
  }

  /**
   * Waits for the tasks, and leaves the group. For adapters.
   *
   * @param error what the body threw
   * @returns whether the error was caused by the group's own `cancel()` and should not be rethrown
   * @throws {ExceptionGroup} when a task or the body failed
   * @throws {CancelledError} when the parent was cancelled from outside, and nothing failed
   * @throws {KeyboardInterrupt} or {SystemExit}, unchanged, when the body or a task threw it; errors of other tasks are reported to the
   * loop's exception handler
   */
  exit(error?: unknown): AwaitableCoroutine<boolean> {
    return left(this, error);
  }

  /** @internal */
  enterNow(): void {
    if (this.#state !== 'created')
      throw new RuntimeError(`TaskGroup ${this} has already been entered`, { code: 'TASK_GROUP_REENTERED' });
    const parent = runningTask();
    if (parent === null) {
      throw new RuntimeError(
        `TaskGroup ${this} cannot determine the parent task: start one with run() or createTask()`,
        { code: 'NO_TASK' },
      );
    }
    this.#loop = getRunningLoop();
    this.#parent = parent;
    this.#scope = enterScope(parent, this);
    this.#wasPending = awaitsDelivery(this.#scope);
    this.#state = 'open';
    if (this.#cancelCalled) this.cancel();
  }

  /** @internal */
  *exitGroup(thrown: unknown): Generator<unknown, boolean, unknown> {
    this.#state = 'closing';
    const error = unwrapCancellation(thrown);
    if (leavesTheLoop(error) && this.#interrupt === null) this.#interrupt = error;
    let cancellation: unknown = isCancelledError(error) ? error : null;
    if (error !== undefined && !this.#aborting) this.#abort();
    cancellation = yield* this.#waitForTasks(cancellation);

    const scope = this.#scope!;
    leaveScope(scope, isCancelledError(error));
    if (error !== undefined) cancelLines(scope, BODY_FAILED);
    if (this.#parentCancelRequested) takeBack(scope);
    if (this.#interrupt !== null) this.#throwInterrupt();
    let isOwnDoing = false;
    if (this.#parentCancelRequested) {
      const others = requestsTo(scope);
      if (others === 0 || (this.#cancelCalled && !this.#wasPending && others <= requestsAtEntry(scope))) {
        // The parent was cancelled only by the group.
        isOwnDoing = cancellation !== null;
        cancellation = null;
      } else if (cancellation === null && this.#cancelCalled) {
        cancellation = this.#cameMeanwhile;
      }
    }
    if (cancellation !== null && this.#errors.length === 0) throw cancellation;
    const bodyFailed = error !== undefined && !isCancelledError(error);
    if (bodyFailed) this.#errors.push(error);
    if (this.#errors.length > 0) this.#fail(bodyFailed);
    return isOwnDoing && this.#cancelCalled;
  }

  *#waitForTasks(cancelled: unknown): Generator<unknown, unknown, unknown> {
    let cancellation = cancelled;
    // The wait can be cancelled several times: by the parent's cancellation, and by the group's own.
    while (this.#tasks.size > 0) {
      this.#allDone = newWait(this.#loop!, new TasksOfGroup(this));
      try {
        yield* this.#allDone;
      } catch (error) {
        if (!isCancelledError(error)) throw error;
        this.#cameMeanwhile = error;
        if (!this.#aborting) {
          cancellation = error;
          this.#abort();
        }
      }
      this.#allDone = null;
    }
    return cancellation;
  }

  /** `2 of 5 tasks failed: Error: no user 1; Error: no user 2`. */
  #tellOf(errors: readonly unknown[], bodyFailed: boolean): string {
    const failed = errors.length - (bodyFailed ? 1 : 0);
    const tasks = `${failed} of ${this.#made} ${this.#made === 1 ? 'task' : 'tasks'}`;
    const who = !bodyFailed ? tasks : failed === 0 ? 'the body' : `the body and ${tasks}`;
    return `${who} failed: ${titlesOf(errors)}`;
  }

  #fail(bodyFailed: boolean): never {
    const scope = this.#scope!;
    // Cancelled from outside as well: that request is delivered at the next await, and the count is not changed.
    if (requestsTo(scope) > 0) deliverAgain(scope.parent!);
    const errors = this.#errors;
    this.#errors = [];
    throw ExceptionGroup.tellingOf('unhandled errors in a TaskGroup', this.#tellOf(errors, bodyFailed), errors);
  }

  /** Throws the interrupt alone, as it came. The errors of other tasks are reported, since nobody would hear of them otherwise. */
  #throwInterrupt(): never {
    const interrupt = this.#interrupt;
    const errors = this.#errors;
    this.#errors = [];
    for (const exception of errors) {
      if (exception === interrupt) continue;
      this.#loop!.callExceptionHandler({
        message: `A task of ${this} failed, and its error could not be thrown: the group ended with ${describe(interrupt)}`,
        exception,
        taskGroup: this,
      });
    }
    throw interrupt;
  }

  #abort(): void {
    this.#aborting = true;
    for (const task of this.#tasks) if (!task.done()) cancelFor(task, this.#because());
  }

  /** Why tasks of the group are cancelled, for their story. */
  #because(): string {
    if (this.#cancelCalled) return 'cancel() of its TaskGroup';
    return this.#errors.length > 0
      ? `a failure in its TaskGroup (${describe(this.#errors[0])})`
      : 'the end of its TaskGroup';
  }

  #cancelParent(): void {
    if (this.#parentCancelRequested) return;
    this.#parentCancelRequested = true;
    cancelScope(this.#scope!, this.#because());
  }

  /** Waits until the running task may begin. @internal */
  *waitForTurn(): Generator<unknown, void, unknown> {
    yield* this.#slots!.acquire();
    this.#running.add(runningTask()!);
  }

  #taskDone(task: Task<unknown>): void {
    this.#tasks.delete(task);
    this.#noteEnd(task);
    // Not earlier: when the task has failed, the tasks that wait for their turn must not begin.
    if (this.#running.delete(task)) this.#slots!.release();
  }

  #noteEnd(task: Task<unknown>): void {
    if (this.#allDone !== null && this.#tasks.size === 0) release(this.#allDone);
    if (task.cancelled()) {
      if (task.cancelRequest === null && !this.#aborting) this.#reportLost(task);
      return;
    }
    const error = task.exception();
    if (error === null) return;
    this.#errors.push(error);
    if (leavesTheLoop(error) && this.#interrupt === null) this.#interrupt = error;
    if (this.#parent!.done()) {
      this.#loop!.callExceptionHandler({
        message: `Task ${task} has errored out but its parent task ${this.#parent} is already completed`,
        exception: error,
        task,
      });
      return;
    }
    if (!this.#aborting && !this.#parentCancelRequested) {
      this.#abort();
      this.#cancelParent();
    }
  }

  /** A group does not report cancelled tasks. But if no code has cancelled the task, its work is lost without anybody knowing. */
  #reportLost(task: Task<unknown>): void {
    const { message } = errorOfCancelled(task);
    logger.warn(
      `${task} of ${this} ended as cancelled, though neither it nor the group was cancelled: something that it awaited was` +
        `${message === '' ? '' : ` (${message})`}. ` +
        'Its work is lost. Catch the CancelledError where the task awaits something that other code may cancel, or wait for it with wait([future]).',
    );
  }

  /** The tasks that are not done. */
  get tasks(): ReadonlySet<Task<unknown>> {
    return this.#tasks;
  }

  toString(): string {
    const details = ['TaskGroup'];
    if (this.#tasks.size > 0) details.push(`tasks=${this.#tasks.size}`);
    if (this.#slots !== null) details.push(`waiting=${this.#slots.statistics().waiting}`);
    if (this.#errors.length > 0) details.push(`errors=${this.#errors.length}`);
    if (this.#aborting) details.push('cancelling');
    else if (this.#state !== 'created') details.push('entered');
    return `<${details.join(' ')}>`;
  }
}

const BODY_FAILED = 'a failure beside it';

/** What the exit of a group waits for: whichever of its tasks are left when somebody looks. */
class TasksOfGroup implements WaitRecord {
  readonly operation = 'tasks';
  readonly object: TaskGroup;

  constructor(group: TaskGroup) {
    this.object = group;
  }

  get holders(): readonly Task<unknown>[] {
    return [...this.object.tasks];
  }
}

/** Closes a coroutine that will never run; otherwise debug mode would report that it was never awaited. */
function discard(coro: unknown): void {
  if (typeof coro !== 'object' || coro === null) return;
  noteTouched(coro);
  if ('return' in coro && typeof coro.return === 'function') coro.return(undefined);
}

/** A coroutine that begins when it has a slot. A value that is not a coroutine is passed to the loop, which throws the right error. */
function inTurn<T>(group: TaskGroup, coro: CoroutineLike<T>): CoroutineLike<T> {
  // A task that is made of a function keeps the async context, so that this one must be made of one too.
  if (typeof coro === 'function') {
    const start = () => waitAndRun(group, coro) as AwaitableCoroutine<T>;
    return Object.defineProperty(start, 'name', { value: coro.name });
  }
  return iscoroutine(coro) ? (waitAndRun(group, coro) as AwaitableCoroutine<T>) : coro;
}

const waitAndRun = /* @__PURE__ */ libraryCoroutine(function* inTurn(
  group: TaskGroup,
  coro: CoroutineLike<unknown>,
): Generator<unknown, unknown, unknown> {
  yield* group.waitForTurn();
  return yield* iterableOf(coro);
});

const entered = /* @__PURE__ */ libraryCoroutine(function* enter(
  group: TaskGroup,
): Generator<unknown, TaskGroup, unknown> {
  group.enterNow();
  return group;
});

const left = /* @__PURE__ */ libraryCoroutine(function* exit(
  group: TaskGroup,
  error: unknown,
): Generator<unknown, boolean, unknown> {
  return yield* group.exitGroup(error);
});

/** The body of a task group: an async function, or a generator function. */
export type TaskGroupBody<T> = CoroutineFunction<T, [group: TaskGroup]>;

/**
 * Runs a body that may start tasks, and waits for all of them. When one fails, or the body does, the others are cancelled.
 *
 * With a `limit`, a task is made at once, but its coroutine begins only when fewer tasks than the limit are running; one that is cancelled
 * before that never begins. A task that waits for another task of the group keeps its slot: if all of them do so, the group is deadlocked.
 *
 * **Cancellation**: cancels the body and the tasks, and waits for them.
 *
 * **Order**: tasks that wait for their turn begin in the order in which they were made.
 *
 * Follows CPython's `asyncio.TaskGroup`, which has no limit.
 *
 * @param body an async function or a generator function; runs in the present task, or in a new one when the code belongs to no task
 * @param options `limit`: how many of the tasks may run at the same time; no limit when absent
 * @returns what the body returns (`undefined` when `group.cancel()` has ended it)
 * @throws {ExceptionGroup} of all failures, when a task or the body failed
 * @throws {KeyboardInterrupt} or {SystemExit}, unchanged, when the body or a task threw it; errors of other tasks are reported to the
 * loop's exception handler
 * @throws {TypeError} at once, when the body is not a function, or the limit is not a number
 * @throws {ValueError} at once, when the limit is not a whole number of at least 1, and not `Infinity`
 * @example
 * await taskGroup(
 *   async (group) => {
 *     for (const url of urls) group.createTask(() => download(url));
 *   },
 *   { limit: 10 },
 * );
 */
export function taskGroup<T>(body: TaskGroupBody<T>, options?: TaskGroupOptions): AwaitableCoroutine<T> {
  if (typeof body !== 'function')
    throw typeError(
      `taskGroup: the body must be an async function or a generator function, got ${describe(body)}; write taskGroup(async (group) => { … })`,
      'NOT_A_COROUTINE',
    );
  checkOptions('taskGroup', options, ['limit']);
  return runGroup(new TaskGroup(options), body) as AwaitableCoroutine<T>;
}

const runGroup = /* @__PURE__ */ libraryCoroutine(function* taskGroup(
  group: TaskGroup,
  body: TaskGroupBody<unknown>,
): Generator<unknown, unknown, unknown> {
  group.enterNow();
  let result: unknown;
  try {
    result = yield* iterableOf(body, group);
  } catch (thrown) {
    const error = errorOfThrown(thrown);
    if (yield* group.exitGroup(error)) return undefined;
    throw error;
  }
  yield* group.exitGroup(undefined);
  return result;
});
