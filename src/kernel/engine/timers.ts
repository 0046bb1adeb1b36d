import { Heap } from '../../internal/heap.ts';
import type { Runnable } from './roles.ts';

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
 * Timers by deadline, equal ones in order of scheduling. A cancelled timer stays where it is until it reaches the top, or until
 * `prune` throws all of them out at once.
 */
export class TimerQueue {
  readonly #heap = new Heap<Timer>(isBefore);
  #sequence = 0;
  /** How many of the timers in the queue are cancelled. */
  cancelled = 0;

  get length(): number {
    return this.#heap.length;
  }

  /** The next timer. Only called when there is one. */
  first(): Timer {
    return this.#heap.peek();
  }

  push(timer: Timer): void {
    timer._sequence = this.#sequence++;
    timer._scheduled = true;
    this.#heap.push(timer);
  }

  /** Takes the next timer. Only called when there is one. */
  pop(): Timer {
    const timer = this.#heap.pop();
    timer._scheduled = false;
    if (timer._cancelled) this.cancelled--;
    return timer;
  }

  /** Drops cancelled timers: all when they are too many, otherwise those at the top. */
  prune(): void {
    if (this.cancelled === 0) return;
    if (this.length > MIN_SCHEDULED && this.cancelled / this.length > MIN_CANCELLED_FRACTION) {
      this.#heap.filter(isWanted);
      this.cancelled = 0;
    } else {
      while (this.length > 0 && this.first()._cancelled) this.pop();
    }
  }

  clear(): void {
    for (const timer of this) timer._scheduled = false;
    this.#heap.clear();
    this.cancelled = 0;
  }

  /** All timers, in the order of the heap. */
  [Symbol.iterator](): Iterator<Timer> {
    return this.#heap[Symbol.iterator]();
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a._when < b._when || (a._when === b._when && a._sequence < b._sequence);
}

function isWanted(timer: Timer): boolean {
  if (timer._cancelled) timer._scheduled = false;
  return !timer._cancelled;
}
