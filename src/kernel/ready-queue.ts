/** Whatever the loop runs: a task's step, a future's callback, a handle. */
export interface Runnable {
  /** @internal */
  _run(): void;
}

/**
 * What is due, first in first out.
 *
 *     items  [ d  e  .  .  .  a  b  c ]      capacity is a power of two, so that a mask wraps an index
 *                    ^tail    ^head          length = 5
 *
 * Invariant: slots outside `head .. head + length` are `null`, so that what has run can be collected.
 */
export class ReadyQueue {
  #items: (Runnable | null)[] = new Array<Runnable | null>(64).fill(null);
  #head = 0;
  length = 0;

  push(item: Runnable): void {
    if (this.length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.length++) & (this.#items.length - 1)] = item;
  }

  /** Takes the oldest item. Only called when there is one. */
  shift(): Runnable {
    const items = this.#items;
    const item = items[this.#head]!;
    items[this.#head] = null;
    this.#head = (this.#head + 1) & (items.length - 1);
    this.length--;
    return item;
  }

  clear(): void {
    this.#items = new Array<Runnable | null>(64).fill(null);
    this.#head = 0;
    this.length = 0;
  }

  *[Symbol.iterator](): Iterator<Runnable> {
    for (let i = 0; i < this.length; i++) yield this.#items[(this.#head + i) & (this.#items.length - 1)]!;
  }

  #grow(): void {
    const old = this.#items;
    const items = new Array<Runnable | null>(old.length * 2).fill(null);
    for (let i = 0; i < old.length; i++) items[i] = old[(this.#head + i) & (old.length - 1)]!;
    this.#items = items;
    this.#head = 0;
  }
}
