/** Keeps the items of a queue, and decides which one comes next. */
export interface Store<T> extends Iterable<T> {
  readonly length: number;
  push(item: T): void;
  /** Takes the next item. Only called when there is one. When it throws, all items are still there. */
  take(): T;
  /** Drops all items. */
  clear(): void;
}
