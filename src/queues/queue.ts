import { QueueEmpty, QueueFull, QueueShutDown, ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { bindWhenRead, inherits, unbound } from '../internal/methods.ts';
import { byNameOrPosition, checkOptions } from '../internal/options.ts';
import { RingBuffer } from '../internal/ring-buffer.ts';
import { type AwaitableIterator, OVER } from '../interop/task-iterator.ts';
import { type AwaitableCoroutine, libraryCoroutine, type Place, type Task, WaitQueue } from '../kernel/lowlevel.ts';
import { Attempt } from '../sync/attempt.ts';
import type { Store } from './store.ts';

/** How many items `toString()` shows. */
const MOST_SHOWN = 10;

class FifoStore<T> extends RingBuffer<T> implements Store<T> {
  take(): T {
    return this.shift();
  }
}

/** The tasks that wait for a queue. They are of one loop. */
interface QueueWaiters {
  readonly getters: WaitQueue;
  readonly putters: WaitQueue;
  readonly joiners: WaitQueue;
}

/** The methods that `put` and `get` are made of. */
const TRAFFIC = ['full', 'empty', 'putNowait', 'getNowait'] as const;

/** How a queue stands. */
export interface QueueStatistics {
  /** How many items are in it. */
  readonly size: number;
  readonly maxsize: number;
  /** How many tasks wait for an item. */
  readonly getting: number;
  /** How many tasks wait for room. */
  readonly putting: number;
  /** How many tasks wait for the work to be done. */
  readonly joining: number;
  /** How many items the work is not done on, in the queue or taken from it. */
  readonly unfinished: number;
  readonly isShutDown: boolean;
  /** The tasks that wait for an item, the longest waiting first. */
  readonly getters: readonly Task<unknown>[];
  /** The tasks that wait for room, the longest waiting first. */
  readonly putters: readonly Task<unknown>[];
}

/** A queue's size by name. */
export interface QueueOptions {
  /** How many items it holds; zero or less, or absent, for any number. */
  readonly maxsize?: number | undefined;
}

/** How a queue is shut down. */
export interface ShutdownOptions {
  /** Drops what is in the queue, instead of letting it be got first. */
  readonly immediate?: boolean | undefined;
}

/**
 * Hands items from tasks to tasks: first in, first out. With a size, who puts waits for room.
 *
 * An item that is put wakes a task that waits, but is not handed to it: who calls `getNowait()` first has it, and the task waits
 * again, at the end.
 *
 * Items may be anything, `undefined` and `null` too. An `await` never gives a promise, though, but waits for it: of items that
 * are promises or tasks themselves, `await queue.get()` gives the outcome. `for await`, `getNowait()` and `yield* queue.get()`
 * give the item.
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
    bindWhenRead(Queue.prototype, ['putNowait']);
  }

  readonly #maxsize: number;
  readonly #items: Store<T>;
  readonly #waiters: QueueWaiters;
  /** Invariant: who waits in `joiners` and was not woken came when it was above zero, and it has been ever since. */
  #unfinished = 0;
  #isShutDown = false;
  readonly #isQuiet: boolean;

  /**
   * @param size how many items it holds, by position or as `{ maxsize }`; zero or less for any number
   * @param items where they are kept, which decides their order
   * @throws {ValueError} when the size is `NaN`
   * @throws {TypeError} when the size is no number
   */
  constructor(size: number | QueueOptions = 0, items: Store<T> = new FifoStore<T>()) {
    const maxsize = byNameOrPosition(nameOfClass(new.target.prototype), ['maxsize'], size, 0);
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

  /** How many items it holds at most; zero or less for any number. */
  get maxsize(): number {
    return this.#maxsize;
  }

  /** How many items are in it. */
  qsize(): number {
    return this.#items.length;
  }

  /** Whether nothing is in it. */
  empty(): boolean {
    return this.#items.length === 0;
  }

  /** Whether it has no room for another item. */
  full(): boolean {
    return this.#maxsize > 0 && this.#items.length >= this.#maxsize;
  }

  /**
   * Puts an item in, when there is room for it: at once, without giving others a turn, or as soon as there is some.
   *
   * **Cancellation**: the item is not put, and the place is lost; room that was made for it goes to the next one.
   * **Order**: those who wait for room are woken in the order in which they came. Who finds the room taken waits again, at the
   * end.
   *
   * Follows CPython's `asyncio.Queue.put`.
   *
   * @throws {QueueShutDown} when the queue is shut down, before or while it waits; the item is not put
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this queue before
   * @throws what the order of a priority queue throws; the item is not put
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

  /** As `putNowait`, where no subclass has another one. @internal */
  putNow(item: T): void {
    if (this.#isShutDown) throw new QueueShutDown(`${nameOfClass(this)} is shut down: nothing can be put`);
    if (this.full()) {
      throw new QueueFull(
        `${nameOfClass(this)} is full: ${this.#items.length} items are in it; put() would wait for room`,
      );
    }
    try {
      this.#items.push(item);
    } catch (error) {
      this.#waiters.putters.dismissNext(); // the order failed: the room is for the next one
      throw error;
    }
    this.#unfinished++;
    this.#waiters.getters.dismissNext();
  }

  /**
   * Takes the next item, when there is one: at once, without giving others a turn, or as soon as one comes.
   *
   * **Cancellation**: nothing is taken, and the place is lost; an item that came for it goes to the next one.
   * **Order**: those who wait are woken in the order in which they came. Who finds the item taken waits again, at the end.
   *
   * Follows CPython's `asyncio.Queue.get`.
   *
   * @throws {QueueShutDown} when the queue is shut down, before or while it waits, and nothing is left in it
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this queue before
   * @throws what the order of a priority queue throws; the item stays in the queue
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
      this.#waiters.getters.dismissNext(); // the order failed, and all items are still there for the next one
      throw error;
    }
    this.#waiters.putters.dismissNext();
    return item;
  }

  /**
   * Says that the work on an item that was got is done. `join` counts on it.
   *
   * Follows CPython's `asyncio.Queue.task_done`.
   *
   * @throws {ValueError} when it is called more often than items were put
   */
  taskDone(): void {
    if (this === undefined || !(#items in this)) throw unbound('Queue.taskDone');
    if (this.#unfinished === 0) {
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
   * Waits until the work on every item is done: until `taskDone` was called as often as items were put. Does not give others a
   * turn when that is so already.
   *
   * **Cancellation**: ends the wait; nothing is lost.
   * **Order**: all who wait are woken at once, and go on in the order in which they came.
   *
   * Follows CPython's `asyncio.Queue.join`.
   *
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this queue before
   */
  join(): AwaitableCoroutine<void> {
    return new Join(this as Queue<unknown>);
  }

  /**
   * Ends the queue: nothing can be put any more, and when nothing is left nothing can be got. All who wait are woken. May be called
   * again, to drop what is left.
   *
   * Follows CPython's `asyncio.Queue.shutdown`.
   *
   * @param options `immediate`, by name or by position: drops what is in it, and counts the work on it as done
   * @throws {TypeError} when it is neither `true` nor `false` nor an object
   */
  shutdown(options: boolean | ShutdownOptions = false): void {
    if (this === undefined || !(#items in this)) throw unbound('Queue.shutdown');
    if (typeof options !== 'boolean') checkOptions('shutdown', options, ['immediate']);
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

  /** How it stands, for tools. */
  statistics(): QueueStatistics {
    return {
      size: this.qsize(),
      maxsize: this.#maxsize,
      getting: this.#waiters.getters.size,
      putting: this.#waiters.putters.size,
      joining: this.#waiters.joiners.size,
      unfinished: this.#unfinished,
      isShutDown: this.#isShutDown,
      getters: this.#waiters.getters.tasks,
      putters: this.#waiters.putters.tasks,
    };
  }

  /** The places of those who wait. @internal */
  get waiters(): QueueWaiters {
    return this.#waiters;
  }

  /** Whether what it does runs no code of a program: no order, and no method of a subclass. @internal */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /** @internal */
  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  /** How many items the work is not done on. @internal */
  get unfinished(): number {
    return this.#unfinished;
  }

  /**
   * Items as they come, until the queue is shut down and nothing is left. Several who iterate share the items, each of which goes
   * to one of them; who stops early leaves the rest in the queue, also when a `next()` of it still waits: that one is over then.
   *
   * **Cancellation**: as `get()`.
   * **Order**: as `get()`.
   */
  [Symbol.asyncIterator](): AwaitableIterator<T> {
    const places = new Set<Place>();
    let ends = 0; // how often it was left: that is the end of the calls before, and who likes may go on
    const next = (): AwaitableCoroutine<IteratorResult<unknown, undefined>> => {
      const begun = ends;
      return Queue.#next(this as Queue<unknown>, places, () => ends === begun);
    };
    const iterator = {
      next,
      return: () => {
        ends++;
        // Who is on its way to an item already passes it on when it finds that the iteration is over.
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

/** Who finds the room taken waits again. */
class Put<T> extends Attempt<void> {
  static readonly exemplar: object = /* @__PURE__ */ new Put<unknown>(/* @__PURE__ */ new Queue(), undefined);

  declare private readonly of: Queue<T>;
  declare private readonly item: T;

  constructor(queue: Queue<T>, item: T) {
    super();
    this.of = queue;
    this.item = item;
  }

  get calledAs(): string {
    return 'Queue.put';
  }

  override get _isQuiet(): boolean {
    return this.of.isQuiet;
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

/** Who finds the item taken waits again. */
class Get<T> extends Attempt<T> {
  static readonly exemplar: object = /* @__PURE__ */ new Get(/* @__PURE__ */ new Queue());

  declare private readonly of: Queue<T>;

  constructor(queue: Queue<T>) {
    super();
    this.of = queue;
  }

  get calledAs(): string {
    return 'Queue.get';
  }

  override get _isQuiet(): boolean {
    return this.of.isQuiet;
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

/** Leaves a queue of tasks. Who was dismissed and cancelled at once dismisses the next one, if that still has a chance. */
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
