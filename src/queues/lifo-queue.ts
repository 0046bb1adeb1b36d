import { Queue } from './queue.ts';
import type { Store } from './store.ts';

class Stack<T> implements Store<T> {
  readonly #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  take(): T {
    return this.#items.pop()!;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }
}

/**
 * A queue that gives the item put last first.
 *
 * Follows CPython's `asyncio.LifoQueue`.
 */
export class LifoQueue<T> extends Queue<T> {
  constructor(maxsize = 0) {
    super(maxsize, new Stack<T>());
  }
}
