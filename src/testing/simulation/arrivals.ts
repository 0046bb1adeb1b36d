import type { Simulation } from './simulation.ts';

/** Something that comes from outside the loop at a time that nobody knows: the end of a read, a message, the result of a thread. */
export interface Arrival {
  /** What it is, for explanations. */
  readonly label: string;
  /** Those of one stream come in the order in which they were sent; `null` for one that is by itself. */
  readonly stream: object | null;
  readonly deliver: () => void;
  /** The time of the clock before which it cannot come, in seconds; absent where it may come at once. */
  readonly notBefore?: number;
  /** Whether it comes at that time, and nobody decides about it. */
  readonly isPunctual?: boolean;
}

/** So often in a row timers may fire before anything comes from outside: a program that polls has to see an end of its wait. */
const MOST_TIMERS_FIRST = 64;
/** And so many iterations may go by, for one that polls without any time passing. */
const MOST_ITERATIONS_FIRST = 1_000;

/**
 * What is on its way from outside. Without a decider everything comes at once, in the order in which it was sent. With one, each iteration
 * of the loop begins with the question what has come meanwhile: any of the first of each stream, or nothing yet. What is on its way comes at
 * last, however often it was put off.
 */
export class Arrivals {
  readonly #simulation: Simulation;
  #waiting: Arrival[] = [];
  /** How often in a row nothing has come while the loop had timers only, and while it was busy. */
  #timersFirst = 0;
  #iterationsFirst = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** The time at which the next of those may come that cannot come yet; `null` when there is none. */
  get next(): number | null {
    let next: number | null = null;
    for (const { notBefore } of this.#waiting) {
      if (notBefore === undefined || notBefore <= this.#simulation.host.now) continue;
      if (next === null || notBefore < next) next = notBefore;
    }
    return next;
  }

  add(arrival: Arrival): void {
    this.#waiting.push(arrival);
  }

  /** Takes one back. False when it has already come. */
  remove(arrival: Arrival): boolean {
    const at = this.#waiting.indexOf(arrival);
    if (at < 0) return false;
    this.#waiting.splice(at, 1);
    return true;
  }

  clear(): void {
    this.#waiting = [];
    this.#noteProgress();
  }

  #noteProgress(): void {
    this.#timersFirst = 0;
    this.#iterationsFirst = 0;
  }

  /** Whether it may be that nothing comes. */
  #mayWait(isBusy: boolean): boolean {
    if (isBusy) return this.#iterationsFirst < MOST_ITERATIONS_FIRST;
    const hasMore = this.#simulation.host.wish !== null || this.next !== null;
    return hasMore && this.#timersFirst < MOST_TIMERS_FIRST;
  }

  /**
   * Delivers what comes now. False when nothing does.
   *
   * @param isBusy whether the loop has something else to run, so that nothing need come
   */
  poll(isBusy: boolean): boolean {
    const { loop } = this.#simulation;
    let delivered = this.#takePunctual();
    while (this.#waiting.length > 0) {
      const heads = this.#heads();
      if (heads.length === 0) break;
      const mayWait = delivered > 0 || this.#mayWait(isBusy);
      const choice = this.#simulation.choose('arrival', heads.length + (mayWait ? 1 : 0), heads);
      const chosen = heads[choice];
      if (chosen === undefined) {
        if (delivered === 0 && isBusy) this.#iterationsFirst++;
        else if (delivered === 0) this.#timersFirst++;
        break;
      }
      this.remove(chosen);
      this.#noteProgress();
      loop.callSoon(chosen.deliver);
      delivered++;
    }
    return delivered > 0;
  }

  /** Delivers what comes at a time that nobody decides about. Gives how many there were. */
  #takePunctual(): number {
    const { loop, host } = this.#simulation;
    const due = this.#waiting.filter(({ isPunctual, notBefore = 0 }) => isPunctual === true && notBefore <= host.now);
    for (const arrival of due) {
      this.remove(arrival);
      loop.callSoon(arrival.deliver);
    }
    return due.length;
  }

  /** The first of each stream that may come now. */
  #heads(): Arrival[] {
    const { now } = this.#simulation.host;
    const streams = new Set<object>();
    return this.#waiting.filter(({ stream, notBefore = 0 }) => {
      if (stream !== null) {
        if (streams.has(stream)) return false;
        streams.add(stream);
      }
      return notBefore <= now;
    });
  }
}
