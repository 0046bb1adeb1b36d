import { Queue, type QueueOptions } from './queue.ts';
import type { Store } from './store.ts';

class Stack<T> implements Store<T> {
  #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  take(): T {
    return this.#items.pop()!;
  }

  clear(): void {
    this.#items = [];
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }
}

/**
 * A queue from which the item that was put last is taken first.
 *
 * Follows CPython's `asyncio.LifoQueue`.
 *
 * @example
 * const queue = new LifoQueue<string>();
 * for (const name of ['first', 'last']) queue.putNowait(name);
 * await queue.get(); // 'last'
 */
export class LifoQueue<T> extends Queue<T> {
  /**
   * @param size the largest number of items, by position or as `{ maxsize }`; zero or less for no limit
   * @throws {ValueError} when it is `NaN`
   * @throws {TypeError} when it is not a number
   */
  constructor(size: number | QueueOptions = 0) {
    super(size, new Stack<T>());
  }
}
