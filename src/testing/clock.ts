import { RuntimeError, ValueError } from '../errors/index.ts';
import { addInstrument, type EventLoop, newEventLoop, sleep } from '../index.ts';
import { type Duration, inSeconds } from '../internal/duration.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { checkOptions } from '../internal/options.ts';
import { checkSeconds, checkWholeNumber } from '../internal/whole-number.ts';
import {
  type Awaitable,
  type AwaitableCoroutine,
  type AwaitableLike,
  askForTurn,
  cancelLeft,
  type Host,
  leftIn,
  lendThread,
  libraryCoroutine,
  mainCoroutine,
  noteWait,
  reportFailuresOf,
  runningLoop,
  type Task,
  type TaskOptions,
  wrapPromise,
} from '../kernel/lowlevel.ts';
import { quiet } from './simulation/quiet.ts';
import { MAX_STEPS, type Simulation } from './simulation/simulation.ts';
import { livelock } from './simulation/standstill.ts';

/** A clock that a test moves. */
export interface TestClock {
  /** The present time, in seconds. */
  time(): number;
  /**
   * Moves the clock forward, from timer to timer: what is due runs at its time, with all that follows from it, and so does what is due at
   * the end.
   *
   * @param duration how far, in seconds or named units
   */
  advance(duration: Duration): Awaitable<void>;
  /** Lets everything run that is ready, until nothing is left to do at the present time. */
  settle(): Awaitable<void>;
}

/** So many turns of the runtime without anything to do mean that all promises have settled that will at this time. */
const QUIET_TURNS = 3;

/**
 * A clock that stands still until a test moves it, for tests that step through time by hand. Time never passes by itself; what is ready
 * runs as it always does.
 *
 * It has a loop of its own, in which `start` runs functions as tasks: the test itself needs no loop. It can also be the host of a loop that
 * the test drives: `newEventLoop({ host: clock })`. Tasks move it in the same way, in both spellings.
 *
 * @example
 * await using clock = new VirtualClock();
 * const task = clock.start(async () => {
 *   await sleep(0.5);
 *   return 'done';
 * });
 * await clock.advance(0.3);
 * task.done(); // false
 * await clock.advance(0.2);
 * task.result(); // 'done'
 */
export class VirtualClock implements Host, TestClock, AsyncDisposable {
  static {
    inspectAsText(VirtualClock.prototype);
  }

  readonly resolution: number = 1e-9;
  #now: number;
  /** When each loop wants its turn. */
  readonly #wishes = new Map<() => void, number>();
  /** Turns that were asked for and have not begun. */
  #asked = 0;
  #isMoving = false;
  #own: { readonly loop: EventLoop; running: Promise<unknown>; giveThreadBack(): void } | null = null;
  #isClosed = false;

  readonly #maxSteps: number;
  /** Turns since the clock was moved last. */
  #steps = 0;

  /**
   * @param now the time to begin with, in seconds
   * @param options `maxSteps`: so many iterations of the loop without any time passing are a livelock; a million when absent
   * @throws {TypeError} when an option is unknown, or no number
   * @throws {ValueError} when `now` is negative or not finite, or `maxSteps` is not a whole number of at least 1
   */
  constructor(now = 0, options: { readonly maxSteps?: number | undefined } = {}) {
    checkOptions('new VirtualClock', options, ['maxSteps']);
    const { maxSteps = MAX_STEPS } = options;
    this.#maxSteps = checkWholeNumber('new VirtualClock: maxSteps', maxSteps, { least: 1, orInfinity: true });
    checkSeconds('new VirtualClock: now', now);
    if (now === Number.POSITIVE_INFINITY) throw new ValueError('new VirtualClock: now must be finite, got Infinity');
    this.#now = now;
  }

  time(): number {
    return this.#now;
  }

  /** When the next timer is due, in seconds of this clock; `null` when there is none. */
  get nextAt(): number | null {
    return this.#wishes.size === 0 ? null : Math.min(...this.#wishes.values());
  }

