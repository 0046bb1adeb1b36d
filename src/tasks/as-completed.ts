import { TimeoutError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, inSeconds } from '../internal/duration.ts';
import { checkOptions } from '../internal/options.ts';
import {
  type AwaitableCoroutine,
  type AwaitableLike,
  type CoroutineLike,
  ensureFutureOn,
  type Future,
  getEventLoop,
  isAwaitable,
  iscoroutine,
  isfuture,
  libraryCoroutine,
  newWait,
  type Outcome,
  postponeReport,
  resumeReport,
  runningTask,
  subscribe,
  type Task,
  type TimerHandle,
} from '../kernel/lowlevel.ts';

/** Options of `asCompleted`. */
export interface AsCompletedOptions {
  /** The time limit for all of them together; `null` for no limit. */
  readonly timeout?: Duration | null | undefined;
}

/** What `asCompleted` gives for an input: a future or task itself, a new task for a coroutine. */
export type FutureOf<A> =
  A extends Future<infer _> ? A : A extends CoroutineLike<infer T> ? Task<T> : Future<Outcome<A>>;

/** The time limit has passed. */
const TIMED_OUT = null;

/** What `asCompleted` returns: iterate it with `for await` for the futures, with `for` for awaitables of the next result. */
export class AsCompleted<T, F = Future<T>> implements AsyncIterable<F> {
  /** The futures that are done, in order, and then `TIMED_OUT` for each that was not done in time. */
  readonly #done: (Future<T> | typeof TIMED_OUT)[] = [];
  readonly #getters: Future<void>[] = [];
  readonly #todo: Set<Future<T>>;
  /** How many outcomes were not taken yet and are not claimed by a wait. */
  #left: number;
  #timer: TimerHandle | null = null;
  readonly #onDone = (future: Future<T>): void => this.#completed(future);

