import type { Host } from 'asyncio-ts';
import type { Speed } from './messages.ts';

/** Something that is due at a time of the clock. */
interface Entry {
  readonly when: number;
  readonly order: number;
  run(): void;
}

/** What the outside world gives the clock: real time, and a turn when nothing of the program is left to run. */
export interface Surroundings {
  /** Calls a function once, so many real milliseconds later; returns what takes that back. */
  later(callback: () => void, milliseconds: number): () => void;
  /** Calls a function when all microtasks have run. */
  afterMicrotasks(callback: () => void): void;
  /** Is told each time the clock has moved or stopped: the time, and when something is due next. */
  moved(now: number, next: number | null): void;
}

/**
 * One virtual clock for all that a program of the playground waits for: the loops of the library and the timers of JavaScript. It stands
 * still while the program computes, goes from one due time to the next at a given speed, and can be paused and moved by single steps. So a
 * program does the same each time, however slowly one looks at it.
 */
export class PacedClock {
  readonly #world: Surroundings;
  readonly #entries = new Set<Entry>();
  #now = 0;
  #order = 0;
  #speed: Speed;
  #paused: boolean;
  /** Steps that were asked for while the clock is paused. */
  #steps = 0;
  #turnsAsked = 0;
  #resting = false;
  #takeBack: (() => void) | null = null;

  constructor(world: Surroundings, options: { readonly speed: Speed; readonly paused: boolean }) {
    this.#world = world;
    this.#speed = options.speed;
    this.#paused = options.paused;
  }

  /** Seconds since the program began. */
  get now(): number {
    return this.#now;
  }

  /** Calls a function at a time of this clock. */
  at(when: number, run: () => void): () => void {
    const entry = { when, order: this.#order++, run };
    this.#entries.add(entry);
    this.#look();
    return () => {
      this.#entries.delete(entry);
      this.#look();
    };
  }

  /** Calls a function as soon as possible; no time passes before. */
  soon(run: () => void): void {
    this.#turnsAsked++;
    this.#world.afterMicrotasks(() => {
      this.#turnsAsked--;
      run();
    });
  }

  set speed(speed: Speed) {
    this.#speed = speed;
    this.#restart();
  }

  pause(): void {
    this.#paused = true;
    this.#restart();
  }

  resume(): void {
    this.#paused = false;
    this.#restart();
  }

  /** While paused: goes to the next due time. */
  step(): void {
    this.#steps++;
    this.#restart();
  }

  #restart(): void {
    this.#takeBack?.();
    this.#takeBack = null;
    this.#look();
  }

  /** Looks what is due next, once the promises of the program have settled. */
  #look(): void {
    if (this.#resting) return;
    this.#resting = true;
    this.#world.afterMicrotasks(() => {
      this.#resting = false;
      if (this.#turnsAsked > 0) this.#look();
      else this.#plan();
    });
  }

  #plan(): void {
    this.#takeBack?.();
    this.#takeBack = null;
    const next = this.#next();
    this.#world.moved(this.#now, next?.when ?? null);
    if (next === null) return;
    const wait = Math.max(0, next.when - this.#now);
    if (wait === 0 && !this.#paused) {
      this.#jump(next);
    } else if (this.#paused) {
      if (this.#steps === 0) return;
      this.#steps--;
      this.#jump(next);
    } else {
      const milliseconds = this.#speed === Number.POSITIVE_INFINITY ? 0 : (wait / this.#speed) * 1_000;
      this.#takeBack = this.#world.later(() => this.#jump(next), milliseconds);
    }
  }

  #next(): Entry | null {
    let next: Entry | null = null;
    for (const entry of this.#entries) {
      if (next === null || entry.when < next.when || (entry.when === next.when && entry.order < next.order))
        next = entry;
    }
    return next;
  }

  #jump(entry: Entry): void {
    this.#takeBack = null;
    this.#entries.delete(entry);
    this.#now = Math.max(this.#now, entry.when);
    try {
      entry.run();
    } finally {
      this.#look(); // an error of a callback does not stop the clock
    }
  }
}

/** A host whose clock is paced, for all loops of a program. */
export class PacedHost implements Host {
  readonly resolution: number = 1e-9;
  readonly #clock: PacedClock;
  readonly #wishes = new Map<() => void, () => void>();

  constructor(clock: PacedClock) {
    this.#clock = clock;
  }

  time(): number {
    return this.#clock.now;
  }

  soon(turn: () => void): void {
    this.#clock.soon(turn);
  }

  at(when: number | null, turn: () => void): void {
    this.#wishes.get(turn)?.();
    this.#wishes.delete(turn);
    if (when === null || when === Number.POSITIVE_INFINITY) return;
    const takeBack = this.#clock.at(when, () => {
      this.#wishes.delete(turn);
      turn();
    });
    this.#wishes.set(turn, takeBack);
  }

  ref(): void {}

  unref(): void {}
}

/** The timers of JavaScript on a paced clock. */
export function timersOf(clock: PacedClock): {
  setTimeout(callback: (...args: unknown[]) => void, milliseconds?: number, ...args: unknown[]): number;
  setInterval(callback: (...args: unknown[]) => void, milliseconds?: number, ...args: unknown[]): number;
  clearTimeout(id: number | undefined): void;
} {
  const timers = new Map<number, () => void>();
  let last = 0;
  const seconds = (milliseconds = 0) => Math.max(0, Number(milliseconds) || 0) / 1_000;
  return {
    setTimeout(callback, milliseconds, ...args) {
      const id = ++last;
      const fire = () => {
        timers.delete(id);
        callback(...args);
      };
      timers.set(id, clock.at(clock.now + seconds(milliseconds), fire));
      return id;
    },
    setInterval(callback, milliseconds, ...args) {
      const id = ++last;
      const between = Math.max(0.001, seconds(milliseconds));
      const fire = () => {
        timers.set(id, clock.at(clock.now + between, fire));
        callback(...args);
      };
      timers.set(id, clock.at(clock.now + between, fire));
      return id;
    },
    clearTimeout(id) {
      if (id === undefined) return;
      timers.get(id)?.();
      timers.delete(id);
    },
  };
}
