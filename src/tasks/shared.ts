import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import {
  type CoroutineFunction,
  cancelFor,
  Future,
  failWith,
  getEventLoop,
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
 * One run of work.
 *
 *     RUNNING ──done──▶ over (kept, or forgotten)
 *        └──the last waiter has left──▶ cancelled, and forgotten at once: the next call begins a new run
 */
class Run<T> {
  readonly args: readonly unknown[];
  readonly #task: Task<T>;
  readonly #onLeft: () => void;
  #waiters = 0;

  constructor(args: readonly unknown[], task: Task<T>, onLeft: () => void) {
    this.args = args;
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

/**
 * Makes a function whose callers share one run of its work: calls during a run wait for the same result. Use it in place of what is often
 * written as a memoised promise (`conn ??= connect()`), where the first caller's deadline or cancellation would end the work of all.
 *
 * Calls with different arguments are different work; arguments are compared as `Map` compares keys. The work is a task of its own, begun in
 * the context of its first caller.
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
  // Indexed by the first argument, so that the work for one of many keys is found quickly.
  const runs = new Map<unknown, Run<T>[]>();
  const ask = (...args: A): Future<T> => {
    const known = runs.get(args[0])?.find((run) => isSame(run.args, args));
    return (known ?? begin(args)).join();
  };
  const begin = (args: A): Run<T> => {
    const start = (): ReturnType<typeof fn> => fn(...args);
    const task = getEventLoop().createTask<T>(Object.defineProperty(start, 'name', { value: fn.name }));
    const run: Run<T> = new Run<T>(args, task, () => forget(run));
    runs.set(args[0], [...(runs.get(args[0]) ?? []), run]);
    subscribe(
      task,
      () => {
        if (run.hasFailed() || options.keep !== true) forget(run);
      },
      null,
    );
    return run;
  };
  const forget = (run: Run<T>): void => {
    const others = runs.get(run.args[0])?.filter((other) => other !== run) ?? [];
    if (others.length > 0) runs.set(run.args[0], others);
    else runs.delete(run.args[0]);
  };
  return Object.assign(ask, { forget: () => runs.clear() });
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((arg, i) => Object.is(arg, other[i]) || arg === other[i]);
}
