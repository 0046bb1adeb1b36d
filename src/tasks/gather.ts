import { CancelledError } from '../errors/errors.ts';
import { describe } from '../internal/describe.ts';
import { type AwaitableLike, type EventLoop, ensureFutureOn, Future, getEventLoop, isAwaitable, isfuture, noteWait, type Outcome, subscribe } from '../kernel/lowlevel.ts';
import { errorOf } from './outcome.ts';

/** Options of `gather`. */
export interface GatherOptions {
  /** Puts errors among the results instead of failing with the first one. */
  readonly returnExceptions?: boolean | undefined;
}

type Awaitables = readonly AwaitableLike<unknown>[];
type Results<A extends Awaitables> = { -readonly [K in keyof A]: Outcome<A[K]> };
type ResultsOrErrors<A extends Awaitables> = { -readonly [K in keyof A]: Outcome<A[K]> | Error };

/** The result of `gather`: cancelling it cancels what it waits for, and it is done only when that is. */
class GatheringFuture extends Future<unknown[]> {
  readonly #children: readonly Future<unknown>[];
  readonly #returnExceptions: boolean;
  #left: number;
  #cancelRequested = false;

  constructor(children: readonly Future<unknown>[], distinct: number, loop: EventLoop, returnExceptions: boolean) {
    super({ loop });
    this.#children = children;
    this.#left = distinct;
    this.#returnExceptions = returnExceptions;
    noteWait(this, 'gather', null);
  }

  override cancel(message?: unknown): boolean {
    if (this.done()) return false;
    let cancelled = false;
    for (const child of this.#children) if (child.cancel(message)) cancelled = true;
    // When a child was really cancelled the request is passed on whatever the children make of it.
    if (cancelled) this.#cancelRequested = true;
    return cancelled;
  }

  childDone(child: Future<unknown>): void {
    this.#left--;
    if (this.done()) {
      if (!child.cancelled()) child.exception(); // nobody else will look at it
      return;
    }
    if (!this.#returnExceptions) {
      const error = errorOf(child);
      if (error !== null) {
        this.setException(error);
        return;
      }
    }
    if (this.#left === 0) this.#collect();
  }

  #collect(): void {
    const results = this.#children.map(outcome);
    // As in CPython, it is the last argument whose message is passed on, not the last one to end.
    if (this.#cancelRequested) this.setException(cancelledError(this.#children.at(-1)!));
    else this.setResult(results);
  }
}

function outcome(child: Future<unknown>): unknown {
  if (child.cancelled()) return new CancelledError(child.cancelMessage ?? '');
  return child.exception() ?? child.result();
}

function cancelledError(child: Future<unknown>): unknown {
  return child.cancelled() ? errorOf(child) : child.cancelMessage === undefined ? new CancelledError() : new CancelledError(child.cancelMessage);
}

/**
 * Runs awaitables side by side and collects their results in the order of the arguments. Starts at once. The same awaitable given
 * twice runs once.
 *
 * The first error is the outcome, unless `returnExceptions` is set; the others go on.
 *
 * **Cancellation**: cancelling the result cancels all that are not done; it ends when the first one has (with
 * `returnExceptions`, when all have). One that is cancelled by others counts as failed with a `CancelledError`.
 *
 * Follows CPython's `asyncio.gather`.
 *
 * @throws {TypeError} at once, when an argument cannot be awaited
 * @throws {ValueError} at once, when they belong to several loops
 * @example
 * const [user, posts] = await gather(fetchUser(1), fetchPosts(1));
 * const outcomes = await gather(tasks, { returnExceptions: true });
 */
export function gather<const A extends Awaitables>(awaitables: A, options: { readonly returnExceptions: true }): Future<ResultsOrErrors<A>>;
export function gather<const A extends Awaitables>(awaitables: A, options?: GatherOptions): Future<Results<A>>;
export function gather<const A extends Awaitables>(...awaitables: A): Future<Results<A>>;
export function gather(...args: readonly unknown[]): Future<unknown[]> {
  if (Array.isArray(args[0])) return gatherAll(args[0], (args[1] as GatherOptions | undefined)?.returnExceptions === true);
  return gatherAll(args, false);
}

function gatherAll(awaitables: readonly unknown[], returnExceptions: boolean): Future<unknown[]> {
  for (const [i, awaitable] of awaitables.entries()) {
    if (!isAwaitable(awaitable)) {
      throw new TypeError(`gather: an awaitable is required as argument ${i + 1}, got ${describe(awaitable)}`);
    }
  }
  if (awaitables.length === 0) {
    const nothing = getEventLoop().createFuture<unknown[]>();
    nothing.setResult([]);
    return nothing;
  }
  return gatherSome(awaitables as Awaitables, returnExceptions);
}

function gatherSome(awaitables: Awaitables, returnExceptions: boolean): Future<unknown[]> {
  const loop = awaitables.find(isfuture)?.getLoop() ?? getEventLoop();
  const futures = new Map<unknown, Future<unknown>>();
  const children: Future<unknown>[] = [];
  for (const awaitable of awaitables) {
    let child = futures.get(awaitable);
    if (child === undefined) {
      child = ensureFutureOn(awaitable, loop);
      futures.set(awaitable, child);
    }
    children.push(child);
  }
  const outer = new GatheringFuture(children, futures.size, loop, returnExceptions);
  const childDone = (child: Future<unknown>) => outer.childDone(child);
  const done: Future<unknown>[] = [];
  for (const child of futures.values()) {
    if (child.done()) done.push(child);
    else subscribe(child, childDone, outer);
  }
  // Last, so that a result that is complete already is there on return.
  for (const child of done) outer.childDone(child);
  return outer;
}
