import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import {
  type AwaitableLike,
  Collector,
  carriedRequest,
  collect,
  type EventLoop,
  ensureFutureOn,
  errorOfCancelled,
  Future,
  failWith,
  getEventLoop,
  isAwaitable,
  iscoroutine,
  isfuture,
  noteWait,
  type Outcome,
  refusedError,
  reportPromise,
  type WaitRecord,
} from '../kernel/lowlevel.ts';
import { errorOf } from './outcome.ts';

/** Options of `gather`. */
export interface GatherOptions {
  /** Puts errors among the results instead of failing with the first one. */
  readonly returnExceptions?: boolean | undefined;
}

type Awaitables = readonly AwaitableLike<unknown>[];
type Results<A extends Awaitables> = { -readonly [K in keyof A]: Outcome<A[K]> };
type ResultsOrErrors<A extends Awaitables> = { -readonly [K in keyof A]: Outcome<A[K]> | Error };

/** The result of `gather`: cancelling it cancels its children, and it is done only when they are done. */
class GatheringFuture extends Future<unknown[]> implements WaitRecord {
  /** The child of each argument; an argument that was given twice is in it twice. Emptied when it is done. */
  #children: Future<unknown>[];
  #added = 0;
  readonly #returnExceptions: boolean;
  /** How many distinct children are not done. */
  #left = 0;
  #cancelRequested = false;
  /** What has caused that. */
  #story: unknown = null;
  readonly #collector: Collector;

  constructor(loop: EventLoop, returnExceptions: boolean, count: number) {
    super({ loop });
    this.#children = new Array(count);
    this.#returnExceptions = returnExceptions;
    this.#collector = new Collector((child) => this.#noteDone(child), this);
    noteWait(this, this);
  }

  get operation(): string {
    return 'gather';
  }

  get object(): null {
    return null;
  }

  /** What it waits for, for tools. */
  get parts(): Iterable<Future<unknown>> {
    return this.#children;
  }

  /** Adds the child of an argument that was given before. */
  addTwin(child: Future<unknown>): void {
    this.#children[this.#added++] = child;
  }

  /** Adds the child of an argument. */
  add(child: Future<unknown>): void {
    this.#children[this.#added++] = child;
    this.#left++;
    // Now, not later: a coroutine that starts eagerly after this may wait for the same future, and must be its second waiter.
    if (!child.done()) collect(child, this.#collector);
  }

  /** The children that were added so far. */
  byAwaitable(awaitables: Awaitables): Map<unknown, Future<unknown>> {
    const known = new Map<unknown, Future<unknown>>();
    for (let i = 0; i < this.#added; i++) known.set(awaitables[i], this.#children[i]!);
    return known;
  }

  /** All children are added. Those that were already done are counted now, so the result may be complete at once. */
  start(alreadyDone: Iterable<Future<unknown>>): void {
    this.#children.length = this.#added;
    for (const child of alreadyDone) this.#noteDone(child);
  }

  override cancel(message?: unknown): boolean {
    if (this.done()) return false;
    // Without recursion: gathers may be nested as deep as a program likes.
    const open: Cancelling[] = [{ gathering: this, next: 0, hasCancelled: false }];
    for (;;) {
      const at = open.at(-1)!;
      const inner = at.gathering.#cancelNext(at, message);
      if (inner !== null) {
        if (!inner.done()) open.push({ gathering: inner, next: 0, hasCancelled: false });
        continue;
      }
      if (at.hasCancelled) at.gathering.#noteCancelled();
      open.pop();
      const outer = open.at(-1);
      if (outer === undefined) return at.hasCancelled;
      if (at.hasCancelled) outer.hasCancelled = true;
    }
  }

  /** Cancels the children from the next one on, up to one that is a gather itself, which it returns; `null` at the end. */
  #cancelNext(at: Cancelling, message: unknown): GatheringFuture | null {
    while (at.next < this.#children.length) {
      const child = this.#children[at.next++]!;
      if (child instanceof GatheringFuture) return child;
      if (child.cancel(message)) at.hasCancelled = true;
    }
    return null;
  }

  /** When at least one child was really cancelled, the request counts as passed on, whatever the children do with it. */
  #noteCancelled(): void {
    this.#cancelRequested = true;
    this.#story = carriedRequest();
  }

  /** @param child `null` for one that has succeeded */
  #noteDone(child: Future<unknown> | null): void {
    this.#left--;
    if (this.done()) {
      if (child !== null && !child.cancelled()) child.exception(); // so that it is not reported: no other code will retrieve it
      return;
    }
    if (child !== null && this.#returnExceptions) {
      if (!child.cancelled()) child.exception(); // counts as retrieved now, though it is among the results only later
    } else if (child !== null) {
      const error = errorOf(child);
      if (error !== null) {
        failWith(this, error);
        return;
      }
    }
    if (this.#left === 0) this.#finish();
  }

  #finish(): void {
    const children = this.#children;
    // As in CPython, it is the last argument whose message is passed on, not the last one to end.
    const last = children.at(-1)!;
    const results: unknown[] = children;
    for (let i = 0; i < children.length; i++) results[i] = outcome(children[i]!);
    this.#children = [];
    if (this.#cancelRequested) failWith(this, cancelledError(last, this.#story));
    else this.setResult(results);
  }
}

