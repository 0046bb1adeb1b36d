import { RuntimeError } from '../errors/errors.ts';
import { areAllRegistered } from './async-step.ts';
import { Clock } from './clock.ts';
import { current, runningLoop } from './current.ts';
import { afterMicrotasks, type Host, logger, newAsyncScope, RuntimeHost, throwUncaught } from './host.ts';
import { choose, emit, hooks } from './instruments.ts';
import { ReadyQueue, type Runnable } from './ready-queue.ts';
import type { Task } from './task.ts';
import { type Timer, TimerQueue } from './timer-queue.ts';
import { TurnBudget } from './turn-budget.ts';

const RESOLVED = /* @__PURE__ */ Promise.resolve();

/**
 * Where an iteration stands.
 *
 * | phase   | meaning                                                        | left by                      |
 * |---------|----------------------------------------------------------------|------------------------------|
 * | IDLE    | no iteration under way                                         | `runOnce`, a turn            |
 * | RUNNING | a handle is on the stack                                       | the handle's return          |
 * | PAUSED  | the step of an async function is open, the rest of the batch waits for it | the step's end, the watch |
 * | SPLIT   | the turn took too long, the rest of the batch waits for the host's I/O    | the next turn     |
 *
 *     IDLE ──begin──▶ RUNNING ──batch over──▶ IDLE
 *                     ▲  │  ▲│
 *             closed  │  │  │└─over budget──▶ SPLIT ──next turn──▶ RUNNING
 *                     │  │  └───
 *                   PAUSED◀─ step open
 */
const IDLE = 0;
const RUNNING = 1;
const PAUSED = 2;
const SPLIT = 3;
type Phase = typeof IDLE | typeof RUNNING | typeof PAUSED | typeof SPLIT;

/** Stands for the code outside any task in place of the task whose step is open. */
const OUTSIDE: unique symbol = /* @__PURE__ */ Symbol('outside');

interface Run {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How a scheduler comes by its turns. */
export interface SchedulerOptions {
  /** The runtime services; the runtime's own when absent. */
  readonly host?: Host;
}

/**
 * Runs what is ready: the turns and iterations of an event loop. It knows nothing of futures and tasks, except that the
 * step of a task may stay open after its handle has returned.
 *
 * A *turn* is what the host gives; it runs *iterations* until nothing is ready. An iteration is CPython's `_run_once`:
 * timers that are due join the ready queue, then exactly the handles that are in it now are run.
 */
export abstract class Scheduler {
  /** @internal */
  readonly _ready = new ReadyQueue();
  /** @internal */
  readonly _timers = new TimerQueue();
  /** The task whose step is open on this loop. @internal */
  _open: Task<unknown> | typeof OUTSIDE | null = null;
  /** Whether the loop turns whenever it has work, not only while it is run. @internal */
  _hosted = false;
  /** @internal */
  _debug = false;
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #budget: TurnBudget;
  /** A loop with a host of its own tells it its wishes also while it is not run: somebody drives it by hand. */
  readonly #driven: boolean;
  /** The async context that the loop was made in: handles run in it, so that they never see what some task has set. */
  readonly #scope = newAsyncScope();
  #phase: Phase = IDLE;
  /** How many handles of the iteration under way have yet to run. Invariant: 0 while IDLE. */
  #todo = 0;
  /** Whether the iteration under way is the only one to run (`runOnce`). */
  #single = false;
  #run: Run | null = null;
  #stopping = false;
  #closed = false;
  /** The open step is over, and the microtask that continues the batch is queued. */
  #closing = false;
  #watching = false;
  #soonAsked = false;
  /** The time that the host was last asked for; `undefined` when the wish may have been used up. */
  #atAsked: number | null | undefined = null;
  /** When the present handle or step began; in debug mode only. */
  #stepBegan = 0;
  /** Seconds; in debug mode a callback or step that takes longer is reported. */
  slowCallbackDuration = 0.1;

  constructor({ host }: SchedulerOptions = {}) {
    this.#host = host ?? new RuntimeHost();
    this.#driven = host !== undefined;
    this.#clock = new Clock(this.#host);
    this.#budget = new TurnBudget(this.#host);
  }

