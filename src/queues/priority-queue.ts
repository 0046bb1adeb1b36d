import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { Heap } from '../internal/heap.ts';
import { byNameOrPosition, checkOptions } from '../internal/options.ts';
import { Queue, type QueueOptions } from './queue.ts';
import type { Store } from './store.ts';

/** Negative when `a` comes before `b`, positive when it comes after it, zero when either may; as for `Array.prototype.sort`. */
export type Compare<T> = (a: T, b: T) => number;

/** Options of a priority queue. */
export interface PriorityQueueOptions<T> extends QueueOptions {
  /**
   * Compares two items. When absent, items are compared by value: numbers, strings, dates, and arrays of them element by element, as Python
   * compares tuples.
   */
  readonly compare?: Compare<T> | undefined;
}

interface Entry<T> {
  readonly item: T;
  readonly sequence: number;
}

/** Items of equal rank come in the order in which they were put. */
class Ranking<T> implements Store<T> {
  readonly #heap: Heap<Entry<T>>;
  #sequence = 0;

  constructor(compare: Compare<T>) {
    this.#heap = new Heap((a, b) => {
      const order = compare(a.item, b.item);
      if (typeof order !== 'number' || Number.isNaN(order)) throw noOrder(order, a.item, b.item);
      return order < 0 || (order === 0 && a.sequence < b.sequence);
    });
  }

  get length(): number {
    return this.#heap.length;
  }

  push(item: T): void {
    this.#heap.push({ item, sequence: this.#sequence++ });
  }

  take(): T {
    return this.#heap.pop().item;
  }

  clear(): void {
    this.#heap.clear();
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const { item } of this.#heap) yield item;
  }
}

/**
 * A queue from which the lowest item is taken first; equal items come in the order in which they were put.
 *
 * When the comparison throws, or does not return a number, the `put` or `get` that needed it throws; all items stay where they are, and the
 * queue can still be used.
 *
 * Follows CPython's `asyncio.PriorityQueue`.
 *
 * @example
 * const queue = new PriorityQueue<[number, string]>();
 * queue.putNowait([2, 'later']);
 * queue.putNowait([1, 'first']);
 * const byDate = new PriorityQueue<Job>(0, { compare: (a, b) => a.due - b.due });
 */
export class PriorityQueue<T> extends Queue<T> {
  /**
   * @param size the largest number of items; zero or less for no limit. Or all options: `{ maxsize, compare }`
   * @throws {ValueError} when the size is `NaN`
   * @throws {TypeError} when the size is not a number, or `compare` is not a function
   */
  constructor(size: number | PriorityQueueOptions<T> = 0, options: PriorityQueueOptions<T> = {}) {
    if (typeof options !== 'object' || options === null)
      throw typeError(`PriorityQueue: options are required, got ${describe(options)}; write { compare: (a, b) => … }`);
    checkOptions('PriorityQueue', options, PRIORITY_QUEUE_OPTIONS);
    const all = typeof size === 'object' && size !== null ? { ...size, ...options } : options;
    const maxsize = byNameOrPosition('new PriorityQueue', PRIORITY_QUEUE_OPTIONS, size, all.maxsize ?? 0);
    const compare = all.compare ?? compareByValue;
    if (typeof compare !== 'function')
      throw typeError(`PriorityQueue: compare must be a function, got ${describe(compare)}`, 'NOT_CALLABLE');
    super(maxsize, new Ranking<T>(compare));
  }
}

const PRIORITY_QUEUE_OPTIONS = ['maxsize', 'compare'] as const;

function noOrder(order: unknown, a: unknown, b: unknown): TypeError {
  return typeError(
    `PriorityQueue: compare must return a number, got ${describe(order)} for ${describe(a)} and ${describe(b)}; ` +
      'write (a, b) => a - b, not a > b',
    'NO_ORDER',
  );
}

/**
 * Compares plain values.
 *
 * @throws {TypeError} when they have no order: for objects, `NaN`, and values of different types
 */
function compareByValue(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b);
  const [left, right] = [comparable(a), comparable(b)];
  if (left !== null && right !== null && (typeof left === 'string') === (typeof right === 'string'))
    return left < right ? -1 : left > right ? 1 : 0;
  throw typeError(
    `PriorityQueue cannot compare ${describe(a)} and ${describe(b)}: give { compare: (a, b) => … }`,
    'NO_ORDER',
  );
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] === b[i]) continue; // as in Python's tuples: equal elements need not be comparable
    const order = compareByValue(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function comparable(value: unknown): number | bigint | string | null {
  switch (typeof value) {
    case 'number':
      return Number.isNaN(value) ? null : value;
    case 'bigint':
    case 'string':
      return value;
    case 'boolean':
      return Number(value);
    case 'object': {
      // Dates, and other objects whose value is a number.
      const primitive = value === null ? null : value.valueOf();
      return typeof primitive === 'object' ? null : comparable(primitive);
    }
    default:
      return null;
  }
}
