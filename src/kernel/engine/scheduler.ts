import { RuntimeError } from '../../errors/errors.ts';
import { RingBuffer } from '../../internal/ring-buffer.ts';
import { forgetAsyncContext, newFrameWithout } from '../runtime/async-frames.ts';
import { type Host, RuntimeHost } from '../runtime/host.ts';
import { afterMicrotasks, keepsContextOfCall, logger, throwUncaught } from '../runtime/platform.ts';
import { Clock } from './clock.ts';
import { current, prepareAsyncTasks, runAs } from './current.ts';
import { choose, emit, hooks, watched } from './hooks.ts';
import { runningLoop } from './line.ts';
import { OpenStep, type StepOwner } from './open-step.ts';
import { Pacer } from './pacer.ts';
import { PendingAwait } from './pending-await.ts';
import { beat, busyFor, keepPulse } from './pulse.ts';
import {
  ENDING,
  type FutureRole,
  type LoopRole,
  MUST_CANCEL,
  type Runnable,
  SCOPE_PENDING,
  type Scope,
  STATE,
  type TaskRole,
  type Waiter,
} from './roles.ts';
import { hasLines, isQuiet } from './scope.ts';
import { type Timer, TimerQueue } from './timers.ts';

/**
 * The state of the iteration.
 *
 * | phase | meaning | left by |
 * | --- | --- | --- |
 * | IDLE | no iteration is under way | `runOnce`, a turn |
 * | RUNNING | a handle is on the stack | its return: the next handle; an open step; the end of the batch; the time limit |
 * | PAUSED | the step of an async function is open, and the rest of the batch waits for it | the step's end |
 * | SPLIT | the turn took too long, and the rest of the batch waits for the host's I/O | the next turn |
 *
 *     IDLE ──begin──▶ RUNNING ──end of the batch──▶ IDLE
 *     RUNNING ──a step is open──▶ PAUSED ──its end──▶ RUNNING
 *                                 PAUSED ──hand-over──▶ PAUSED, with the next step open
 *     RUNNING, PAUSED ──over the time limit──▶ SPLIT ──next turn──▶ RUNNING
 *
 * Not part of this state: when the loop gets turns (`#run`: while it is run; `_hosted`: always; `#driven`: also when
 * its own host calls it), the open step (`open-step.ts`), and what the host is asked for (`pacer.ts`).
 */
const IDLE = 0;
const RUNNING = 1;
const PAUSED = 2;
const SPLIT = 3;
type Phase = typeof IDLE | typeof RUNNING | typeof PAUSED | typeof SPLIT;

interface Run {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Options of a new scheduler. */
export interface SchedulerOptions {
  /** The runtime services; the runtime's own when absent. */
  readonly host?: Host;
}

/**
 * The turns and iterations of an event loop. To the batch all items of the ready queue are the same. Tasks are known
 * where their steps differ from other items:
 *
 * - The step of a task may stay open after its handle has returned. When it is over, the task may be done, and some of
 *   its lines may still be waiting, or it ends now because its last line has (`_stepIsOver`).
 * - An await, or a new task, may be run at the end of the step before it (`#handOver`).
 * - A `sleep(0)` has no effect in a task that would be the next to run anyway (`_isAlone`).
 *
 * A *turn* is one call by the host; it runs *iterations* until nothing is ready. An iteration is CPython's `_run_once`:
 * timers that are due join the ready queue, then exactly the handles that are in it now (the *batch*) are run.
 */
export abstract class Scheduler implements LoopRole, StepOwner {
  /** The items that are ready to run, in order. @internal */
  readonly _ready = new RingBuffer<Runnable>();
  /** @internal */
  readonly _timers = new TimerQueue();
  /** @internal */
  readonly _step: OpenStep;
  /** Whether the loop asks for turns whenever it has work, not only while it is run. @internal */
  _hosted = false;
  /** @internal */
  _debug = false;
  /**
   * Whether it is closed. The library does not call `isClosed()` for this, because a test may have replaced that
   * method. @internal
   */
  _isClosed = false;
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #pacer: Pacer;
  /**
   * Whether it was given a host. Such a loop asks for turns also while it is not run, because its host may drive it by
   * `runOnce()`.
   */
  readonly #driven: boolean;
  /**
   * The async context in which the loop was made. Handles run in it, so that they do not see the `AsyncLocalStorage`
   * values of some task.
   */
  readonly #frame = newFrameWithout(null);
  #phase: Phase = IDLE;
  /** How many handles of the batch have yet to run. Invariant: 0 while IDLE. */
  #todo = 0;
  /** Whether the iteration under way is the only one to run (`runOnce`). */
  #single = false;
  #run: Run | null = null;
  #stopping = false;
  /** When the present handle or step began, in seconds; in debug mode only. */
  #stepBegan = 0;
  /** Seconds; in debug mode a callback or step that takes longer is reported. */
  slowCallbackDuration = 0.1;