  /**
   * The loop's clock: seconds since some fixed moment, never going back.
   *
   * @throws {ValueError} when the host's clock does not give a number
   */
  time(): number {
    return this.#clock.now();
  }

  /** Whether the loop is being run, or one of its handles or steps is. */
  isRunning(): boolean {
    return this.#run !== null || this.#phase !== IDLE;
  }

  /** Whether `close()` was called. */
  isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Runs until `stop()` is called.
   *
   * Follows CPython's `loop.run_forever`, but returns a promise, because JavaScript cannot block.
   *
   * @returns a promise that fulfils when the loop has stopped, and rejects with a `KeyboardInterrupt` or `SystemExit`
   * that a callback threw, and with a `RuntimeError` when the loop is closed or is running, or when another loop runs the
   * caller
   */
  async runForever(): Promise<void> {
    this._checkClosed();
    this._checkCanRun();
    this.#host.ref();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#run = { resolve, reject };
        this.#request();
      });
    } finally {
      this.#host.unref();
    }
  }

  /** @internal */
  _checkCanRun(): void {
    if (this.isRunning()) throw new RuntimeError('This event loop is already running', { code: 'LOOP_RUNNING' });
    if (runningLoop() !== null) {
      throw new RuntimeError('Cannot run the event loop while another loop is running', { code: 'LOOP_RUNNING' });
    }
  }

  /** @internal */
  _checkClosed(): void {
    if (this.#closed) {
      throw new RuntimeError('Event loop is closed: use a new one (newEventLoop(), or a new run())', {
        code: 'LOOP_CLOSED',
      });
    }
  }

  /** Ends the run after the present iteration, or after one iteration when the loop is run next. */
  stop(): void {
    this.#stopping = true;
    if (this.#phase === IDLE && this.#run !== null) this.#request();
  }

  /**
   * Forgets everything that is scheduled. Nothing can be scheduled afterwards. Closing twice is harmless.
   *
   * @throws {RuntimeError} when the loop is running
   */
  close(): void {
    if (this.isRunning()) throw new RuntimeError('Cannot close a running event loop', { code: 'LOOP_RUNNING' });
    if (this.#closed) return;
    this.#closed = true;
    this._ready.clear();
    this._timers.clear();
    this.#ask(null);
  }

  /**
   * Runs one iteration now: timers that are due, then exactly the handles that were ready when it began. When an async
   * function's step stays open it returns, and the rest of the iteration follows from microtasks; a call before that is over
   * does nothing. It also ends a run that `stop()` asked to end.
   */
  runOnce(): void {
    if (this.#phase !== IDLE) return;
    this._checkClosed();
    this.#single = true;
    this.#soonAsked = false;
    this.#atAsked = undefined;
    this.#iterate();
  }

  /** Lets the loop turn by itself whenever it has work. @internal */
  _host(): void {
    this._hosted = true;
    if (this.#phase === IDLE) this.#request();
  }

  /** Calls a listener on each Ctrl-C, where the host can. @internal */
  _onInterrupt(listener: () => void): (() => void) | null {
    return this.#host.onInterrupt?.(listener) ?? null;
  }

  /** Calls a listener on each signal of a name, where the host can. @internal */
  _onSignal(signal: string, listener: () => void): (() => void) | null {
    return this.#host.onSignal?.(signal, listener) ?? null;
  }

  /** Schedules something for the next iteration. @internal */
  _push(item: Runnable): void {
    this._ready.push(item);
    if (this.#phase === IDLE && !this.#soonAsked) this.#request();
  }

  /** @internal */
  _pushTimer(timer: Timer): void {
    this._timers.push(timer);
    if (this.#phase === IDLE && !this.#soonAsked) this.#request();
  }

  // --------------------------------------------------------------------------------------------------- turns

  readonly #turn = (): void => this.#inScope(this.#runTurn);

  readonly #runTurn = (): void => {
    this.#soonAsked = false;
    if (this.#phase === SPLIT) {
      this.#budget.start();
      this.#iterate();
      return;
    }
    if (this.#phase !== IDLE || this.#closed || (this.#run === null && !this._hosted)) return;
    if (this.#anotherStepIsOpen()) {
      this.#soonAsked = true;
      afterMicrotasks(this.#turn);
      return;
    }
    this.#single = false;
    this.#budget.start();
    this.#iterate();
  };

  readonly #timerTurn = (): void => {
    this.#atAsked = undefined;
    this.#turn();
  };

  /**
   * Where no `AsyncLocalStorage` says whose code runs, the open step has to, so that only one may be open in the thread.
   */
  #anotherStepIsOpen(): boolean {
    return current.storage === null && current.open !== null && this._open !== current.open;
  }

  /** Runs iterations, or the rest of one, as code of this loop. */
  #iterate(): void {
    const { loop, task, context } = current;
    current.loop = this;
    current.task = null;
    current.context = null;
    let isOver: boolean;
    try {
      isOver = this.#runIterations();
    } finally {
      current.loop = loop;
      current.task = task;
      current.context = context;
    }
    if (isOver && !this.#closed) this.#request();
  }

  /** False when an iteration is not over: a step is open, or the turn took too long. */
  #runIterations(): boolean {
    do {
      if (this.#phase === IDLE) this.#begin();
      if (!this.#runBatch()) return false;
      this.#phase = IDLE;
      if (hooks.iterationEnd !== null) emit('iterationEnd', this);
      if (this.#stopping && this.#run !== null) this.#endRun();
    } while (!this.#single && this._ready.length > 0 && !this.#closed && (this.#run !== null || this._hosted));
    return true;
  }

  #begin(): void {
    if (hooks.iterationBegin !== null) emit('iterationBegin', this);
    if (this._timers.length > 0) this.#collectTimers();
    this.#todo = this._ready.length;
  }

  #collectTimers(): void {
    const timers = this._timers;
    timers.prune();
    if (timers.length === 0) return;
    const now = this.time();
    // The clock's step is lost in the rounding when the time is large: then a timer is due at its time.
    const due = Math.max(now + this.#host.resolution, now * (1 + Number.EPSILON));
    if (hooks.choose !== null) {
      this.#collectTimersByChoice(due);
      return;
    }
    while (timers.length > 0 && timers.first()._when < due) {
      this._ready.push(timers.pop());
    }
  }

  /** As above, but whoever explores schedules decides among timers of one deadline. */
  #collectTimersByChoice(due: number): void {
    const timers = this._timers;
    while (timers.length > 0 && timers.first()._when < due) {
      const ties: Timer[] = [];
      const when = timers.first()._when;
      while (timers.length > 0 && timers.first()._when === when) {
        const timer = timers.pop();
        if (!timer._cancelled) ties.push(timer);
      }
      while (ties.length > 0) {
        const choice = ties.length > 1 ? choose('timer tie', ties.length) : 0;
        this._ready.push(ties.splice(choice, 1)[0]!);
      }
    }
  }

  /** Runs the rest of the iteration. False when it is not over. */
  #runBatch(): boolean {
    this.#phase = RUNNING;
    try {
      while (this.#todo > 0) {
        this.#todo--;
        const item = this._ready.shift();
        if (this._debug) this.#runTimed(item);
        else item._run();
        if (this._open !== null) {
          this.#phase = PAUSED;
          return false;
        }
        if (!this.#single && this.#budget.isSpent()) {
          this.#split();
          return false;
        }
      }
    } catch (error) {
      this.#leave(error);
    }
    return true;
  }

  #runTimed(item: Runnable): void {
    this.#stepBegan = this.time();
    item._run();
    // A step that is open is reported when it is over.
    if (this._open === null) this.#reportIfSlow(item);
  }

  #reportIfSlow(item: object): void {
    const seconds = this.time() - this.#stepBegan;
    if (seconds >= this.slowCallbackDuration) logger.warn(`Executing ${item} took ${seconds.toFixed(3)} seconds`);
  }

  /** An error that must not stay in the loop ends the run at once; the rest of the batch stays queued. */
  #leave(error: unknown): void {
    this.#todo = 0;
    if (this.#run === null) {
      if (!this.#single) throwUncaught(error);
      else {
        this.#phase = IDLE;
        throw error;
      }
    } else {
      this.#endRun(error);
    }
  }

  /** Ends the run with an error from outside a handle. @internal */
  _interrupt(error: unknown): void {
    if (this.#run !== null) this.#endRun(error);
    else throwUncaught(error);
  }

  #endRun(...error: [] | [unknown]): void {
    const run = this.#run!;
    this.#run = null;
    this.#stopping = false;
    if (error.length > 0) run.reject(error[0]);
    else run.resolve();
    if (!this._hosted) this.#ask(null);
  }

  // --------------------------------------------------------------------------------------------------- the host

  /** Tells the host what the loop wants next. */
  #request(): void {
    if (this.#run === null && !this._hosted && !this.#driven) return;
    if (this._ready.length > 0 || (this.#stopping && this.#run !== null)) {
      this.#soonAsked = true;
      this.#host.soon(this.#turn);
      return;
    }
    this._timers.prune();
    this.#ask(this._timers.length > 0 ? this._timers.first()._when : null);
  }

  #ask(when: number | null): void {
    if (this.#atAsked === when) return;
    this.#atAsked = when;
    this.#host.at(when, this.#timerTurn);
  }

  #split(): void {
    this.#phase = SPLIT;
    this.#soonAsked = true;
    if (this.#host.afterIO !== undefined) this.#host.afterIO(this.#turn);
    else this.#host.soon(this.#turn);
  }

  // --------------------------------------------------------------------------------------------------- open steps

  /**
   * The step of an async function goes on after its handle has returned. No other handle runs until it waits on something
   * of this library or ends; should it wait on a foreign promise, the watch finds out once the microtasks have run.
   *
   * @internal
   */
  _openStep(task: Task<unknown>): void {
    if (this.#phase !== RUNNING) return;
    // One that is open already is of a task that was started eagerly by this one, within its step.
    this._open = task;
    current.open = task;
    this.#watchMicrotasks();
  }

  /**
   * Code outside any task goes on: no step is run before it has, where nothing else tells that what it waits for is not the
   * running task's. @internal
   */
  _pauseForOutside(): void {
    if (this.#phase !== RUNNING || this._open !== null) return;
    this._open = OUTSIDE;
    this.#watchMicrotasks();
  }

  #watchMicrotasks(): void {
    if (this.#watching) return;
    this.#watching = true;
    afterMicrotasks(this.#watch);
  }

  /**
   * The task whose step is open waits. Other waits of the same segment register in the microtasks right behind this one,
   * so the step ends one microtask later. @internal
   */
  _stepSuspends(task: Task<unknown>): void {
    if (this._open !== task) {
      // It has come back from a foreign promise, unseen until now.
      if (hooks.beforeStep !== null) emit('beforeStep', task);
      if (hooks.afterStep !== null) emit('afterStep', task);
      return;
    }
    if (this.#closing) return;
    if (areAllRegistered()) {
      this.#closeStep();
      return;
    }
    this.#closing = true;
    RESOLVED.then(this.#closeStep);
  }

  /** The task whose step is open has nothing left to run. @internal */
  _stepEnds(task: Task<unknown>): void {
    if (this._open === task && !this.#closing) this.#closeStep();
  }

  readonly #closeStep = (): void => {
    const task = this._open === OUTSIDE ? null : this._open;
    this.#closing = false;
    this._open = null;
    if (current.open === task) current.open = null;
    if (this._debug && task !== null) this.#reportIfSlow(task);
    if (hooks.afterStep !== null && task !== null) emit('afterStep', task);
    if (this.#phase === PAUSED) this.#inScope(this.#continue);
  };

  #inScope(part: () => void): void {
    if (this.#scope === null) part();
    else this.#scope.runInAsyncScope(part, undefined);
  }

  readonly #continue = (): void => {
    if (!this.#single && this.#budget.isSpent()) {
      this.#split();
      return;
    }
    try {
      this.#iterate();
    } catch (error) {
      throwUncaught(error); // `runOnce()` has returned long ago
    }
  };

  /** All microtasks have run: a step that is open still waits on a foreign promise. */
  readonly #watch = (): void => {
    this.#watching = false;
    if (this._open !== null && !this.#closing) this.#closeStep();
  };
}