  /** @internal */
  constructor(awaitables: Iterable<AwaitableLike<T>>, timeout: number | null) {
    const loop = getEventLoop();
    this.#todo = new Set([...new Set(awaitables)].map((awaitable) => ensureFutureOn<T>(awaitable, loop) as Future<T>));
    this.#left = this.#todo.size;
    const awaiter = runningTask();
    for (const future of this.#todo) subscribe(future, this.#onDone, awaiter);
    if (this.#left > 0 && timeout !== null) this.#timer = loop.callLater(timeout, () => this.#timedOut());
  }

  #completed(future: Future<T>): void {
    if (!this.#todo.delete(future)) return; // the time limit had passed before
    postponeReport(future as Future<unknown>);
    this.#put(future);
    if (this.#todo.size === 0) this.#timer?.cancel();
  }

  #timedOut(): void {
    for (const future of this.#todo) {
      future.removeDoneCallback(this.#onDone);
      this.#put(TIMED_OUT);
    }
    this.#todo.clear();
  }

  #put(item: Future<T> | typeof TIMED_OUT): void {
    this.#done.push(item);
    this.#wakeOne();
  }

  #wakeOne(): void {
    for (let getter = this.#getters.shift(); getter !== undefined; getter = this.#getters.shift()) {
      if (getter.done()) continue;
      getter.setResult(undefined);
      return;
    }
  }

  /** Claims an outcome for one more wait; false when there is none left. @internal */
  claimOne(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  /** Waits until there is something to take. When the wait is cancelled, its claimed outcome becomes free for other waits. @internal */
  *takeNext(): Generator<unknown, Future<T>, unknown> {
    try {
      while (this.#done.length === 0) yield* this.#wait();
    } catch (error) {
      this.#left++;
      throw error;
    }
    const future = this.#done.shift()!;
    if (future === TIMED_OUT) throw new TimeoutError('asCompleted: the time limit passed before all were done');
    resumeReport(future as Future<unknown>);
    return future;
  }

  *#wait(): Generator<unknown, void, unknown> {
    const getter = newWait(getEventLoop(), {
      operation: 'next',
      object: this,
      parts: this.#todo as Set<Future<unknown>>,
    });
    this.#getters.push(getter);
    try {
      yield* getter;
    } catch (error) {
      getter.cancel();
      const at = this.#getters.indexOf(getter);
      if (at >= 0) this.#getters.splice(at, 1);
      // Woken and cancelled at the same time: the next wait must be woken instead.
      if (this.#done.length > 0 && !getter.cancelled()) this.#wakeOne();
      throw error;
    }
  }

  /**
   * The next future to be done, whether it succeeded or failed.
   *
   * **Cancellation**: ends the wait, and nothing is lost: the next call gets the future that finishes next.
   *
   * @throws {TimeoutError} when the time limit of `asCompleted` has passed
   */
  nextFuture(): AwaitableCoroutine<IteratorResult<F, undefined>> {
    return nextFuture(this as AsCompleted<unknown>) as AwaitableCoroutine<IteratorResult<F, undefined>>;
  }

  /** For `for await`: the futures in the order in which they finish; futures that were passed in themselves, new tasks for coroutines. */
  [Symbol.asyncIterator](): { next(): AwaitableCoroutine<IteratorResult<F, undefined>> } & AsyncIterator<F, undefined> {
    return { next: () => this.nextFuture() } as {
      next(): AwaitableCoroutine<IteratorResult<F, undefined>>;
    } & AsyncIterator<F, undefined>;
  }

  /**
   * For `for`: as many awaitables as there are inputs; each gives the result of the next one that finishes. When the wait for one is
   * cancelled, the next one gives its result. Results that are left after the last one come from `nextFuture()` or another loop.
   */
  *[Symbol.iterator](): Generator<AwaitableCoroutine<T>, void, unknown> {
    // A cancelled wait does not add a round to this loop, because the loop might then never end.
    for (let count = this.#left; count > 0 && this.claimOne(); count--) {
      yield nextResult(this as AsCompleted<unknown>) as AwaitableCoroutine<T>;
    }
  }

  toString(): string {
    return `<AsCompleted left=${this.#left}>`;
  }
}

const nextFuture = /* @__PURE__ */ libraryCoroutine(function* nextFuture(
  completed: AsCompleted<unknown>,
): Generator<unknown, IteratorResult<Future<unknown>, undefined>, unknown> {
  return completed.claimOne() ? { done: false, value: yield* completed.takeNext() } : { done: true, value: undefined };
});

const nextResult = /* @__PURE__ */ libraryCoroutine(function* nextResult(
  completed: AsCompleted<unknown>,
): Generator<unknown, unknown, unknown> {
  return (yield* completed.takeNext()).result();
});

/**
 * Runs awaitables concurrently and gives them in the order in which they finish. Starts at once; those that are done already come
 * in the order of the arguments.
 *
 * **Cancellation**: ends the wait; the awaitables keep running, and the next call gets the outcome. A timeout does the same.
 *
 * Follows CPython's `asyncio.as_completed`.
 *
 * @throws {TypeError} at once, when it is not a collection of awaitables
 * @throws {TimeoutError} where the next one is awaited, when the time limit has passed
 * @example
 * for await (const task of asCompleted(tasks)) console.log(task.result());
 * for (const next of asCompleted(tasks)) console.log(await next);
 */
export function asCompleted<const A extends AwaitableLike<unknown>>(
  awaitables: Iterable<A>,
  options: AsCompletedOptions = {},
): AsCompleted<Outcome<A>, FutureOf<A>> {
  checkOptions('asCompleted', options, ['timeout'], false);
  if (
    isfuture(awaitables) ||
    iscoroutine(awaitables) ||
    typeof awaitables !== 'object' ||
    awaitables === null ||
    !(Symbol.iterator in awaitables)
  ) {
    throw typeError(`expects an iterable of awaitables, not ${describe(awaitables)}`, 'NOT_AWAITABLE');
  }
  const list = [...awaitables];
  for (const awaitable of list) {
    if (!isAwaitable(awaitable))
      throw typeError(`asCompleted: an awaitable is required, got ${describe(awaitable)}`, 'NOT_AWAITABLE');
  }
  const timeout = options.timeout ?? null;
  return new AsCompleted<Outcome<A>, FutureOf<A>>(
    list as AwaitableLike<Outcome<A>>[],
    timeout === null ? null : inSeconds(timeout, 'timeout'),
  );
}
