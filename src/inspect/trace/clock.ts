import type { EventLoop } from '../../kernel/lowlevel.ts';

/** In microseconds. */
const LEAST_STEP = 0.001;
/** What an event takes where the clock stands still: in simulated time, and where a page's clock is coarse. */
const STILL_STEP = 1;

/**
 * The time of events, in microseconds of a loop's clock. No two events have the same: in simulated time, where steps take none, each event is
 * one microsecond after the one before, so that what happens at one moment still has an order that can be seen.
 */
export class LoopClock {
  readonly #loop: EventLoop;
  #read = -1;
  #told = -1;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  now(): number {
    const read = this.#loop.time() * 1e6;
    const least = this.#told + (read === this.#read ? STILL_STEP : LEAST_STEP);
    this.#read = read;
    this.#told = Math.round(Math.max(read, least) * 1_000) / 1_000;
    return this.#told;
  }
}
