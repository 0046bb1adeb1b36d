import { QueueEmpty, QueueFull, QueueShutDown, ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { RingBuffer } from '../internal/ring-buffer.ts';
import { type AwaitableIterator, OVER } from '../interop/task-iterator.ts';
import { type AwaitableCoroutine, libraryCoroutine, type Place, type Task, WaitQueue } from '../kernel/lowlevel.ts';
import type { Store } from './store.ts';

/** How many items `toString()` shows. */
const MOST_SHOWN = 10;

class FifoStore<T> extends RingBuffer<T> implements Store<T> {
  take(): T {
    return this.shift();
  }
}

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
  readonly #maxsize: number;
  readonly #items: Store<T>;
  readonly #getters = new WaitQueue(this, 'get');
  readonly #putters = new WaitQueue(this, 'put', this.#getters);
  readonly #joiners = new WaitQueue(this, 'join', this.#getters);
  /** Invariant: who waits in `#joiners` and was not woken came when it was above zero, and it has been ever since. */
  #unfinished = 0;
  #isShutDown = false;

  /**
   * @param maxsize how many items it holds; zero or less for any number
   * @param items where they are kept, which decides their order
   * @throws {ValueError} when the size is `NaN`
   * @throws {TypeError} when the size is no number
   */
  constructor(maxsize = 0, items: Store<T> = new FifoStore<T>()) {
    if (typeof maxsize !== 'number')
      throw typeError(`${nameOfClass(this)}: maxsize must be a number, got ${describe(maxsize)}; 0 is for any number`);
    if (Number.isNaN(maxsize)) {
      throw new ValueError(`${nameOfClass(this)}: maxsize must be a number, got NaN; 0 is for any number of items`, {
        code: 'INVALID_COUNT',
      });
    }
    this.#maxsize = maxsize;
    this.#items = items;
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
    return Queue.#put(this as Queue<unknown>, item);
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
    if (this.#isShutDown) throw new QueueShutDown(`${nameOfClass(this)} is shut down: nothing can be put`);
    if (this.full()) {
      throw new QueueFull(
        `${nameOfClass(this)} is full: ${this.#items.length} items are in it; put() would wait for room`,
      );
    }
    try {
      this.#items.push(item);
    } catch (error) {
      this.#putters.dismissNext(); // the order failed: the room is for the next one
      throw error;
    }
    this.#unfinished++;
    this.#getters.dismissNext();
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
    return Queue.#get(this as Queue<unknown>) as AwaitableCoroutine<T>;
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
    if (this.empty()) {
      if (this.#isShutDown) throw new QueueShutDown(`${nameOfClass(this)} is shut down, and nothing is left in it`);
      throw new QueueEmpty(`${nameOfClass(this)} is empty: get() would wait for an item`);
    }
    let item: T;
    try {
      item = this.#items.take();
    } catch (error) {
      this.#getters.dismissNext(); // the order failed, and all items are still there for the next one
      throw error;
    }
    this.#putters.dismissNext();
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
    if (this.#unfinished === 0) this.#joiners.wake(this.#joiners.size);
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
    return Queue.#join(this as Queue<unknown>);
  }

  /**
   * Ends the queue: nothing can be put any more, and when nothing is left nothing can be got. All who wait are woken. May be called
   * again, to drop what is left.
   *
   * Follows CPython's `asyncio.Queue.shutdown`.
   *
   * @param options `immediate`: drops what is in it, and counts the work on it as done
   * @throws {TypeError} when the options are no object
   */
  shutdown(options: ShutdownOptions = {}): void {
    if (typeof options !== 'object' || options === null)
      throw typeError(`shutdown: options are required, got ${describe(options)}; write shutdown({ immediate: true })`);
    this.#isShutDown = true;
    if (options.immediate === true) {
      const dropped = this.#items.length;
      this.#items.clear();
      this.#finished(Math.min(dropped, this.#unfinished));
    }
    while (this.#getters.dismissNext());
    while (this.#putters.dismissNext());
  }

  /** How it stands, for tools. */
  statistics(): QueueStatistics {
    return {
      size: this.qsize(),
      maxsize: this.#maxsize,
      getting: this.#getters.size,
      putting: this.#putters.size,
      joining: this.#joiners.size,
      unfinished: this.#unfinished,
      isShutDown: this.#isShutDown,
      getters: this.#getters.tasks,
      putters: this.#putters.tasks,
    };
  }

  /** The places of those who wait to get, and to put. @internal */
  get waiters(): { readonly getters: WaitQueue; readonly putters: WaitQueue } {
    return { getters: this.#getters, putters: this.#putters };
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
          this.#getters.leave(place);
          place.wake();
        }
        return over();
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator as object as AwaitableIterator<T>;
  }

  static readonly #put = /* @__PURE__ */ libraryCoroutine(function* put(
    queue: Queue<unknown>,
    item: unknown,
  ): Generator<unknown, void, unknown> {
    while (queue.full() && !queue.#isShutDown) {
      const place = queue.#putters.join();
      try {
        yield* place;
      } catch (error) {
        giveUp(queue.#putters, place, !queue.full());
        throw error;
      }
    }
    queue.putNowait(item);
  });

  static readonly #get = /* @__PURE__ */ libraryCoroutine(function* get(
    queue: Queue<unknown>,
  ): Generator<unknown, unknown, unknown> {
    while (queue.empty() && !queue.#isShutDown) {
      const place = queue.#getters.join();
      try {
        yield* place;
      } catch (error) {
        giveUp(queue.#getters, place, !queue.empty());
        throw error;
      }
    }
    return queue.getNowait();
  });

  static readonly #join = /* @__PURE__ */ libraryCoroutine(function* join(
    queue: Queue<unknown>,
  ): Generator<unknown, void, unknown> {
    if (queue.#unfinished === 0) return;
    const place = queue.#joiners.join();
    try {
      yield* place;
    } finally {
      queue.#joiners.leave(place);
    }
  });

  static readonly #next = /* @__PURE__ */ libraryCoroutine(function* next(
    queue: Queue<unknown>,
    places: Set<Place>,
    isWanted: () => boolean,
  ): Generator<unknown, IteratorResult<unknown, undefined>, unknown> {
    while (queue.empty() && !queue.#isShutDown && isWanted()) {
      const place = queue.#getters.join();
      places.add(place);
      try {
        yield* place;
      } catch (error) {
        giveUp(queue.#getters, place, !queue.empty());
        throw error;
      } finally {
        places.delete(place);
      }
      if (!isWanted() && !queue.empty()) queue.#getters.dismissNext();
    }
    if (!isWanted() || queue.empty()) return OVER;
    return { done: false, value: queue.getNowait() };
  });

  toString(): string {
    const details = [nameOfClass(this), `maxsize=${this.#maxsize}`];
    if (!this.empty()) details.push(`_queue=[${this.#firstItems()}]`);
    if (this.#getters.size > 0) details.push(`_getters[${this.#getters.size}]`);
    if (this.#putters.size > 0) details.push(`_putters[${this.#putters.size}]`);
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

  /** What Node's `util.inspect` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

const over = /* @__PURE__ */ libraryCoroutine(function* over(): Generator<
  unknown,
  IteratorReturnResult<undefined>,
  unknown
> {
  return OVER;
});

/** Leaves a queue of tasks. Who was dismissed and cancelled at once dismisses the next one, if that still has a chance. */
function giveUp(waiters: WaitQueue, place: Place, hasChance: boolean): void {
  const wasDismissed = place.done() && !place.cancelled();
  waiters.leave(place);
  if (hasChance && wasDismissed) waiters.dismissNext();
}
