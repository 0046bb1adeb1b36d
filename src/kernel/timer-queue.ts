import type { Runnable } from './ready-queue.ts';

/** One entry of the timer queue. */
export interface Timer extends Runnable {
  /** Seconds on the loop's clock. @internal */
  readonly _when: number;
  /** Order of scheduling, which decides between equal deadlines. @internal */
  _sequence: number;
  /** Whether it is in the queue. @internal */
  _scheduled: boolean;
  /** @internal */
  readonly _cancelled: boolean;
}

// CPython's rule for throwing cancelled timers out before they are due: many, and more than half of them cancelled.
const MIN_SCHEDULED = 100;
const MIN_CANCELLED_FRACTION = 0.5;

/**
 * Timers by deadline, equal ones in order of scheduling: a binary heap in an array.
 *
 *              0             children of i at 2i+1 and 2i+2;
 *           1     2          a timer is never before its parent
 *          3 4   5 6
 *
 * A cancelled timer stays where it is until it reaches the top, or until `prune` throws all of them out at once.
 */
export class TimerQueue {
  #heap: Timer[] = [];
  #sequence = 0;
  /** How many in the heap are cancelled. */
  cancelled = 0;

  get length(): number {
    return this.#heap.length;
  }

  /** The next timer; only called when there is one. */
  first(): Timer {
    return this.#heap[0]!;
  }

  push(timer: Timer): void {
    timer._sequence = this.#sequence++;
    timer._scheduled = true;
    this.#heap.push(timer);
    this.#up(this.#heap.length - 1);
  }

  /** Takes the next timer. Only called when there is one. */
  pop(): Timer {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      this.#down(0);
    }
    top._scheduled = false;
    return top;
  }

  /** Drops cancelled timers: all when they are too many, otherwise those at the top. */
  prune(): void {
    if (this.cancelled === 0) return;
    if (this.#heap.length > MIN_SCHEDULED && this.cancelled / this.#heap.length > MIN_CANCELLED_FRACTION) {
      this.#dropAllCancelled();
      return;
    }
    while (this.#heap.length > 0 && this.#heap[0]!._cancelled) {
      this.pop();
      this.cancelled--;
    }
  }

  clear(): void {
    for (const timer of this.#heap) timer._scheduled = false;
    this.#heap = [];
    this.cancelled = 0;
  }

  /** All timers, in the order of the heap. */
  [Symbol.iterator](): Iterator<Timer> {
    return this.#heap[Symbol.iterator]();
  }

  #dropAllCancelled(): void {
    const kept: Timer[] = [];
    for (const timer of this.#heap) {
      if (timer._cancelled) timer._scheduled = false;
      else kept.push(timer);
    }
    this.#heap = kept;
    this.cancelled = 0;
    for (let i = (kept.length >> 1) - 1; i >= 0; i--) this.#down(i);
  }

  #up(index: number): void {
    const heap = this.#heap;
    const timer = heap[index]!;
    let i = index;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent]!;
      if (!isBefore(timer, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = timer;
  }

  #down(index: number): void {
    const heap = this.#heap;
    const timer = heap[index]!;
    const half = heap.length >> 1;
    let i = index;
    while (i < half) {
      let child = 2 * i + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      const below = heap[child]!;
      if (!isBefore(below, timer)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = timer;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a._when < b._when || (a._when === b._when && a._sequence < b._sequence);
}
