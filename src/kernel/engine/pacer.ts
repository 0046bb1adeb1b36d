import type { Host } from '../runtime/host.ts';
import type { Clock } from './clock.ts';

/** In seconds: when a turn has taken this long, its rest waits until the host has handled pending I/O. */
const LONGEST_TURN = 0.001;
/** Reading the clock takes as long as a step, so it is read once in up to so many handles. */
const MOST_HANDLES_A_READING = 256;

/**
 * Decides when the host is asked for a turn, and how long a turn may take. It remembers what it has asked for, so that
 * it calls the host only when something changes. The more time handles take, the more often it reads the clock.
 *
 * | asked for | `#isSoonAsked` | `#atAsked` |
 * | --- | --- | --- |
 * | nothing | false | `null` |
 * | a turn as soon as possible | true | as before |
 * | a turn at a time | false | the time |
 * | not known: the host's timer has fired, or may have | – | `undefined` |
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
  /**
   * The turn has used up its time. It stays set until the turn is split, although `isSpent` is asked at several places:
   * otherwise timers and I/O could starve.
   */
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

  /** The loop is driven by hand: whether the host still has what was asked for is not known. */
  forgetAsked(): void {
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

  /** Asks for a turn at a time in seconds, instead of the time asked for before; with `null`, at no time. */
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
   * If a time has already come, asks for a turn after the host's I/O, and returns true: a timer of the host would take
   * a millisecond or more. I/O comes first, as in CPython, where each iteration handles I/O before it runs timers that
   * are due: so timers that set each other again and again do not keep I/O from being handled. A host without `afterIO`
   * has a clock of its own kind, such as a simulated one, and is always asked by `at`.
   */
  askIfDue(when: number): boolean {
    if (this.#host.afterIO === undefined || when >= this.due()) return false;
    this.askAfterIO();
    return true;
  }

  /** Counts a handle; returns whether the turn has used up its time. */
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

  /**
   * Timers with an earlier deadline than this are due. It is the present time plus the clock's step; when the time is
   * so large that adding the step has no effect, the next larger number.
   */
  due(): number {
    const now = this.#clock.now();
    return Math.max(now + this.#host.resolution, now * (1 + Number.EPSILON));
  }
}
