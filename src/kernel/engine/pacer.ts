import type { Host } from '../runtime/host.ts';
import type { Clock } from './clock.ts';

/** A ready queue that never empties lets the host's I/O have its turn after this many seconds. */
const LONGEST_TURN = 0.001;
/** Reading the clock costs as much as a step, so it is read once in so many handles at the most. */
const MOST_HANDLES_A_READING = 256;

/**
 * When the host's turns come, and how long one may take. The wishes are remembered, so that the host is told only what it does not
 * know; how often the clock is read adapts to what handles turn out to cost.
 *
 * | wish | `#isSoonAsked` | `#atAsked` |
 * | --- | --- | --- |
 * | none | false | `null` |
 * | a turn as soon as possible | true | as before |
 * | a turn at a time | false | the time |
 * | unknown: a timer of the host's may have fired | – | `undefined` |
 */
export class Pacer {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #turn: () => void;
  readonly #timerTurn = (): void => {
    this.#atAsked = undefined;
    this.#turn();
  };
  #isSoonAsked = false;
  #atAsked: number | null | undefined = null;
  #end = 0;
  #lastReading = 0;
  #handles = 0;
  #handlesAReading = 16;
  /** The turn has taken its time. Several ask, and it stays so until the turn is split: or timers and I/O would starve. */
  #isOverdue = false;

  /** @param turn what the host is to call */
  constructor(host: Host, clock: Clock, turn: () => void) {
    this.#host = host;
    this.#clock = clock;
    this.#turn = turn;
  }

  get isSoonAsked(): boolean {
    return this.#isSoonAsked;
  }

  /** A turn begins. */
  start(): void {
    this.#lastReading = this.#host.time();
    this.#end = this.#lastReading + LONGEST_TURN;
    this.#handles = 0;
    this.#isOverdue = false;
  }

  /** The turn that was asked for has come. */
  noteTurn(): void {
    this.#isSoonAsked = false;
  }

  /** The loop is driven by hand: what was asked for may have been used up. */
  forgetWishes(): void {
    this.#isSoonAsked = false;
    this.#atAsked = undefined;
  }

  /** Asks for a turn as soon as possible. */
  askSoon(): void {
    this.#isSoonAsked = true;
    this.#host.soon(this.#turn);
  }

  /** Notes that a turn will come by other means. */
  noteSoon(): void {
    this.#isSoonAsked = true;
  }

  /** Asks for a turn at a time, instead of the time asked for before; `null` takes the wish back. */
  askAt(when: number | null): void {
    if (this.#atAsked === when) return;
    this.#atAsked = when;
    this.#host.at(when, this.#timerTurn);
  }

  /** Asks for the rest of the turn after the host's I/O. */
  askAfterIO(): void {
    this.#isOverdue = false;
    this.#isSoonAsked = true;
    if (this.#host.afterIO !== undefined) this.#host.afterIO(this.#turn);
    else this.#host.soon(this.#turn);
  }

  /**
   * Asks for a turn after the host's I/O when a time has come already: its shortest timer takes a millisecond or more. As in CPython,
   * whose iterations look at I/O before they run what is due, timers that set each other anew leave room for it. A host that cannot tell
   * when its I/O is over has its own idea of time, and decides by itself.
   */
  askIfDue(when: number): boolean {
    if (this.#host.afterIO === undefined || when >= this.due()) return false;
    this.askAfterIO();
    return true;
  }

  /** Counts a handle. Whether the turn has taken its time. */
  isSpent(): boolean {
    if (++this.#handles >= this.#handlesAReading && this.#readClock()) this.#isOverdue = true;
    return this.#isOverdue;
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

  /** Timers that are due before this are collected: the clock's step is lost in the rounding when the time is large. */
  due(): number {
    const now = this.#clock.now();
    return Math.max(now + this.#host.resolution, now * (1 + Number.EPSILON));
  }
}
