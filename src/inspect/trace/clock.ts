/** In microseconds. */
const LEAST_STEP = 0.001;
/** What an event takes where the clock stands still: in simulated time, and where a page's clock is coarse. */
const STILL_STEP = 1;

/**
 * The times of events, in microseconds of a loop's clock. No two events have the same: in simulated time, where steps take none, each event is
 * one microsecond after the one before, so that what happens at one moment still has an order that can be seen.
 */
export class EventClock {
  #read = -1;
  #told = -1;

  /** The time of the next event. @param seconds what the loop's clock says */
  at(seconds: number): number {
    const read = seconds * 1e6;
    const least = this.#told + (read === this.#read ? STILL_STEP : LEAST_STEP);
    this.#read = read;
    this.#told = rounded(Math.max(read, least));
    return this.#told;
  }
}

/** Without the digits that arithmetic makes up. */
export function rounded(microseconds: number): number {
  return Math.round(microseconds * 1_000) / 1_000;
}
