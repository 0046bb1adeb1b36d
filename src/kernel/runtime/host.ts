import {
  afterMicrotasks,
  askForTurn,
  globals,
  hasFakeTimers,
  isMainThread,
  listenToInterrupts,
  listenToSignal,
  type TimerId,
  whenNothingElseIsLeft,
} from './platform.ts';

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
  /**
   * Asks for one call of `turn` at a time, in seconds of `time()`, instead of the time asked for before; with `null`
   * for none.
   */
  at(when: number | null, turn: () => void): void;
  /** A loop begins to run: the program must not end before it does. */
  ref(): void;
  /** A loop does not run any more: the call that ends a `ref()`. */
  unref(): void;
  /**
   * Asks for one call of `turn` after pending I/O and timers of other code were handled. Without it, `soon` is used.
   */
  afterIO?(turn: () => void): void;
  /** Calls `listener` on each Ctrl-C, until the returned function is called; returns `null` when it cannot. */
  onInterrupt?(listener: () => void): (() => void) | null;
  /**
   * Calls `listener` on each signal of a name (`SIGTERM`), until the returned function is called; returns `null` when
   * there are no signals here. Throws when the signal cannot be handled. `mayWake` is `false` for a listener that only
   * ends a run or writes a report: such a listener does not keep a run that has nothing else left from being reported
   * as one that cannot end.
   */
  onSignal?(signal: string, listener: () => void, mayWake?: boolean): (() => void) | null;
}

/** In milliseconds. Node waits only 1 ms when asked for more than this, so a longer wait is made of several timers. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** In milliseconds: the interval of the timer that keeps the process alive while a loop runs. */
const KEEP_ALIVE_INTERVAL = 2 ** 30;

/**
 * The same in the main thread of a process, where that timer also checks whether anything is left that could end the
 * run.
 */
const IDLE_INTERVAL = 2_000;

/** What the host asks a loop that runs, to detect a run that cannot end. @internal */
export interface Idler {
  /** Whether nothing is ready to run, tasks wait, and a run that cannot end is to be reported. */
  isAtRest(): boolean;
  /** Called when nothing but this loop keeps the process alive. */
  stuck(): void;
}

/**
 * The host of the runtime itself: Node, Bun, Deno, browsers, workers. A turn that is asked for by `soon` is a
 * microtask, so that the loop runs what an I/O callback has made ready before the next I/O callback. In browsers it is
 * a macrotask (see `askForTurn`).
 */
export class RuntimeHost implements Host {
  readonly resolution: number = 1e-6;
  readonly #performance = globals().performance ?? Date;
  #timer: TimerId | null = null;
  /** When the timer fires, in seconds. */
  #due = 0;
  /** When a turn is wanted, in seconds; `null` for at no time. */
  #wanted: number | null = null;
  #turn: (() => void) | null = null;
  #keepAlive: TimerId | null = null;
  #running = 0;
  #stopProbe: (() => void) | null = null;
  /** @internal */
  _idler: Idler | null = null;

  time(): number {
    return this.#performance.now() / 1_000;
  }

  soon(turn: () => void): void {
    askForTurn(turn);
  }

  /**
   * A timer that fires early enough is kept, because setting and clearing a timer costs more than all other work of a
   * timeout that does not pass. If it fires too early, it is set again.
   */
  at(when: number | null, turn: () => void): void {
    const wanted = when === null || when === Number.POSITIVE_INFINITY ? null : when;
    this.#wanted = wanted;
    this.#turn = turn;
    if (wanted === null) {
      // While a loop runs, the process is kept alive anyway.
      if (this.#running === 0) this.#clear();
    } else if (this.#timer === null || this.#due > wanted) {
      this.#clear();
      this.#set(wanted);
    }
  }

  #set(when: number): void {
    const { setTimeout } = globals();
    if (setTimeout === undefined) return;
    this.#due = when;
    const milliseconds = Math.ceil((when - this.time()) * 1_000);
    this.#timer = setTimeout(
      this.#fired,
      milliseconds > LONGEST_TIMEOUT ? LONGEST_TIMEOUT : milliseconds < 0 ? 0 : milliseconds,
    );
  }

  #clear(): void {
    if (this.#timer !== null) globals().clearTimeout?.(this.#timer);
    this.#timer = null;
  }

  readonly #fired = (): void => {
    this.#timer = null;
    const wanted = this.#wanted;
    if (wanted === null) return;
    if (wanted > this.time() + this.resolution) {
      this.#set(wanted);
      return;
    }
    this.#wanted = null;
    this.#turn?.();
  };

  afterIO(turn: () => void): void {
    afterMicrotasks(turn);
  }

  ref(): void {
    if (this.#running++ > 0) return;
    // Only a process can tell that nothing else keeps it alive (`beforeExit`).
    const isTold = globals().process?.listenerCount && isMainThread() && !hasFakeTimers();
    const interval = isTold ? IDLE_INTERVAL : KEEP_ALIVE_INTERVAL;
    this.#keepAlive = globals().setInterval?.(this.#lookAround, interval) ?? null;
  }

  unref(): void {
    if (--this.#running > 0) return;
    if (this.#wanted === null) this.#clear();
    this.#endProbe();
    if (this.#keepAlive === null) return;
    globals().clearInterval?.(this.#keepAlive);
    this.#keepAlive = null;
  }

  /** Called at intervals. When the loop has become busy since the last call, the check begins again. */
  readonly #lookAround = (): void => {
    const isAtRest = this.#wanted === null && this._idler?.isAtRest() === true;
    if (!isAtRest) this.#endProbe();
    else if (this.#stopProbe === null) this.#stopProbe = whenNothingElseIsLeft(this.#keepAlive!, this.#nothingIsLeft);
  };

  readonly #nothingIsLeft = (): void => {
    this.#stopProbe = null;
    if (this._idler?.isAtRest() === true) this._idler.stuck();
  };

  #endProbe(): void {
    this.#stopProbe?.();
    this.#stopProbe = null;
  }

  onInterrupt(listener: () => void): (() => void) | null {
    return listenToInterrupts(listener);
  }

  onSignal(signal: string, listener: () => void, mayWake?: boolean): (() => void) | null {
    return listenToSignal(signal, listener, mayWake);
  }
}
