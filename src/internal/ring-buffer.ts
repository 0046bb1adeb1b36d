const SMALLEST = 16;

/**
 * A queue of items, first in first out.
 *
 *     items  [ d  e  .  .  .  a  b  c ]      capacity is a power of two, so that a mask wraps an index
 *                    ^tail    ^head          length = 5
 *
 * Invariant: slots outside `head .. head + length` are `undefined`, so that items that were taken can be garbage collected.
 */
export class RingBuffer<T> {
  #items: (T | undefined)[] = new Array<T | undefined>(SMALLEST).fill(undefined);
  #head = 0;
  length = 0;

  push(item: T): void {
    if (this.length === this.#items.length) this.#resize(this.length * 2);
    this.#items[(this.#head + this.length++) & (this.#items.length - 1)] = item;
  }

  /** Takes the oldest item. Only called when there is one. */
  shift(): T {
    const items = this.#items;
    const item = items[this.#head]!;
    items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (items.length - 1);
    this.length--;
    return item;
  }

  /** The oldest item. Only called when there is one. */
  peek(): T {
    return this.#items[this.#head]!;
  }

  /** An item by its place; the oldest one is at 0. */
  at(index: number): T | undefined {
    return this.#items[(this.#head + index) & (this.#items.length - 1)];
  }

  /** Makes an item the oldest one. The others keep their order. */
  moveToFront(index: number): void {
    const items = this.#items;
    const mask = items.length - 1;
    const item = items[(this.#head + index) & mask];
    for (let i = index; i > 0; i--) items[(this.#head + i) & mask] = items[(this.#head + i - 1) & mask];
    items[this.#head] = item;
  }

  /** Keeps only the items for which a function returns true. */
  filter(keep: (item: T) => boolean): void {
    const items = this.#items;
    const mask = items.length - 1;
    let kept = 0;
    for (let i = 0; i < this.length; i++) {
      const item = items[(this.#head + i) & mask]!;
      if (keep(item)) items[(this.#head + kept++) & mask] = item;
    }
    for (let i = kept; i < this.length; i++) items[(this.#head + i) & mask] = undefined;
    this.length = kept;
  }

  clear(): void {
    this.#items = new Array<T | undefined>(SMALLEST).fill(undefined);
    this.#head = 0;
    this.length = 0;
  }

  /** The items, the oldest first. */
  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.length; i++) yield this.#items[(this.#head + i) & (this.#items.length - 1)]!;
  }

  #resize(capacity: number): void {
    const items = new Array<T | undefined>(capacity).fill(undefined);
    const old = this.#items;
    // Not with the iterator: a queue that grows to 100,000 would spend more on its iterator than on its items.
    for (let i = 0; i < this.length; i++) items[i] = old[(this.#head + i) & (old.length - 1)];
    this.#items = items;
    this.#head = 0;
  }
}
