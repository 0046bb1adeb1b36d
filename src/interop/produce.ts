import { QueueShutDown, RuntimeError, ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import {
  type AsyncFrame,
  type AwaitableCoroutine,
  type CoroutineFunction,
  type Future,
  getRunningLoop,
  iterableOf,
  libraryCoroutine,
  postponeReport,
  subscribe,
  type Task,
} from '../kernel/lowlevel.ts';
import { Queue } from '../queues/index.ts';
import { Semaphore } from '../sync/index.ts';
import { endOf } from '../tasks/end-of.ts';
import { closeAfter } from './cursor.ts';
import { OVER, TaskIterator } from './task-iterator.ts';

/** Gives an item to the consumer, and waits until the consumer asks for another one. */
export type Put<T> = (item: T) => AwaitableCoroutine<void>;

/** The body of `produce`: an async function, or a generator function. */
export type ProducerBody<T> = CoroutineFunction<unknown, [put: Put<T>]>;

/** Options of `produce`. */
export interface ProduceOptions {
  /** How many items the body may be ahead of the consumer; none when absent. */
  readonly buffer?: number | undefined;
}

/**
 * The items of a body that runs in a task of its own.
 *
 *     CREATED ──first next()──▶ RUNNING ──body ends, items are taken──▶ OVER
 *        └────────── return() ─────┴──── return(), cancellation ─────────▲
 */
type ProducerState = 'created' | 'running' | 'over';

/** The iterator that `produce` returns. */
export class Produced<T> extends TaskIterator<T> {
  readonly #body: ProducerBody<T>;
  readonly #items = new Queue<T>();
  /** How many more items are wanted. */
  readonly #demand: Semaphore;
  /**
   * The async context for all steps of the body; `null` for async functions, which use the context in which the first item is asked for.
   */
  readonly #scope: AsyncFrame | null;
  #state: ProducerState = 'created';
  #task: Task<unknown> | null = null;

  /** @internal */
  constructor(body: ProducerBody<T>, buffer: number, scope: AsyncFrame | null = null) {
    super();
    this.#body = body;
    this.#scope = scope;
    this.#demand = new Semaphore(buffer);
    this.#demand.waiters.object = this; // who waits, waits for this iterator
  }

  /** @internal */
  *pull(): Generator<unknown, IteratorResult<T, undefined>, unknown> {
    if (this.isOver) return OVER;
    if (this.#state === 'created') this.#start();
    else this.#demand.release();
    try {
      return { done: false, value: yield* this.#items.get() };
    } catch (error) {
      if (!(error instanceof QueueShutDown)) yield* closeAfter(this, error);
    }
    if (this.isOver) return OVER; // it was closed during the wait
    this.#state = 'over';
    this.#task!.result();
    return OVER;
  }

  /** Whether nothing can be put any more. @internal */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  #start(): void {
    this.#state = 'running';
    const loop = getRunningLoop();
    const make = (asyncContext: boolean): Task<unknown> =>
      loop.createTask(() => runBody(this.#body, (item) => put(this as Produced<unknown>, item)), { asyncContext });
    this.#task = this.#scope === null ? make(false) : this.#scope.runInAsyncScope(make, undefined, true);
    const ended = (task: Task<unknown>): void => {
      postponeReport(task); // the consumer gets its error, after the items that came before
      this.#items.shutdown();
    };
    subscribe(this.#task, ended as (task: Future<unknown>) => void, null);
  }

  /** @internal */
  *give(item: T): Generator<unknown, void, unknown> {
    if (this.isOver) throw new RuntimeError(`put: no more items are taken from ${this}`, { code: 'CONSUMER_GONE' });
    this.#items.putNowait(item);
    yield* this.#demand.acquire();
  }

  /** @internal */
  *close(): Generator<unknown, void, unknown> {
    const task = this.#task;
    if (this.isOver) return;
    this.#state = 'over';
    if (task === null) return;
    try {
      yield* endOf([task]);
    } finally {
      this.#items.shutdown({ immediate: true });
    }
    if (!task.cancelled()) task.result();
  }

  override toString(): string {
    return `<Produced ${this.#state} size=${this.#items.qsize()}>`;
  }
}

const runBody = /* @__PURE__ */ libraryCoroutine(function* produce(
  body: ProducerBody<unknown>,
  give: Put<unknown>,
): Generator<unknown, void, unknown> {
  yield* iterableOf(body, give);
}) as <T>(body: ProducerBody<T>, give: Put<T>) => AwaitableCoroutine<void>;

const put = /* @__PURE__ */ libraryCoroutine(function* put(
  produced: Produced<unknown>,
  item: unknown,
): Generator<unknown, void, unknown> {
  yield* produced.give(item);
});

/**
 * An async iterable of the items that a body puts into it: like an async generator, but for both spellings. The body runs in a task of its
 * own, which begins when the first item is asked for, and ends with the iteration: when the iteration is left early, the task is cancelled
 * and waited for.
 *
 * When the body fails, the iteration throws its error, after the items that were put before.
 *
 * **Cancellation**: cancelling a wait for an item ends the iteration; items that were not taken are dropped. In the body, the
 * `CancelledError` is thrown where it waits; a `put` after that throws. When the consumer is cancelled again while the body ends, the body is
 * too, and the consumer waits for its end.
 *
 * **Order**: `put` gives the item and waits until the next one is asked for; with a `buffer`, until no more items than that are left.
 *
 * @param body an async function or a generator function, called with `put`
 * @returns an async iterator that can be used once
 * @throws {TypeError} at once, when the body is not a function
 * @throws {ValueError} at once, when `buffer` is negative or `NaN`
 * @throws what the body throws, where the next item is waited for
 * @example
 * const ticks = produce<number>(function* (put) {
 *   for (let i = 0; ; i++) {
 *     yield* sleep(1);
 *     yield* put(i);
 *   }
 * });
 * for await (const tick of ticks) if (tick === 3) break;
 */
export function produce<T>(body: ProducerBody<T>, options: ProduceOptions = {}): Produced<T> {
  if (typeof body !== 'function')
    throw typeError(
      `produce: the body must be an async function or a generator function, got ${describe(body)}`,
      'NOT_A_COROUTINE',
    );
  checkOptions('produce', options, ['buffer'], false);
  const buffer = options.buffer ?? 0;
  if (typeof buffer !== 'number') throw typeError(`produce: buffer must be a number of items, got ${describe(buffer)}`);
  if (!(buffer >= 0)) throw new ValueError(`produce: buffer must be 0 or more items, got ${buffer}`);
  return new Produced(body, buffer);
}
