import { Heap } from '../../internal/heap.ts';
import { RingBuffer } from '../../internal/ring-buffer.ts';
import type { Runnable } from './roles.ts';

/** One entry of the timer queue. */
export interface Timer extends Runnable {
  /** Seconds on the loop's clock. @internal */
  readonly _when: number;
  /** Order of scheduling, which decides between equal deadlines; `NOT_SCHEDULED` outside the queue. @internal */
  _sequence: number;
  /** @internal */
  readonly _cancelled: boolean;
}

/** The sequence of a timer that is not in the queue. */
export const NOT_SCHEDULED = -1;

// CPython's rule for throwing cancelled timers out before they are due: many, and more than half of them cancelled.
const MIN_SCHEDULED = 100;
const MIN_CANCELLED_FRACTION = 0.5;
/** With so many cancelled timers, CPython's rule is applied at once, not in the next iteration. */
const MANY_CANCELLED = 200;
/** Timers that fit into none of so many rows are kept in a heap. */
const MOST_ROWS = 128;

/** A queue of timers, each of which was scheduled after the one before it and is not due earlier. */
class Row {
  readonly timers = new RingBuffer<Timer>();
  /** The latest deadline that was ever in it. */
  last: number;

  constructor(first: Timer) {
    this.timers.push(first);
    this.last = first._when;
  }
}

/**
 * Timers by deadline, equal ones in order of scheduling. A cancelled timer stays where it is until it is the first of
 * all, or until all cancelled ones are removed at once.
 *
 *     rows     last:  3.2      5.0          9.9    a timer goes to the row with the latest `last` that is not after it:
 *                      │        │            │     5.5 to the middle one, 1.0 to a new one at the left
 *                    [3.1]    [4.0 4.5 5.0] [9.9]
 *     others   a heap, for what comes when there are enough rows
 *
 * Programs have many timers with few different delays, and timers with the same delay are due in the order in which
 * they are made. So one row holds all of them, and adding or taking one is O(1). A row for each delay would do that
 * too, but a program whose delays all differ would have as many rows as timers.
 *
 * Invariant: the rows are in the order of their `last`, of which no two are equal; none of them is empty.
 */
export class TimerQueue {
  #rows: Row[] = [];
  /** The same rows by their first timers. */
  readonly #heap = new Heap<Row>(startsBefore);
  readonly #others = new Heap<Timer>(isBefore);
  #sequence = 0;
  #length = 0;
  #cancelled = 0;

  get length(): number {
    return this.#length;
  }

  /** How many of the timers in the queue are cancelled. */
  get cancelled(): number {
    return this.#cancelled;
  }

  /** The next timer. Only called when there is one. */
  first(): Timer {
    return this.#isOtherNext() ? this.#others.peek() : this.#heap.peek().timers.peek();
  }

  push(timer: Timer): void {
    timer._sequence = this.#sequence++;
    this.#length++;
    const at = this.#rowFor(timer._when);
    if (at >= 0) {
      const row = this.#rows[at]!;
      row.timers.push(timer);
      row.last = timer._when;
    } else if (this.#rows.length < MOST_ROWS) {
      const row = new Row(timer);
      this.#rows.unshift(row);
      this.#heap.push(row);
    } else {
      this.#others.push(timer);
    }
  }

  /** Takes the next timer. Only called when there is one. */
  pop(): Timer {
    const timer = this.#isOtherNext() ? this.#others.pop() : this.#popFromRow();
    timer._sequence = NOT_SCHEDULED;
    this.#length--;
    if (timer._cancelled) this.#cancelled--;
    return timer;
  }

  /** A timer is cancelled. */
  noteCancelled(timer: Timer): void {
    if (timer._sequence === NOT_SCHEDULED) return;
    this.#cancelled++;
    if (this.#cancelled >= MANY_CANCELLED && this.#areTooManyCancelled()) this.#dropCancelled();
  }

  /** Drops cancelled timers: all of them when they are too many, otherwise those that are first. */
  prune(): void {
    if (this.#cancelled === 0) return;
    if (this.#areTooManyCancelled()) this.#dropCancelled();
    else while (this.#length > 0 && this.first()._cancelled) this.pop();
  }

  clear(): void {
    for (const timer of this) timer._sequence = NOT_SCHEDULED;
    this.#rows = [];
    this.#heap.clear();
    this.#others.clear();
    this.#length = 0;
    this.#cancelled = 0;
  }

  /** All timers, row by row. */
  *[Symbol.iterator](): Iterator<Timer> {
    for (const { timers } of this.#rows) yield* timers;
    yield* this.#others;
  }

  /** The place of the row with the latest end that is not after a time, -1 when there is none. */
  #rowFor(when: number): number {
    const rows = this.#rows;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle]!.last <= when) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #isOtherNext(): boolean {
    if (this.#others.length === 0) return false;
    return this.#heap.length === 0 || isBefore(this.#others.peek(), this.#heap.peek().timers.peek());
  }

  #popFromRow(): Timer {
    const row = this.#heap.peek();
    const timer = row.timers.shift();
    if (row.timers.length > 0) {
      this.#heap.sinkFirst();
    } else {
      this.#heap.pop();
      this.#rows.splice(this.#rowFor(row.last), 1);
    }
    return timer;
  }

  #areTooManyCancelled(): boolean {
    return this.#length > MIN_SCHEDULED && this.#cancelled / this.#length > MIN_CANCELLED_FRACTION;
  }

  #dropCancelled(): void {
    for (const { timers } of this.#rows) timers.filter(isWanted);
    this.#rows = this.#rows.filter(isInUse);
    this.#heap.filter(isInUse);
    this.#others.filter(isWanted);
    this.#length -= this.#cancelled;
    this.#cancelled = 0;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a._when < b._when || (a._when === b._when && a._sequence < b._sequence);
}

function startsBefore(a: Row, b: Row): boolean {
  return isBefore(a.timers.peek(), b.timers.peek());
}

function isInUse({ timers }: Row): boolean {
  return timers.length > 0;
}

function isWanted(timer: Timer): boolean {
  if (timer._cancelled) timer._sequence = NOT_SCHEDULED;
  return !timer._cancelled;
}