  /**
   * The clock's own loop, which is made on first use and runs until the clock is closed. Until then it is also the thread's loop: futures that
   * the test makes belong to it.
   *
   * @throws {RuntimeError} when the clock is closed, and in a running loop
   */
  get loop(): EventLoop {
    if (this.#own === null) {
      if (this.#isClosed) throw new RuntimeError(`${this}: it has no loop any more; make a new VirtualClock`);
      if (runningLoop() !== null) {
        throw new RuntimeError(
          `${this}: its own loop cannot run inside another one; use it outside, or give it to the loop: newEventLoop({ host: clock })`,
          { code: 'LOOP_RUNNING' },
        );
      }
      const loop = newEventLoop({ host: this, unretrievedAfter: null });
      this.#own = { loop, running: loop.runForever(), giveThreadBack: lendThread(loop) };
    }
    return this.#own.loop;
  }

  /**
   * Runs a function as a task of the clock's own loop. It begins when the test next awaits something.
   *
   * @param main an async function, a generator function, or an awaitable
   * @returns the task, which the test may await like a promise
   * @throws {RuntimeError} when the clock is closed, and in a running loop that is not the clock's own
   */
  start<T>(main: AwaitableLike<T>, options?: TaskOptions): Task<T> {
    const { loop } = this;
    return loop.createTask<T>(mainCoroutine(main, loop, 'clock.start'), options);
  }

  /**
   * Moves the clock forward, from timer to timer: what is due runs at its time, with all that follows from it, before the clock goes on; and so
   * does what is due at the end.
   *
   * **Cancellation**: the clock stops where it is.
   *
   * @param duration how far, in seconds or named units; 0 runs what is due now
   * @throws {ValueError} at once, when it is negative, infinite or `NaN`
   * @throws {RuntimeError} at once, when the clock is being moved already
   * @throws {LivelockError} (as a rejection) when the program runs on and on without any time passing
   */
  advance(duration: Duration): Awaitable<void> {
    const seconds = inSeconds(duration, 'duration');
    if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) {
      throw new ValueError(`advance: a clock moves forward by a finite time, got ${seconds}`);
    }
    // Sums of decimal fractions are not exact: 0.1 + 0.2 must reach a timer that was set to 0.3.
    const target = this.#now + seconds;
    return this.#move('advance', async (isCancelled) => {
      await this.#settleNow();
      while (!isCancelled()) {
        const next = this.nextAt;
        if (next === null || next > target + this.resolution) break;
        this.#now = Math.max(this.#now, next);
        await this.#settleNow(); // which gives the turns that are due now
      }
      if (!isCancelled()) this.#now = Math.max(this.#now, target);
    });
  }

  /**
   * Lets everything run that is ready, until nothing is left to do at the present time. Promises that are not of this library are waited for as
   * far as they settle by themselves; what needs the system, such as a file, may not have ended.
   *
   * **Cancellation**: ends the wait.
   *
   * @throws {RuntimeError} at once, when the clock is being moved already
   * @throws {LivelockError} (as a rejection) when the program runs on and on
   */
  settle(): Awaitable<void> {
    return this.#move('settle', () => this.#settleNow());
  }

  #move(operation: string, move: (isCancelled: () => boolean) => Promise<void>): Awaitable<void> {
    if (this.#isMoving) {
      throw new RuntimeError(`${operation}: ${this} is being moved already; write await clock.advance(…)`, {
        code: 'CLOCK_BUSY',
      });
    }
    this.#isMoving = true;
    let isCancelled = false;
    const moved = move(() => isCancelled).finally(() => {
      this.#isMoving = false;
    });
    if (runningLoop() === null) return Object.assign(moved, { [Symbol.iterator]: outsideAnyLoop });
    const onCancel = (): void => {
      isCancelled = true;
      this.#isMoving = false;
    };
    const wait = wrapPromise(moved, { onCancel });
    noteWait(wait, { operation, object: this, isExternal: true });
    return wait;
  }

  /** Loops whose time has come get their turn. */
  #giveTurns(): void {
    for (const [turn, when] of [...this.#wishes]) {
      if (when > this.#now + this.resolution) continue;
      this.#wishes.delete(turn);
      turn();
    }
  }

  async #settleNow(): Promise<void> {
    if (!(await this.#becomeQuiet())) throw livelock(this.#maxSteps, this.#own?.loop ?? null);
  }

  /** Whether nothing is left to run; false when there is something again and again. Whoever waits for it keeps all timers of the process waiting. */
  async #becomeQuiet(ownLoop: EventLoop | null = this.#own?.loop ?? null): Promise<boolean> {
    this.#steps = 0;
    // While this clock stands still, a turn of a loop has no end as long as something is ready: only stopping the loop ends it.
    const iterationBegin = (loop: unknown): void => {
      if (ownLoop !== null && loop === ownLoop && ++this.#steps > this.#maxSteps) ownLoop.stop();
    };
    const removeInstrument = addInstrument({ iterationBegin });
    try {
      return await this.#waitUntilQuiet();
    } finally {
      removeInstrument();
    }
  }

  async #waitUntilQuiet(): Promise<boolean> {
    for (let turn = 0; turn < QUIET_TURNS; turn++) {
      await quiet(1);
      if (this.#asked > 0 || (this.nextAt ?? Number.POSITIVE_INFINITY) <= this.#now) turn = -1;
      this.#giveTurns();
      if (this.#steps > this.#maxSteps) return false;
    }
    return true;
  }

  /**
   * Ends the clock's own loop: cancels the tasks that are left, and lets them clean up as far as that takes no time. Errors that nobody has
   * looked at are reported.
   *
   * @throws {RuntimeError} (as a rejection) when tasks are left that do not end without time passing
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    const own = this.#own;
    if (own === null) return;
    this.#own = null;
    const { loop } = own;
    if (!loop.isRunning()) own.running = loop.runForever(); // it was stopped because it ran on and on
    cancelLeft(loop, 'the end of its clock');
    await this.#becomeQuiet(loop);
    const names = leftIn(loop).tasks.map((task) => task.getName());
    reportFailuresOf(loop);
    if (loop.isRunning()) loop.stop();
    await own.running;
    own.giveThreadBack();
    loop.close();
    if (names.length > 0) {
      throw new RuntimeError(
        `${this}: ${names.join(', ')} did not end when cancelled; advance() the clock before it is closed if the clean-up takes time`,
      );
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // What a loop asks of its host.

  soon(turn: () => void): void {
    this.#asked++;
    this.#steps++;
    askForTurn(() => {
      this.#asked--;
      turn();
    });
  }

  at(when: number | null, turn: () => void): void {
    if (when === null || when === Number.POSITIVE_INFINITY) this.#wishes.delete(turn);
    else this.#wishes.set(turn, when);
  }

  ref(): void {}

  unref(): void {}

  toString(): string {
    const next = this.nextAt;
    return `<VirtualClock ${this.#now}${next === null ? '' : ` next=${next}`}>`;
  }
}

function outsideAnyLoop(): never {
  throw new RuntimeError('yield* needs a task: outside a loop write await clock.advance(…)', { code: 'NO_TASK' });
}

/** The clock of a simulation, for its tasks: it moves by itself as well, when all tasks wait for a time. */
export class SimulatedClock implements TestClock {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  time(): number {
    return this.#simulation.loop.time();
  }

  advance(duration: Duration): AwaitableCoroutine<void> {
    return advanceIn(this.#simulation, duration) as AwaitableCoroutine<void>;
  }

  settle(): Awaitable<void> {
    return this.#simulation.whenQuiet();
  }
}

const advanceIn = /* @__PURE__ */ libraryCoroutine(function* advance(
  simulation: Simulation,
  duration: Duration,
): Generator<unknown, void, unknown> {
  yield* sleep(duration);
  yield* simulation.whenQuiet();
});
