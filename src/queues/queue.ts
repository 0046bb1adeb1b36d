import { QueueEmpty, QueueFull, QueueShutDown, ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { RingBuffer } from '../internal/ring-buffer.ts';
import { type AwaitableCoroutine, libraryCoroutine, WaitQueue } from '../kernel/lowlevel.ts';
import { Event } from '../sync/index.ts';
import type { Store } from './store.ts';

class FifoStore<T> extends RingBuffer<T> implements Store<T> {
  take(): T {
    return this.shift();
  }
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
  readonly #maxsize: number;
  readonly #items: Store<T>;
  readonly #getters = new WaitQueue(this, 'get');
  readonly #putters = new WaitQueue(this, 'put');
  readonly #allDone = new Event();
  #unfinished = 0;
  #isShutDown = false;

  /**
   * @param maxsize how many items it holds; zero or less for any number
   * @throws {ValueError} when it is `NaN`
   */
  constructor(maxsize = 0, items: Store<T> = new FifoStore<T>()) {
    if (typeof maxsize !== 'number')
      throw typeError(`${nameOfClass(this)}: maxsize must be a number, got ${describe(maxsize)}`);
    if (Number.isNaN(maxsize)) throw new ValueError(`${nameOfClass(this)}: maxsize must be a number, got NaN`);
    this.#maxsize = maxsize;
    this.#items = items;
    this.#allDone.set();
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
   * Puts an item in, when there is room for it.
   *
   * **Cancellation**: the item is not put; room that was made for it goes to the next one.
   * **Order**: those who wait for room are woken in the order in which they came.
   *
   * @throws {QueueShutDown} when the queue is shut down
   */
  put(item: T): AwaitableCoroutine<void> {
    return Queue.#put(this as Queue<unknown>, item);
  }

  /**
   * Puts an item in at once.
   *
   * @throws {QueueFull} when there is no room
   * @throws {QueueShutDown} when the queue is shut down
   */
  putNowait(item: T): void {
    if (this.#isShutDown) throw new QueueShutDown(`${nameOfClass(this)} is shut down: nothing can be put`);
    if (this.full()) throw new QueueFull(`${nameOfClass(this)} is full: ${this.#maxsize} items are in it`);
    this.#items.push(item);
    this.#unfinished++;
    this.#allDone.clear();
    this.#getters.dismissNext();
  }

  /**
   * Takes the next item, when there is one.
   *
   * **Cancellation**: nothing is taken; an item that came for it goes to the next one.
   * **Order**: those who wait are woken in the order in which they came.
   *
   * @throws {QueueShutDown} when the queue is shut down and nothing is left in it
   */
  get(): AwaitableCoroutine<T> {
    return Queue.#get(this as Queue<unknown>) as AwaitableCoroutine<T>;
  }

  /**
   * Takes the next item at once.
   *
   * @throws {QueueEmpty} when there is none
   * @throws {QueueShutDown} when there is none and the queue is shut down
   */
  getNowait(): T {
    if (this.empty()) {
      if (this.#isShutDown) throw new QueueShutDown(`${nameOfClass(this)} is shut down, and nothing is left in it`);
      throw new QueueEmpty(`${nameOfClass(this)} is empty`);
    }
    const item = this.#items.take();
    this.#putters.dismissNext();
    return item;
  }

  /**
   * Says that the work on an item that was got is done. `join` counts on it.
   *
   * @throws {ValueError} when it is called more often than items were put
   */
  taskDone(): void {
    if (this.#unfinished <= 0)
      throw new ValueError('taskDone() called too many times: the work on all items is done', {
        code: 'TASK_DONE_TOO_OFTEN',
      });
    if (--this.#unfinished === 0) this.#allDone.set();
  }

  /**
   * Waits until the work on every item is done.
   *
   * **Cancellation**: ends the wait.
   */
  join(): AwaitableCoroutine<void> {
    return Queue.#join(this as Queue<unknown>);
  }

  /**
   * Ends the queue: nothing can be put any more, and when nothing is left nothing can be got. All who wait are woken.
   *
   * @param options `immediate`: drops what is in it, and counts the work on it as done
   */
  shutdown(options: ShutdownOptions = {}): void {
    this.#isShutDown = true;
    if (options.immediate === true) {
      while (!this.empty()) {
        this.#items.take();
        if (this.#unfinished > 0) this.#unfinished--;
      }
      if (this.#unfinished === 0) this.#allDone.set();
    }
    while (this.#getters.dismissNext());
    while (this.#putters.dismissNext());
  }

  /** How it stands, for tools. */
  statistics(): {
    size: number;
    maxsize: number;
    getting: number;
    putting: number;
    unfinished: number;
    isShutDown: boolean;
  } {
    return {
      size: this.qsize(),
      maxsize: this.#maxsize,
      getting: this.#getters.size,
      putting: this.#putters.size,
      unfinished: this.#unfinished,
      isShutDown: this.#isShutDown,
    };
  }

  /** The places of those who wait to get, and to put. @internal */
  get waiters(): { readonly getters: WaitQueue; readonly putters: WaitQueue } {
    return { getters: this.#getters, putters: this.#putters };
  }

  /** Items as they come, until the queue is shut down and nothing is left. */
  [Symbol.asyncIterator](): { next(): AwaitableCoroutine<IteratorResult<T, undefined>> } & AsyncIterator<T, undefined> {
    const next = () => Queue.#next(this as Queue<unknown>);
    return { next } as { next(): AwaitableCoroutine<IteratorResult<T, undefined>> } & AsyncIterator<T, undefined>;
  }

  static readonly #put = /* @__PURE__ */ libraryCoroutine(function* put(
    queue: Queue<unknown>,
    item: unknown,
  ): Generator<unknown, void, unknown> {
    while (queue.full()) {
      if (queue.#isShutDown) break;
      yield* waitIn(queue.#putters, () => !queue.full());
    }
    queue.putNowait(item);
  });

  static readonly #get = /* @__PURE__ */ libraryCoroutine(function* get(
    queue: Queue<unknown>,
  ): Generator<unknown, unknown, unknown> {
    while (queue.empty()) {
      if (queue.#isShutDown) break;
      yield* waitIn(queue.#getters, () => !queue.empty());
    }
    return queue.getNowait();
  });

  static readonly #join = /* @__PURE__ */ libraryCoroutine(function* join(
    queue: Queue<unknown>,
  ): Generator<unknown, void, unknown> {
    if (queue.#unfinished > 0) yield* queue.#allDone.wait();
  });

  static readonly #next = /* @__PURE__ */ libraryCoroutine(function* next(
    queue: Queue<unknown>,
  ): Generator<unknown, IteratorResult<unknown, undefined>, unknown> {
    try {
      return { done: false, value: yield* queue.get() };
    } catch (error) {
      if (error instanceof QueueShutDown) return { done: true, value: undefined };
      throw error;
    }
  });

  toString(): string {
    const details = [nameOfClass(this), `maxsize=${this.#maxsize}`];
    if (!this.empty()) details.push(`_queue=[${[...this.#items].map(describe).join(', ')}]`);
    if (this.#getters.size > 0) details.push(`_getters[${this.#getters.size}]`);
    if (this.#putters.size > 0) details.push(`_putters[${this.#putters.size}]`);
    if (this.#unfinished > 0) details.push(`tasks=${this.#unfinished}`);
    if (this.#isShutDown) details.push('shutdown');
    return `<${details.join(' ')}>`;
  }
}

/** Waits in a queue of tasks until it is dismissed. Who is dismissed and cancelled at once dismisses the next, if there still is a chance. */
function* waitIn(waiters: WaitQueue, hasChance: () => boolean): Generator<unknown, void, unknown> {
  const place = waiters.join();
  try {
    yield* place;
  } catch (error) {
    place.cancel();
    waiters.leave(place);
    if (hasChance() && !place.cancelled()) waiters.dismissNext();
    throw error;
  }
}
