import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import {
  type CoroutineFunction,
  cancelFor,
  type EventLoop,
  Future,
  failWith,
  getEventLoop,
  isLoopClosed,
  noteWait,
  subscribe,
  type Task,
} from '../kernel/lowlevel.ts';

/** Options of `shared`. */
export interface SharedOptions {
  /** Keeps the result for all later calls; an error is never kept. Without it, a call after the end starts the work again. */
  readonly keep?: boolean | undefined;
}

/** What `shared` returns: each call waits separately for the same run of the work. */
export interface SharedFunction<T, A extends unknown[]> {
  (...args: A): Future<T>;
  /**
   * Forgets kept results, so that the next call starts the work again. Callers that already wait still get the result of the current run.
   */
  forget(): void;
}

/**
 * One run of work, in one loop: those of another loop cannot wait for it, and have a run of their own.
 *
 *     RUNNING ──done──▶ over (its result is kept, or it is forgotten)
 *        └──the last waiter has left──▶ cancelled, and forgotten at once: the next call begins a new run
 */
class Run<T> {
  readonly #task: Task<T>;
  readonly #onLeft: () => void;
  #waiters = 0;

  constructor(task: Task<T>, onLeft: () => void) {
    this.#task = task;
    this.#onLeft = onLeft;
  }

