import { afterMicrotasks, askForTurn, globals, listenToInterrupts, listenToSignal, type TimerId } from './platform.ts';

/**
 * The services that an event loop needs: a clock and wake-ups. Give one to `newEventLoop({ host })` to drive a loop by
 * hand or by a clock of your own.
 *
 * @example
 * class ManualHost implements Host {
 *   now = 0;
 *   readonly resolution = 1e-9;
 *   time() { return this.now; }
 *   soon(turn: () => void) {}
 *   at(when: number | null, turn: () => void) {}
 *   ref() {}
 *   unref() {}
 * }
 * const loop = newEventLoop({ host: new ManualHost() });
 * loop.callSoon(console.log, 'ran');
 * loop.runOnce();
 */
export interface Host {
  /** The present time in seconds, from a clock that never goes back. */
  time(): number;
  /** The clock's step in seconds: a timer runs when it is due within it. */
  readonly resolution: number;
  /** Asks for one call of `turn` as soon as possible. */
  soon(turn: () => void): void;
  /** Asks for one call of `turn` at a time of `time()`, instead of the time asked for before; `null` takes the wish back. */
  at(when: number | null, turn: () => void): void;
  /** A loop begins to run: the program must not end before it does. */
  ref(): void;
  /** A loop has ended to run. */
  unref(): void;
  /** Asks for one call of `turn` after I/O and timers of others had theirs. Without it, `soon` is used. */
  afterIO?(turn: () => void): void;
  /** Calls `listener` on each Ctrl-C until the function that it returns is called; `null` when it cannot. */
  onInterrupt?(listener: () => void): (() => void) | null;
  /**
   * Calls `listener` on each signal of a name (`SIGTERM`) until the function that it returns is called; `null` when there are no
   * signals here. Throws for those that cannot be handled.
   */
  onSignal?(signal: string, listener: () => void): (() => void) | null;
}

/** Node waits 1 ms when asked for more than this; a longer wait is made of several. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Keeps a process alive by a timer that does nothing, for as long as a loop runs without one of its own. */
const KEEP_ALIVE_INTERVAL = 2 ** 30;

/**
 * The host of the runtime itself: Node, Bun, Deno, browsers, workers. A turn soon is a microtask, so that the effects of
 * an I/O callback are seen before the next one.
 */
export class RuntimeHost implements Host {
  readonly resolution: number = 1e-6;
  readonly #performance = globals().performance ?? Date;
  #timer: TimerId | null = null;
  #keepAlive: TimerId | null = null;
  #running = 0;

  time(): number {
    return this.#performance.now() / 1_000;
  }

  soon(turn: () => void): void {
    askForTurn(turn);
  }

  at(when: number | null, turn: () => void): void {
    const { setTimeout, clearTimeout } = globals();
    if (this.#timer !== null) clearTimeout?.(this.#timer);
    this.#timer = null;
    if (when === null || when === Number.POSITIVE_INFINITY || setTimeout === undefined) return;
    const milliseconds = Math.ceil((when - this.time()) * 1_000);
    this.#timer = setTimeout(
      turn,
      milliseconds > LONGEST_TIMEOUT ? LONGEST_TIMEOUT : milliseconds < 0 ? 0 : milliseconds,
    );
  }

  afterIO(turn: () => void): void {
    afterMicrotasks(turn);
  }

  ref(): void {
    if (this.#running++ === 0) this.#keepAlive = globals().setInterval?.(() => {}, KEEP_ALIVE_INTERVAL) ?? null;
  }

  unref(): void {
    if (--this.#running > 0 || this.#keepAlive === null) return;
    globals().clearInterval?.(this.#keepAlive);
    this.#keepAlive = null;
  }

  onInterrupt(listener: () => void): (() => void) | null {
    return listenToInterrupts(listener);
  }

  onSignal(signal: string, listener: () => void): (() => void) | null {
    return listenToSignal(signal, listener);
  }
}
