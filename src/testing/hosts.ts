import { afterMicrotasks, askForTurn, type Host } from '../kernel/lowlevel.ts';

/**
 * A host that does nothing by itself: its clock stands still until it is set, and its loop is driven with `runOnce()`.
 *
 * @example
 * const host = new ManualHost();
 * const loop = newEventLoop({ host });
 * loop.callLater(5, console.log, 'five seconds later');
 * host.advance(5);
 * loop.runOnce();
 */
export class ManualHost implements Host {
  readonly resolution: number = 1e-9;
  #now: number;
  /** Whether the loop wants a turn as soon as possible. */
  wantsTurn = false;
  /** The time at which the loop wants a turn, `null` when it wants none. */
  wantedAt: number | null = null;

  /** @param now the time to begin with, in seconds */
  constructor(now = 0) {
    this.#now = now;
  }

  time(): number {
    return this.#now;
  }

  /** Moves the clock forward, by seconds. */
  advance(seconds: number): void {
    this.#now += seconds;
  }

  soon(): void {
    this.wantsTurn = true;
  }

  at(when: number | null): void {
    this.wantedAt = when;
  }

  ref(): void {}

  unref(): void {}
}

/**
 * A host whose time is simulated: whenever there is nothing to run, the clock jumps to the next timer. A program that sleeps
 * for an hour takes a millisecond, and runs the same each time.
 *
 * @example
 * const host = new VirtualHost();
 * await run(() => sleep(3600), { loopFactory: () => newEventLoop({ host }) });
 * host.time(); // 3600
 */
export class VirtualHost implements Host {
  readonly resolution: number = 1e-9;
  #now: number;
  /** When each loop wants its turn. */
  readonly #wishes = new Map<() => void, number>();
  #waiting = false;
  #turnsAsked = 0;

  /** @param now the time to begin with, in seconds */
  constructor(now = 0) {
    this.#now = now;
  }

  time(): number {
    return this.#now;
  }

  soon(turn: () => void): void {
    this.#turnsAsked++;
    askForTurn(() => {
      this.#turnsAsked--;
      turn();
    });
  }

  at(when: number | null, turn: () => void): void {
    // The clock does not jump to an infinite time.
    if (when === null || when === Number.POSITIVE_INFINITY) this.#wishes.delete(turn);
    else this.#wishes.set(turn, when);
    this.#waitForRest();
  }

  /** Promises of the program settle first: time passes only when nothing is left to run. */
  #waitForRest(): void {
    if (this.#waiting || this.#wishes.size === 0) return;
    this.#waiting = true;
    afterMicrotasks(() => {
      this.#waiting = false;
      if (this.#turnsAsked > 0) this.#waitForRest();
      else this.#jump();
    });
  }

  #jump(): void {
    const [next] = [...this.#wishes].sort(([, a], [, b]) => a - b);
    if (next === undefined) return;
    const [turn, when] = next;
    this.#wishes.delete(turn);
    this.#now = Math.max(this.#now, when);
    turn();
    this.#waitForRest();
  }

  ref(): void {}

  unref(): void {}
}