  /** Adds one more waiter. */
  join(): Future<T> {
    this.#waiters++;
    const wait = new SharedWait<T>(this.#task, () => this.#leave());
    noteWait(wait, { operation: 'shared', object: this.#task });
    subscribe(this.#task, () => settle(this.#task, wait), wait);
    return wait;
  }

  /**
   * Handles the end of the work, and returns whether it failed. Its error goes to all waiting callers; if there are none, it is reported to
   * the loop's exception handler.
   */
  hasFailed(): boolean {
    if (this.#task.cancelled()) return true;
    const exception = this.#task.exception();
    if (exception === null) return false;
    if (this.#waiters === 0) {
      const message = `${this.#task.getName()} failed after the last caller that waited for it was cancelled`;
      this.#task.getLoop().callExceptionHandler({ message, exception, task: this.#task as Task<unknown> });
    }
    return true;
  }

  get result(): T {
    return this.#task.result();
  }

  #leave(): void {
    if (--this.#waiters > 0 || this.#task.done()) return;
    this.#onLeft();
    cancelFor(this.#task, 'the last caller that waited for it');
  }
}

/** The wait of one caller. */
class SharedWait<T> extends Future<T> {
  readonly #onCancel: () => void;

  constructor(task: Task<T>, onCancel: () => void) {
    super({ loop: task.getLoop() });
    this.#onCancel = onCancel;
  }

  override cancel(message?: unknown): boolean {
    const cancelled = super.cancel(message);
    if (cancelled) this.#onCancel();
    return cancelled;
  }
}

function settle<T>(task: Task<T>, wait: Future<T>): void {
  if (wait.done()) return;
  if (task.cancelled()) {
    wait.cancel();
    return;
  }
  const error = task.exception();
  if (error === null) wait.setResult(task.result());
  else failWith(wait, error);
}

/** The work of one list of arguments. */
class Work<T> {
  /** The result, once it is kept: for those who ask in any loop, at any time. */
  kept: { readonly result: T } | null = null;
  /** The runs under way. */
  readonly runs = new Map<EventLoop, Run<T>>();

  get isOver(): boolean {
    return this.kept === null && this.runs.size === 0;
  }
}

/**
 * Work by its arguments, which are compared as `Map` compares keys. Each argument leads to the next step, so that work is found at once
 * however much of it begins with the same arguments (`row('users', id)`).
 */
class WorkByArguments<T> {
  #work: Work<T> | null = null;
  readonly #next = new Map<unknown, WorkByArguments<T>>();

  /** The work of a list of arguments, made when there is none. */
  get(args: readonly unknown[]): Work<T> {
    let at: WorkByArguments<T> = this;
    for (const arg of args) {
      let next = at.#next.get(arg);
      if (next === undefined) {
        next = new WorkByArguments();
        at.#next.set(arg, next);
      }
      at = next;
    }
    at.#work ??= new Work();
    return at.#work;
  }

  /** Drops work, and the steps that lead to nothing else. */
  drop(args: readonly unknown[], work: Work<T>): void {
    const path: WorkByArguments<T>[] = [this];
    for (const arg of args) {
      const next = path.at(-1)!.#next.get(arg);
      if (next === undefined) return;
      path.push(next);
    }
    if (path.at(-1)!.#work !== work) return;
    path.at(-1)!.#work = null;
    for (let i = args.length; i > 0 && path[i]!.#isEmpty(); i--) path[i - 1]!.#next.delete(args[i - 1]);
  }

  #isEmpty(): boolean {
    return this.#work === null && this.#next.size === 0;
  }
}

/**
 * Makes a function whose callers share one run of its work: calls during a run wait for the same result. Use it in place of what is often
 * written as a memoised promise (`conn ??= connect()`), where the first caller's deadline or cancellation would end the work of all.
 *
 * Calls with different arguments are different work; arguments are compared as `Map` compares keys. The work is a task of its own, begun in
 * the context of its first caller. Each event loop has its own run of it; a result that is kept is given to callers in all loops, also to
 * those of a later `run()`.
 *
 * **Cancellation**: cancelling one caller does not affect the others; when the last one has been cancelled, the work is cancelled. A
 * deadline around one call ends only that wait.
 *
 * @param fn an async function or a generator function
 * @param options `keep`: keeps the result for later callers
 * @returns a function that gives a future for each call
 * @throws {TypeError} at once, when `fn` is not a function
 * @throws (in each future) what the work throws; the next call starts the work again
 * @example
 * const userById = shared(fetchUser, { keep: true });
 * const ada = await timeout(5, () => userById(1)); // the deadline ends only this wait; others keep waiting for the same run
 */
export function shared<T, A extends unknown[] = []>(
  fn: CoroutineFunction<T, A>,
  options: SharedOptions = {},
): SharedFunction<T, A> {
  checkOptions('shared', options, ['keep']);
  if (typeof fn !== 'function') {
    throw typeError(
      `shared: an async function or a generator function is required, got ${describe(fn)}: write shared(f), not shared(f())`,
      'NOT_A_COROUTINE',
    );
  }
  let all = new WorkByArguments<T>();
  const ask = (...args: A): Future<T> => {
    const loop = getEventLoop();
    const work = all.get(args);
    if (work.kept !== null) return keptResult(loop, work.kept.result);
    return (work.runs.get(loop) ?? begin(loop, work, args)).join();
  };
  const begin = (loop: EventLoop, work: Work<T>, args: A): Run<T> => {
    const from = all;
    const start = (): ReturnType<typeof fn> => fn(...args);
    const over = (): void => {
      if (work.runs.get(loop) === run) work.runs.delete(loop);
      if (work.isOver) from.drop(args, work);
    };
    let task: Task<T>;
    try {
      task = loop.createTask<T>(Object.defineProperty(start, 'name', { value: fn.name }));
    } catch (error) {
      if (work.isOver) from.drop(args, work);
      throw error;
    }
    const run: Run<T> = new Run<T>(task, over);
    // A loop that was closed has left its run behind.
    for (const other of work.runs.keys()) if (isLoopClosed(other)) work.runs.delete(other);
    work.runs.set(loop, run);
    subscribe(
      task,
      () => {
        if (!run.hasFailed() && options.keep === true && work.runs.get(loop) === run)
          work.kept ??= { result: run.result };
        over();
      },
      null,
    );
    return run;
  };
  const forget = (): void => {
    all = new WorkByArguments();
  };
  return Object.assign(ask, { forget });
}

function keptResult<T>(loop: EventLoop, result: T): Future<T> {
  const kept = new Future<T>({ loop });
  kept.setResult(result);
  return kept;
}
