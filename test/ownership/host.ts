import { AsyncLocalStorage } from 'node:async_hooks';
import { clearImmediate, setImmediate } from 'node:timers';
import type { Host } from 'asyncio-ts';
import type { Ticks } from './program.ts';

/** So many turns of the runtime without anything to do mean that all promises have settled that will at this time. */
const QUIET_TURNS = 8;
/** A program that asks for more turns than this at one time goes round in circles. */
const MAX_TURNS = 20_000;

interface Event {
  readonly at: Ticks;
  readonly number: number;
  readonly call: () => void;
}

/**
 * The clock of a program: it stands still until nothing is left to run, and then goes to the next event, which is a turn that the
 * loop has asked for, a promise that is not of the library, or a callback of the runtime.
 */
export class SimulatedHost implements Host {
  readonly resolution: number = 1e-9;
  now: Ticks = 0;
  #soon: (() => void) | null = null;
  #wish: { readonly at: number; readonly turn: () => void } | null = null;
  #events: Event[] = [];
  #made = 0;
  #isActive = false;

  time(): number {
    return this.now / 1_024;
  }

  soon(turn: () => void): void {
    this.#soon = turn;
  }

  at(when: number | null, turn: () => void): void {
    this.#wish = when === null || when === Number.POSITIVE_INFINITY ? null : { at: when * 1_024, turn };
  }

  ref(): void {}

  unref(): void {}

  /** Something has happened: what comes of it may need more turns. */
  noteActivity(): void {
    this.#isActive = true;
  }

  /** Calls a function at a given time, as code that belongs to no task. */
  call(at: Ticks, call: () => void): void {
    this.#events.push({ at, number: this.#made++, call });
    this.#events.sort((a, b) => a.at - b.at || a.number - b.number);
  }

  /** Has the runtime call a function after a time: what `setTimeout` is for a program. */
  timer(ticks: Ticks, callback: () => void): void {
    // The callback has the async context of this call, and the runtime calls it, which is how the library knows it.
    const here = AsyncLocalStorage.snapshot();
    this.call(this.now + ticks, () => here(() => setImmediate(callback)));
  }

  /** Runs until there is nothing left to do. */
  drive(): Promise<void> {
    return new Promise((resolve) => {
      let quiet = 0;
      let turns = 0;
      const tick = (): void => {
        const next = setImmediate(tick); // now, so that an error that comes out of a turn does not end the run
        if (this.#isActive) quiet = 0;
        this.#isActive = false;
        if (this.#soon !== null) {
          const turn = this.#soon;
          this.#soon = null;
          quiet = 0;
          if (++turns > MAX_TURNS) {
            clearImmediate(next);
            resolve();
            return;
          }
          turn();
        } else if (quiet < QUIET_TURNS) {
          quiet++;
        } else if (this.#advance()) {
          quiet = 0;
          turns = 0;
        } else {
          clearImmediate(next);
          resolve();
        }
      };
      setImmediate(tick);
    });
  }

  #advance(): boolean {
    const event = this.#events[0];
    const wish = this.#wish;
    if (wish !== null && (event === undefined || wish.at <= event.at)) {
      this.#wish = null;
      this.now = Math.max(this.now, wish.at);
      wish.turn();
      return true;
    }
    if (event === undefined) return false;
    this.#events.shift();
    this.now = event.at;
    event.call();
    return true;
  }
}