  constructor({ host }: SchedulerOptions = {}) {
    this.#host = host ?? new RuntimeHost();
    this.#driven = host !== undefined;
    if (this.#host instanceof RuntimeHost) {
      this.#host._idler = {
        isAtRest: () => this._ready.length === 0 && this.#phase === IDLE && this._wantsReport(),
        stuck: () => this._stuck(),
      };
    }
    this.#clock = new Clock(this.#host);
    this.#pacer = new Pacer(this.#host, this.#clock, this.#turn);
    this._step = new OpenStep(this);
    if (keepsContextOfCall()) prepareAsyncTasks();
  }

  /**
   * The loop's clock: seconds since some fixed moment, never going back.
   *
   * @throws {ValueError} when the host's clock does not give a number
   */
  time(): number {
    return this.#clock.now();
  }

  /** The time when the clock was read last. @internal */
  get _lastTime(): number {
    return this.#clock.last;
  }

  /** The host's clock is set back, for the next program of a simulation. @internal */
  _rewindClock(): void {
    this.#clock.rewind();
  }

  /** Whether the loop is being run, or is in the middle of an iteration: one of its handles or steps runs. */
  isRunning(): boolean {
    return this.#run !== null || this.#phase !== IDLE;
  }

  /** Whether `close()` was called. */
  isClosed(): boolean {
    return this._isClosed;
  }

