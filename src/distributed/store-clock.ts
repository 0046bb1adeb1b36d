import type { EventLoop } from '../kernel/lowlevel.ts';

/** For how many seconds a comparison holds: clocks drift apart slowly. */
const FRESH = 60;

/** The clock of the store, as the loop's clock tells it: deadlines mean the same on all machines, whatever their own clocks say. */
export class StoreClock {
  readonly #loop: EventLoop;
  readonly #ask: () => Promise<number>;
  /** In milliseconds: the store's clock at zero of the loop's. */
  #offset: number | null = null;
  #asked = Number.NEGATIVE_INFINITY;

  constructor(loop: EventLoop, ask: () => Promise<number>) {
    this.#loop = loop;
    this.#ask = ask;
  }

  /** Compares the clocks when that is long ago. Off by half of the time that the answer takes, at the most. */
  async compare(): Promise<void> {
    if (this.isFresh) return;
    const before = this.#loop.time();
    const store = await this.#ask();
    const after = this.#loop.time();
    this.#offset = store - ((before + after) / 2) * 1_000;
    this.#asked = after;
  }

  /** Whether there is nothing to compare. */
  get isFresh(): boolean {
    return this.#loop.time() - this.#asked < FRESH;
  }

  /** In milliseconds since 1970. Not before `compare` has succeeded. */
  now(): number {
    return this.#loop.time() * 1_000 + (this.#offset ?? 0);
  }
}