/** How far the cancellation of one of several nested gathers has come. */
interface Cancelling {
  readonly gathering: GatheringFuture;
  next: number;
  /** Whether one of those before was really cancelled. */
  hasCancelled: boolean;
}

function outcome(child: Future<unknown>): unknown {
  if (child.cancelled()) return errorOfCancelled(child);
  return child.exception() ?? child.result();
}

function cancelledError(child: Future<unknown>, story: unknown): unknown {
  return child.cancelled() ? errorOf(child) : refusedError(child, story);
}

/**
 * Runs awaitables concurrently and collects their results in the order of the arguments. Starts at once. The same awaitable given
 * twice runs once, and so does the same function; to call a function twice, pass `() => f()` each time.
 *
 * The first error is the outcome, unless `returnExceptions` is set; the others keep running.
 *
 * **Cancellation**: cancelling the result cancels all that are not done; it ends when the first one has (with
 * `returnExceptions`, when all have). If other code cancels one of them, it counts as failed with a `CancelledError`.
 *
 * Follows CPython's `asyncio.gather`.
 *
 * @throws {TypeError} at once, when an argument cannot be awaited
 * @throws {ValueError} at once, when they belong to several loops
 * @example
 * const [user, posts] = await gather(fetchUser(1), fetchPosts(1));
 * const outcomes = await gather(tasks, { returnExceptions: true });
 */
export function gather<const A extends Awaitables>(
  awaitables: A,
  options: { readonly returnExceptions: true },
): Future<ResultsOrErrors<A>>;
export function gather<const A extends Awaitables>(awaitables: A, options?: GatherOptions): Future<Results<A>>;
export function gather<const A extends Awaitables>(...awaitables: A): Future<Results<A>>;
export function gather(...args: readonly unknown[]): Future<unknown[]> {
  // A copy: a task factory, or a task that starts eagerly, may change the program's array meanwhile.
  if (Array.isArray(args[0])) return gatherAll([...args[0]], optionsOf(args)?.returnExceptions === true);
  checkNoOptions(args);
  return gatherAll(args, false);
}

function optionsOf(args: readonly unknown[]): GatherOptions | undefined {
  const [, options, other] = args;
  if (other !== undefined || Array.isArray(options) || isAwaitable(options)) {
    throw typeError(
      'gather: one array of awaitables is required, and then options; write gather([...tasks, ...others])',
    );
  }
  checkOptions('gather', options, GATHER_OPTIONS);
  return options as GatherOptions | undefined;
}

const GATHER_OPTIONS = ['returnExceptions'] as const;

/**
 * When awaitables are passed one by one, options are not possible. If the last one looks like options, the error says where to put them.
 */
function checkNoOptions(args: readonly unknown[]): void {
  const last = args.at(-1);
  if (typeof last !== 'object' || last === null || isAwaitable(last)) return;
  checkOptions('gather', last, GATHER_OPTIONS);
  if (!GATHER_OPTIONS.some((name) => name in last)) return;
  const given = args.length === 2 ? 'f' : 'f, g';
  throw typeError(
    `gather: options need the awaitables in an array; write gather([${given}], { returnExceptions: true })`,
  );
}

function gatherAll(awaitables: readonly unknown[], returnExceptions: boolean): Future<unknown[]> {
  const wrong = awaitables.findIndex((awaitable) => !isAwaitable(awaitable));
  if (wrong >= 0) {
    throw typeError(
      `gather: an awaitable is required as argument ${wrong + 1}, got ${describe(awaitables[wrong])}`,
      'NOT_AWAITABLE',
    );
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
  if (loop.getDebug()) for (const awaitable of awaitables) reportPromise('gather', awaitable);
  const outer = new GatheringFuture(loop, returnExceptions, awaitables.length);
  // Duplicates are rare: checking once with a temporary set is cheaper than filling a map for every call.
  let known = hasTwins(awaitables, loop) ? new Map<unknown, Future<unknown>>() : null;
  const done: Future<unknown>[] = [];
  // By index: `for…of` makes an object of 40 bytes for each, until the engine has optimised the loop.
  for (let i = 0; i < awaitables.length; i++) {
    const awaitable = awaitables[i]!;
    let twin = known?.get(awaitable);
    if (twin === undefined) {
      try {
        const child = ensureFutureOn(awaitable, loop);
        known?.set(awaitable, child);
        if (child.done()) done.push(child);
        outer.add(child);
        continue;
      } catch (error) {
        // A coroutine that already runs, perhaps because the same one was passed before.
        known ??= outer.byAwaitable(awaitables);
        twin = known.get(awaitable);
        if (twin === undefined) throw error;
      }
    }
    outer.addTwin(twin);
  }
  outer.start(done);
  return outer;
}

/** Whether something is passed twice that would run twice. A coroutine would not: it throws when a second task is made of it. */
function hasTwins(awaitables: Awaitables, loop: EventLoop): boolean {
  const mayRefuse = loop.getTaskFactory() === null;
  const others = new Set<unknown>();
  let count = 0;
  for (let i = 0; i < awaitables.length; i++) {
    const awaitable = awaitables[i];
    if (mayRefuse && typeof awaitable === 'object' && iscoroutine(awaitable)) continue;
    others.add(awaitable);
    count++;
  }
  return others.size < count;
}