  /**
   * Runs until `stop()` is called.
   *
   * Follows CPython's `loop.run_forever`, but returns a promise, because JavaScript cannot block.
   *
   * @returns a promise that fulfils when the loop has stopped, and rejects with a `KeyboardInterrupt` or `SystemExit`
   * that a callback threw, and with a `RuntimeError` when the loop is closed or is running, or when another loop runs
   * the caller
   */
  async runForever(): Promise<void> {
    this._checkClosed();
    this._checkCanRun();
    this.#host.ref();
    const outer = current.run;
    current.run = this;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#run = { resolve, reject };
        this.#request();
      });
    } finally {
      if (current.run === this) current.run = outer;
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
    if (this._isClosed) {
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
    if (this._isClosed) return;
    this._isClosed = true;
    this._ready.clear();
    this._timers.clear();
    this.#pacer.askAt(null);
    if (this._debug && this.#host instanceof RuntimeHost) keepPulse(false);
  }

  /**
   * Runs one iteration now: timers that are due, then exactly the handles that were ready when it began. When an async
   * function's step stays open it returns, and the rest of the iteration follows from microtasks; a call before that is
   * over does nothing. It also ends a run that `stop()` asked to end.
   *
   * @throws {RuntimeError} when the loop is closed
   */
  runOnce(): void {
    if (this.#phase !== IDLE) return;
    this._checkClosed();
    this.#single = true;
    this.#pacer.forgetAsked();
    this.#iterate();
  }

  /** From now on the loop asks for turns whenever it has work. @internal */
  _host(): void {
    this._hosted = true;
    if (this.#phase === IDLE) this.#request();
  }

  /** Calls a listener on each Ctrl-C, where the host can. @internal */
  _onInterrupt(listener: () => void): (() => void) | null {
    return this.#host.onInterrupt?.(listener) ?? null;
  }

  /** Calls a listener on each signal of a name, where the host can. @internal */
  _onSignal(signal: string, listener: () => void, mayWake?: boolean): (() => void) | null {
    return this.#host.onSignal?.(signal, listener, mayWake) ?? null;
  }

  /** Schedules something for the next iteration. @internal */
  _push(item: Runnable): void {
    this._ready.push(item);
    if (this.#phase === IDLE && !this.#pacer.isSoonAsked) this.#request();
  }

  /** @internal */
  _pushTimer(timer: Timer): void {
    this._timers.push(timer);
    if (this.#phase === IDLE && !this.#pacer.isSoonAsked) this.#request();
  }

  // --------------------------------------------------------------------------------------------------- turns

  readonly #turn = (): void => this.#inFrame(this.#runTurn);

  readonly #runTurn = (): void => {
    this.#pacer.noteTurn();
    if (this.#phase === SPLIT) {
      this.#pacer.start();
      this.#iterate();
      return;
    }
    if (this.#phase !== IDLE || this._isClosed || (this.#run === null && !this._hosted)) return;
    if (this.#anotherStepIsOpen()) {
      this.#pacer.noteSoon();
      afterMicrotasks(this.#turn);
      return;
    }
    this.#single = false;
    this.#pacer.start();
    this.#iterate();
  };

  /**
   * Whether another loop of the thread has an open step. In runtimes without async contexts the open step tells whose
   * code runs, so only one may be open in the thread.
   */
  #anotherStepIsOpen(): boolean {
    return current.storage === null && current.openTask !== null && this._step.task !== current.openTask;
  }

  /** Runs iterations, or the rest of one, as code of this loop. */
  #iterate(): void {
    const isOver = runAs(this, null, null, null, false, this.#runIterations, null, null, null);
    forgetAsyncContext();
    if (isOver && !this._isClosed) this.#request();
  }

  /**
   * Runs iterations until nothing is ready. Returns false if the last one is not over: a step is open, or the turn took
   * too long.
   */
  readonly #runIterations = (): boolean => {
    do {
      if (this.#phase === IDLE) this.#begin();
      if (!this.#runBatch()) return false;
      this.#phase = IDLE;
      if (hooks.iterationEnd !== null) emit('iterationEnd', this);
      if (this.#stopping && this.#run !== null) this.#endRun();
    } while (!this.#single && this._ready.length > 0 && !this._isClosed && (this.#run !== null || this._hosted));
    return true;
  };

  #begin(): void {
    if (hooks.iterationBegin !== null) emit('iterationBegin', this);
    if (this._timers.length > 0) this.#collectTimers();
    this.#todo = watched.ready && this._ready.length > 1 ? this.#takeByChoice() : this._ready.length;
  }

  #collectTimers(): void {
    const timers = this._timers;
    timers.prune();
    if (timers.length === 0) return;
    const due = this.#pacer.due();
    if (hooks.choose !== null) {
      this.#collectTimersByChoice(due);
      return;
    }
    while (timers.length > 0 && timers.first()._when < due) {
      this._ready.push(timers.pop());
    }
  }

  /** As `#collectTimers`, but an instrument decides the order of timers with the same deadline. */
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
        const choice = ties.length > 1 ? Math.max(choose('timer tie', ties.length, ties), 0) : 0;
        this._ready.push(ties.splice(choice, 1)[0]!);
      }
    }
  }

  /**
   * An instrument decides what runs next: that item is moved to the front, and is the only one of this iteration.
   * Returns the size of the batch.
   */
  #takeByChoice(): number {
    const ready = this._ready;
    const choice = choose('ready', ready.length, ready);
    if (choice < 0) return ready.length;
    ready.moveToFront(choice);
    return 1;
  }

  /** Runs the rest of the batch. Returns false if it is not over: a step is open, or the turn took too long. */
  #runBatch(): boolean {
    this.#phase = RUNNING;
    try {
      while (this.#todo > 0) {
        this.#todo--;
        const item = this._ready.shift();
        if (this._debug) this.#runTimed(item);
        else item._run();
        if (this._step.isOpen) {
          this.#phase = PAUSED;
          return false;
        }
        if (!this.#single && this.#pacer.isSpent()) {
          this.#split();
          return false;
        }
      }
    } catch (error) {
      this.#leave(error);
    }
    return true;
  }

  /** Turns debug mode on or off. The handle or step that is running now is timed from this moment. @internal */
  _setDebug(enabled: boolean): void {
    if (this._debug === enabled) return;
    this._debug = enabled;
    this.#stepBegan = this.time();
    if (this._isClosed) return;
    // Simulated time says nothing about how long code takes.
    if (this.#host instanceof RuntimeHost) keepPulse(enabled);
  }

  #runTimed(item: Runnable): void {
    this.#stepBegan = this.time();
    beat();
    item._run();
    // A step that is open is reported when it is over.
    if (!this._step.isOpen) this.#reportIfSlow(item);
  }

  #reportIfSlow(item: object): void {
    const seconds = this.time() - this.#stepBegan;
    if (seconds >= this.slowCallbackDuration) logger.warn(`Executing ${item} took ${seconds.toFixed(3)} seconds`);
  }

  /** @internal */
  _unseenStepIsOver(task: TaskRole): void {
    if (!this._debug || !(this.#host instanceof RuntimeHost)) return;
    const seconds = busyFor();
    beat();
    if (seconds < this.slowCallbackDuration) return;
    const began = 'a promise that is not of this library was settled, or whatever else ran in this thread';
    logger.warn(`Executing ${task} took ${seconds.toFixed(3)} seconds since ${began}`);
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
    if (!this._hosted) this.#pacer.askAt(null);
  }

  // --------------------------------------------------------------------------------------------------- the host

  /** Asks the host for the next turn. */
  #request(): void {
    if (this.#run === null && !this._hosted && !this.#driven) return;
    if (this._ready.length > 0 || (this.#stopping && this.#run !== null)) {
      this.#pacer.askSoon();
      return;
    }
    this._timers.prune();
    const next = this._timers.length > 0 ? this._timers.first()._when : null;
    if (next === null || !this.#pacer.askIfDue(next)) this.#pacer.askAt(next);
  }

  #split(): void {
    this.#phase = SPLIT;
    this.#pacer.askAfterIO();
  }

  // --------------------------------------------------------------------------------------------------- open steps

  /** @internal */
  get _isRunningHandle(): boolean {
    return this.#phase === RUNNING;
  }

  /** @internal */
  _stepIsOver(task: TaskRole | null, isOfLine: boolean): void {
    if (task !== null) {
      if ((task._marks & (ENDING | STATE)) !== 0 && task._root !== null) {
        if ((task._marks & ENDING) === 0) this._noteLineStepped(task._root);
        else if (!hasLines(task._root)) task._linesEnded();
      }
      if (this._debug) this.#reportIfSlow(task);
      if (hooks.afterStep !== null && !isOfLine) emit('afterStep', task);
    }
    if (this.#phase === PAUSED && !this.#handOver()) this.#inFrame(this.#continue);
  }

  /**
   * Runs the next item directly at the end of a step, without coming back to the batch, which would take as long again
   * as the step. Only if the item runs no code of a program by itself, and nothing has to happen between the steps.
   * Returns false if that is not so, or if the item has run and has left no step open.
   */
  #handOver(): boolean {
    const ready = this._ready;
    if (ready.length === 0) return false;
    const next = ready.peek();
    const isAwait = next instanceof PendingAwait;
    if (!this.#isPlain()) return false;
    const isBare = isAwait && next._isBare();
    // `Task._run` does not save `current`, so it may be called only while no handle is on the stack.
    if (!isBare && !(isAwait ? next._isQuiet() : current.loop === null && next._isFresh?.() === true)) return false;
    if (this.#todo === 0) {
      if (this._timers.length > 0 || (this.#run === null && !this._hosted)) return false;
      this.#todo = ready.length;
    }
    if (this.#pacer.isSpent()) return false;
    this.#todo--;
    ready.shift();
    if (isBare) {
      this._step.openNow(next._task, next._received, next._at);
      next._handOver();
      return true;
    }
    this.#phase = RUNNING;
    if (!isAwait) current.loop = this;
    try {
      next._run();
    } finally {
      this.#phase = PAUSED;
      if (!isAwait) current.loop = null;
    }
    return this._step.isOpen;
  }

  /** Whether no instrument sees or decides about steps, and the loop does not have to stop after this iteration. */
  #isPlain(): boolean {
    return !watched.steps && !this.#single && !this.#stopping && !this._debug && !this._isClosed;
  }

  /**
   * Whether `sleep(0)` has no effect, because the task would be the next to run anyway, so that it can simply go on.
   * Not when the turn has used up its time: otherwise timers and I/O could starve. @internal
   */
  _isAlone(task: TaskRole): boolean {
    if (this._ready.length > 0 || this.#todo > 0 || this._timers.length > 0) return false;
    if ((task._marks & (MUST_CANCEL | SCOPE_PENDING | ENDING)) !== 0) return false;
    if (this._step.isOpen) {
      // An async function gives way in its own open step, the only one in the thread.
      if (this.#phase !== PAUSED || this._step.task !== task || this._step.isClosing || current.openTask !== task)
        return false;
      if (task._root !== null && !isQuiet(task._root)) return false;
    } else if (this.#phase !== RUNNING || current.task !== task || current.loop !== this) {
      return false;
    }
    return (this.#run !== null || this._hosted) && this.#isPlain() && !this.#pacer.isSpent();
  }

  /**
   * A frame of a task has reached a `sleep(0)`: schedules the next step. Returns true, without an effect, if the task
   * can simply go on. @internal
   */
  _giveWay(task: TaskRole): boolean {
    if (this._ready.length === 0 && this._isAlone(task)) return true;
    this._schedule(task);
    if (hooks.gaveWay !== null) emit('gaveWay', task, task);
    return false;
  }

  #inFrame(part: () => void): void {
    if (this.#frame === null) part();
    else this.#frame.runInAsyncScope(part, undefined);
  }

  readonly #continue = (): void => {
    if (!this.#single && this.#pacer.isSpent()) {
      this.#split();
      return;
    }
    try {
      this.#iterate();
    } catch (error) {
      throwUncaught(error); // `runOnce()` has returned long ago
    }
  };

  /** Whether a run that cannot end is to be reported. @internal */
  abstract _wantsReport(): boolean;
  /** Called while it is run and nothing is left in the process that could wake it. @internal */
  abstract _stuck(): void;
  /** Whether debug mode is on. */
  abstract getDebug(): boolean;
  /** @internal */
  abstract _noteLineLeft(root: Scope): void;
  /** @internal */
  abstract _noteLineStepped(root: Scope): void;
  /** Runs a coroutine as a task. */
  abstract createTask(coroutine: never): FutureRole;
  /** @internal */
  abstract _schedule(waiter: Waiter): void;
}
