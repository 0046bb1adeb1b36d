/**
 * A binary heap in an array: the item that is before all others is found at once.
 *
 *              0             children of i at 2i+1 and 2i+2;
 *           1     2          no item is before its parent
 *          3 4   5 6
 *
 * The new place of an item is found before anything is moved. So if the comparison throws, the heap is unchanged.
 */
export class Heap<T> {
  #items: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  /** @param isBefore a strict order */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get length(): number {
    return this.#items.length;
  }

  /** The first item. Only called when there is one. */
  peek(): T {
    return this.#items[0]!;
  }

  push(item: T): void {
    const items = this.#items;
    let place = items.length;
    while (place > 0 && this.#isBefore(item, items[(place - 1) >> 1]!)) place = (place - 1) >> 1;
    for (let i = items.length; i > place; i = (i - 1) >> 1) items[i] = items[(i - 1) >> 1]!;
    items[place] = item;
  }

  /** Takes the first item. Only called when there is one. */
  pop(): T {
    const items = this.#items;
    const first = items[0]!;
    const last = items.length - 1;
    const place = this.#placeBelow(0, items[last]!, last);
    let item = items.pop()!;
    if (last > 0) {
      for (let i = place; i > 0; i = (i - 1) >> 1) {
        const lower = items[i]!;
        items[i] = item;
        item = lower;
      }
      items[0] = item;
    }
    return first;
  }

  /** The first item has changed, so that others may be before it now. Only called when there is one. */
  sinkFirst(): void {
    this.#sink(0);
  }

  /** Keeps only the items for which a function returns true. */
  filter(keep: (item: T) => boolean): void {
    const kept = this.#items.filter(keep);
    this.#items = kept;
    for (let start = (kept.length >> 1) - 1; start >= 0; start--) this.#sink(start);
  }

  clear(): void {
    this.#items = [];
  }

  /** All items, in the order of the array. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  /** Where an item belongs on the way down from a place, among the first `length` items. */
  #placeBelow(start: number, item: T, length: number): number {
    const items = this.#items;
    let place = start;
    for (let child = 2 * start + 1; child < length; child = 2 * place + 1) {
      if (child + 1 < length && this.#isBefore(items[child + 1]!, items[child]!)) child++;
      if (!this.#isBefore(items[child]!, item)) break;
      place = child;
    }
    return place;
  }

  #sink(start: number): void {
    const items = this.#items;
    const item = items[start]!;
    let carried = item;
    for (let i = this.#placeBelow(start, item, items.length); i > start; i = (i - 1) >> 1) {
      const lower = items[i]!;
      items[i] = carried;
      carried = lower;
    }
    items[start] = carried;
  }
}
