import { QueueEmpty, QueueFull, QueueShutDown, ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { bindWhenRead, inherits, unbound } from '../internal/methods.ts';
import { byNameOrPosition, checkOptions } from '../internal/options.ts';
import { RingBuffer } from '../internal/ring-buffer.ts';
import { touch } from '../internal/touched.ts';
import { type AwaitableIterator, OVER } from '../interop/task-iterator.ts';
import {
  type AwaitableCoroutine,
  libraryCoroutine,
  type Place,
  type Task,
  thenOf,
  WaitQueue,
} from '../kernel/lowlevel.ts';
import { Attempt } from '../sync/attempt.ts';
import type { Store } from './store.ts';

/** How many items `toString()` shows. */
const MOST_SHOWN = 10;

class FifoStore<T> extends RingBuffer<T> implements Store<T> {
  take(): T {
    return this.shift();
  }
}

/** The tasks that wait for a queue. All belong to one loop. */
interface QueueWaiters {
  readonly getters: WaitQueue;
  readonly putters: WaitQueue;
  readonly joiners: WaitQueue;
}

/** The methods that `put` and `get` use. */
const TRAFFIC = ['full', 'empty', 'putNowait', 'getNowait'] as const;

/** The state of a queue. */
export interface QueueStatistics {
  /** How many items are in it. */
  readonly size: number;
  /** How many items have been in it at once, at the most. */
  readonly peakSize: number;
  readonly maxsize: number;
  /** How many tasks wait for an item. */
  readonly getting: number;
  /** How many have waited for an item at once, at the most. */
  readonly peakGetting: number;
  /** How many tasks wait for room. */
  readonly putting: number;
  /** How many have waited for room at once, at the most. */
  readonly peakPutting: number;
  /** How many tasks wait in `join()`. */
  readonly joining: number;
  /** How many items are not done yet, whether they are in the queue or were taken from it. */
  readonly unfinished: number;
  readonly isShutDown: boolean;
  /** The tasks that wait for an item, the one that has waited longest first. */
  readonly getters: readonly Task<unknown>[];
  /** The tasks that wait for room, the one that has waited longest first. */
  readonly putters: readonly Task<unknown>[];
}

/** The size of a queue, given by name. */
export interface QueueOptions {
  /** The largest number of items; zero or less, or absent, for no limit. */
  readonly maxsize?: number | undefined;
}

/** How a queue is shut down. */
export interface ShutdownOptions {
  /** Drops the items in the queue, instead of letting tasks get them first. */
  readonly immediate?: boolean | undefined;
}

/**
 * Passes items between tasks: first in, first out. With a size, `put` waits while the queue is full.
 *
 * An item that is put wakes a waiting task, but is not reserved for it: if another task takes the item first, the woken task waits
 * again, at the end.
 *
 * Items may be anything, `undefined` and `null` too. But an `await` never returns a promise: it waits for it. So for items that
 * are promises or tasks themselves, `await queue.get()` returns their result. `for await`, `getNowait()` and `yield* queue.get()`
 * return the item itself.
 *
 * Follows CPython's `asyncio.Queue`.
 *
 * @example
 * const queue = new Queue<string>(10);
 * createTask(async () => {
 *   for (const url of urls) await queue.put(url);
 *   queue.shutdown();
 * });
 * for await (const url of queue) await download(url);
 */
export class Queue<T> implements AsyncIterable<T> {
  static {
    inspectAsText(Queue.prototype);
    bindWhenRead(Queue.prototype, ['putNowait'], true);
  }

  readonly #maxsize: number;
  readonly #items: Store<T>;
  readonly #waiters: QueueWaiters;
  /** Invariant: for each task that waits in `joiners` and was not woken, it has been above zero since the task came. */
  #unfinished = 0;
  #peak = 0;
  #isShutDown = false;
  readonly #isQuiet: boolean;

  /**
   * @param size the largest number of items, by position or as `{ maxsize }`; zero or less for no limit
   * @param items the container of the items, which decides their order
   * @throws {ValueError} when the size is `NaN`
   * @throws {TypeError} when the size is not a number
   */
  constructor(size: number | QueueOptions = 0, items: Store<T> = new FifoStore<T>()) {
    const maxsize = byNameOrPosition(`new ${nameOfClass(new.target.prototype)}`, ['maxsize'], size, 0);
    if (typeof maxsize !== 'number')
      throw typeError(`${nameOfClass(this)}: maxsize must be a number, got ${describe(maxsize)}; 0 is for any number`);
    if (Number.isNaN(maxsize)) {
      throw new ValueError(`${nameOfClass(this)}: maxsize must be a number, got NaN; 0 is for any number of items`, {
        code: 'INVALID_COUNT',
      });
    }
    this.#maxsize = maxsize;
    this.#items = items;
    const getters = new WaitQueue(this, 'get');
    this.#waiters = {
      getters,
      putters: new WaitQueue(this, 'put', getters),
      joiners: new WaitQueue(this, 'join', getters),
    };
    this.#isQuiet =
      items instanceof FifoStore &&
      (new.target === Queue || TRAFFIC.every((method) => inherits(this, method, Queue.prototype)));
  }

  /** The largest number of items; zero or less for no limit. */
  get maxsize(): number {
    return this.#maxsize;
  }

  /** How many items are in it. */
  qsize(): number {
    touch(this);
    return this.#items.length;
  }

  /** Whether nothing is in it. */
  empty(): boolean {
    touch(this);
    return this.#items.length === 0;
  }

  /** Whether it has no room for another item. */
  full(): boolean {
    touch(this);
    return this.#maxsize > 0 && this.#items.length >= this.#maxsize;
  }

  /**
   * Puts an item in. If there is room, this happens at once, without letting other tasks run; otherwise as soon as there is room.
   *
   * **Cancellation**: the item is not put, and the place among the waiting tasks is lost; room that was reserved for it goes to the next
   * one.
   * **Order**: waiting tasks are woken in the order in which they came. A task that finds the room already taken waits again, at the
   * end.
   *
   * Follows CPython's `asyncio.Queue.put`.
   *
   * @throws {QueueShutDown} when the queue is shut down, before or while it waits; the item is not put
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this queue before
   * @throws what the comparison of a priority queue throws; the item is not put
   */
  put(item: T): AwaitableCoroutine<void> {
    return new Put<T>(this, item);
  }

  /**
   * Puts an item in at once.
   *
   * Follows CPython's `asyncio.Queue.put_nowait`.
   *
   * @throws {QueueFull} when there is no room
   * @throws {QueueShutDown} when the queue is shut down
   */
  putNowait(item: T): void {
    this.putNow(item);
  }

  /** As `putNowait`, used when no subclass overrides it. @internal */
  putNow(item: T): void {
    if (this.isShutDown) throw new QueueShutDown(`${nameOfClass(this)} is shut down: nothing can be put`);
    if (this.full()) {
      throw new QueueFull(
        `${nameOfClass(this)} is full: ${this.#items.length} items are in it; put() would wait for room`,
      );
    }
    try {
      this.#items.push(item);
    } catch (error) {
      this.#waiters.putters.dismissNext(); // the comparison threw: the next task gets the room
      throw error;
    }
    const { length } = this.#items;
    if (length > this.#peak) this.#peak = length;
    this.#unfinished++;
    this.#waiters.getters.dismissNext();
  }

  /**
   * Takes the next item. If there is one, this happens at once, without letting other tasks run; otherwise as soon as one arrives.
   *
   * **Cancellation**: nothing is taken, and the place among the waiting tasks is lost; an item that arrived for it goes to the next one.
   * **Order**: waiting tasks are woken in the order in which they came. A task that finds the item already taken waits again, at the end.
   *
   * Follows CPython's `asyncio.Queue.get`.
   *
   * @throws {QueueShutDown} when the queue is shut down, before or while it waits, and nothing is left in it
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this queue before
   * @throws what the comparison of a priority queue throws; the item stays in the queue
   */
  get(): AwaitableCoroutine<T> {
    return new Get<T>(this);
  }

  /**
   * Takes the next item at once.
   *
   * Follows CPython's `asyncio.Queue.get_nowait`.
   *
   * @throws {QueueEmpty} when there is none
   * @throws {QueueShutDown} when there is none and the queue is shut down
   */
  getNowait(): T {
    if (this === undefined || !(#items in this)) throw unbound('Queue.getNowait');
    if (this.empty()) {
      if (this.#isShutDown) throw new QueueShutDown(`${nameOfClass(this)} is shut down, and nothing is left in it`);
      throw new QueueEmpty(`${nameOfClass(this)} is empty: get() would wait for an item`);
    }
    let item: T;
    try {
      item = this.#items.take();
    } catch (error) {
      this.#waiters.getters.dismissNext(); // the comparison threw, and all items are still there for the next task
      throw error;
    }
    this.#waiters.putters.dismissNext();
    return item;
  }

  /**
   * Says that the work on an item is done. `join` waits until this was called once for each item.
   *
   * Follows CPython's `asyncio.Queue.task_done`.
   *
   * @throws {ValueError} when it is called more often than items were put
   */
  taskDone(): void {
    if (this === undefined || !(#items in this)) throw unbound('Queue.taskDone');
    if (this.unfinished === 0) {
      throw new ValueError(
        `taskDone() called too many times: the work on all items of ${this} is done; call it once for each item`,
        { code: 'TASK_DONE_TOO_OFTEN' },
      );
    }
    this.#finished(1);
  }

  #finished(count: number): void {
    this.#unfinished -= count;
    if (this.#unfinished === 0) this.#waiters.joiners.wake(this.#waiters.joiners.size);
  }

  /**
   * Waits until the work on every item is done: until `taskDone` was called as often as items were put. If that
   * is already so, returns without letting other tasks run.
   *
   * **Cancellation**: ends the wait; nothing is lost.
   * **Order**: all waiting tasks are woken at once, and continue in the order in which they came.
   *
   * Follows CPython's `asyncio.Queue.join`.
   *
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this queue before
   */
  join(): AwaitableCoroutine<void> {
    return new Join(this as Queue<unknown>);
  }

  /**
   * Ends the queue: no more items can be put, and when no items are left, none can be taken. All waiting tasks are woken. May be called
   * again, to drop the items that are left.
   *
   * Follows CPython's `asyncio.Queue.shutdown`.
   *
   * @param options `immediate`, by name or by position: drops the items in it, and counts them as done
   * @throws {TypeError} when it is neither `true` nor `false` nor an object
   */
  shutdown(options: boolean | ShutdownOptions = false): void {
    if (this === undefined || !(#items in this)) throw unbound('Queue.shutdown');
    if (typeof options !== 'boolean') checkOptions('shutdown', options, ['immediate']);
    touch(this);
    const immediate = typeof options === 'boolean' ? options : options.immediate === true;
    this.#isShutDown = true;
    if (immediate) {
      const dropped = this.#items.length;
      this.#items.clear();
      this.#finished(Math.min(dropped, this.#unfinished));
    }
    while (this.#waiters.getters.dismissNext());
    while (this.#waiters.putters.dismissNext());
  }

  /** The current state, for tools. */
  statistics(): QueueStatistics {
    return {
      size: this.qsize(),
      peakSize: this.#peak,
      maxsize: this.#maxsize,
      getting: this.#waiters.getters.size,
      peakGetting: this.#waiters.getters.peak,
      putting: this.#waiters.putters.size,
      peakPutting: this.#waiters.putters.peak,
      joining: this.#waiters.joiners.size,
      unfinished: this.#unfinished,
      isShutDown: this.#isShutDown,
      getters: this.#waiters.getters.tasks,
      putters: this.#waiters.putters.tasks,
    };
  }

  /** The places of the waiting tasks. @internal */
  get waiters(): QueueWaiters {
    return this.#waiters;
  }

  /** Whether its operations run no code of a program: no comparison, and no method of a subclass. @internal */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /** @internal */
  get isShutDown(): boolean {
    touch(this);
    return this.#isShutDown;
  }

  /** How many items are not done yet. @internal */
  get unfinished(): number {
    touch(this);
    return this.#unfinished;
  }

  /**
   * Gives the items as they come, until the queue is shut down and no items are left. Several loops share the items: each item goes
   * to one of them. A loop that stops early leaves the rest in the queue; a `next()` of it that still waits ends, too.
   *
   * **Cancellation**: as `get()`.
   * **Order**: as `get()`.
   */
  [Symbol.asyncIterator](): AwaitableIterator<T> {
    const places = new Set<Place>();
    let ends = 0; // how often it was left: this ends earlier calls of next(), while new calls are still possible
    const next = (): AwaitableCoroutine<IteratorResult<unknown, undefined>> => {
      const begun = ends;
      return Queue.#next(this as Queue<unknown>, places, () => ends === begun);
    };
    const iterator = {
      next,
      return: () => {
        ends++;
        // A call that was already woken for an item passes the wake-up on when it finds that the iteration is over.
        for (const place of places) {
          this.#waiters.getters.leave(place);
          place.wake();
        }
        return over();
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator as object as AwaitableIterator<T>;
  }

  static readonly #next = /* @__PURE__ */ libraryCoroutine(function* next(
    queue: Queue<unknown>,
    places: Set<Place>,
    isWanted: () => boolean,
  ): Generator<unknown, IteratorResult<unknown, undefined>, unknown> {
    while (queue.empty() && !queue.#isShutDown && isWanted()) {
      const place = queue.#waiters.getters.join();
      places.add(place);
      try {
        yield* place;
      } catch (error) {
        const wasWoken = place.done() && !place.cancelled();
        giveUp(queue.#waiters.getters, place, wasWoken && !queue.empty());
        throw error;
      } finally {
        places.delete(place);
      }
      if (!isWanted() && !queue.empty()) queue.#waiters.getters.dismissNext();
    }
    if (!isWanted() || queue.empty()) return OVER;
    return { done: false, value: queue.getNowait() };
  });

  toString(): string {
    const details = [nameOfClass(this), `maxsize=${this.#maxsize}`];
    if (!this.empty()) details.push(`_queue=[${this.#firstItems()}]`);
    if (this.#waiters.getters.size > 0) details.push(`_getters[${this.#waiters.getters.size}]`);
    if (this.#waiters.putters.size > 0) details.push(`_putters[${this.#waiters.putters.size}]`);
    if (this.#unfinished > 0) details.push(`tasks=${this.#unfinished}`);
    if (this.#isShutDown) details.push('shutdown');
    return `<${details.join(' ')}>`;
  }

  #firstItems(): string {
    const items: string[] = [];
    for (const item of this.#items) {
      if (items.length === MOST_SHOWN) return [...items, '...'].join(', ');
      items.push(describe(item));
    }
    return items.join(', ');
  }
}

const over = /* @__PURE__ */ libraryCoroutine(function* over(): Generator<
  unknown,
  IteratorReturnResult<undefined>,
  unknown
> {
  return OVER;
});

/** A task that finds the room taken waits again. */
class Put<T> extends Attempt<void> {
  static readonly exemplar: object = /* @__PURE__ */ new Put<unknown>(/* @__PURE__ */ new Queue(), undefined);

  declare private readonly of: Queue<T>;
  declare private readonly item: T;

  constructor(queue: Queue<T>, item: T) {
    super();
    this.of = queue;
    this.item = item;
  }

  override get then(): AwaitableCoroutine<void>['then'] {
    return thenOf(this);
  }

  get calledAs(): string {
    return 'Queue.put';
  }

  override get _isQuiet(): boolean {
    return this.of.isQuiet;
  }

  override next(): IteratorResult<unknown, void> {
    if (this.isOver || this.place !== null || this.mustWait()) return super.next();
    this.isOver = true;
    this.take();
    return { done: true, value: undefined };
  }

  protected get queue(): WaitQueue {
    return this.of.waiters.putters;
  }

  protected mustWait(): boolean {
    return this.of.full() && !this.of.isShutDown;
  }

  protected take(): void {
    if (this.of.isQuiet) this.of.putNow(this.item);
    else this.of.putNowait(this.item);
  }

  protected override giveUp(place: Place, wasWoken: boolean): void {
    giveUp(this.queue, place, wasWoken && !this.of.full());
  }
}

/** A task that finds the item taken waits again. */
class Get<T> extends Attempt<T> {
  static readonly exemplar: object = /* @__PURE__ */ new Get(/* @__PURE__ */ new Queue());

  declare private readonly of: Queue<T>;

  constructor(queue: Queue<T>) {
    super();
    this.of = queue;
  }

  override get then(): AwaitableCoroutine<T>['then'] {
    return thenOf(this);
  }

  get calledAs(): string {
    return 'Queue.get';
  }

  override get _isQuiet(): boolean {
    return this.of.isQuiet;
  }

  override next(): IteratorResult<unknown, T> {
    if (this.isOver || this.place !== null || this.mustWait()) return super.next();
    this.isOver = true;
    return { done: true, value: this.take() };
  }

  protected get queue(): WaitQueue {
    return this.of.waiters.getters;
  }

  protected mustWait(): boolean {
    return this.of.empty() && !this.of.isShutDown;
  }

  protected take(): T {
    return this.of.getNowait();
  }

  protected override giveUp(place: Place, wasWoken: boolean): void {
    giveUp(this.queue, place, wasWoken && !this.of.empty());
  }
}

/** Leaves a queue of tasks. A task that was woken and cancelled at the same time wakes the next one, if there is something for it. */
function giveUp(waiters: WaitQueue, place: Place, passesOn: boolean): void {
  waiters.leave(place);
  if (passesOn) waiters.dismissNext();
}

class Join extends Attempt<void> {
  static readonly exemplar: object = /* @__PURE__ */ new Join(/* @__PURE__ */ new Queue());

  declare private readonly of: Queue<unknown>;

  constructor(queue: Queue<unknown>) {
    super();
    this.of = queue;
  }

  get calledAs(): string {
    return 'Queue.join';
  }

  override get _isQuiet(): boolean {
    return true;
  }

  protected get queue(): WaitQueue {
    return this.of.waiters.joiners;
  }

  protected mustWait(wasWoken: boolean): boolean {
    return !wasWoken && this.of.unfinished > 0;
  }

  protected take(): void {}
}
