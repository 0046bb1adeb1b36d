import type { Host } from './host.ts';

/** A ready queue that never empties lets the host's I/O have its turn after this many seconds. */
const LONGEST_TURN = 0.001;
/** Reading the clock costs as much as a step, so it is read once in so many handles at the most. */
const MOST_HANDLES_A_READING = 256;

/** The time that a turn of the loop may take. How often the clock is read adapts to what handles turn out to cost. */
export class TurnBudget {
  readonly #host: Host;
  #end = 0;
  #lastReading = 0;
  #handles = 0;
  #handlesAReading = 16;

  constructor(host: Host) {
    this.#host = host;
  }

  /** A turn begins. */
  start(): void {
    this.#lastReading = this.#host.time();
    this.#end = this.#lastReading + LONGEST_TURN;
    this.#handles = 0;
  }

  /** Counts a handle. Whether the turn has taken its time. */
  isSpent(): boolean {
    return ++this.#handles >= this.#handlesAReading && this.#readClock();
  }

  #readClock(): boolean {
    const now = this.#host.time();
    const took = now - this.#lastReading;
    this.#lastReading = now;
    this.#handles = 0;
    if (took > LONGEST_TURN / 4) {
      if (this.#handlesAReading > 1) this.#handlesAReading >>= 1;
    } else if (took < LONGEST_TURN / 16 && this.#handlesAReading < MOST_HANDLES_A_READING) {
      this.#handlesAReading <<= 1;
    }
    return now >= this.#end;
  }
}
