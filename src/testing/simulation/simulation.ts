import {
  addInstrument,
  type Context,
  type EventLoop,
  type Future,
  newEventLoop,
  RuntimeError,
  type Task,
} from '../../index.ts';
import {
  type AwaitableLike,
  cancelLeft,
  hasWork,
  isEmptyLoop,
  isInStep,
  isLoopClosed,
  leftIn,
  lendThread,
  mainCoroutine,
  newWait,
  nextTimer,
  numberTasksFrom,
  realTime,
  recordPlaces,
  release,
  reportFailuresOf,
  rewindClock,
  runningLoop,
  waitsOfTask,
} from '../../kernel/lowlevel.ts';
import { LivelockError } from '../errors.ts';
import { Arrivals } from './arrivals.ts';
import type { Bounds } from './bounds.ts';
import { SimulatedHost } from './host.ts';
import { leaksOf, newResourcesSince, resourcesNow, unretrieved, watchAlone } from './left.ts';
import { quiet } from './quiet.ts';
import { type OnNondeterminism, Sources } from './sources.ts';
import { MAX_BEATS, Stall } from './stall.ts';
import { doneNow, livelock, standstill } from './standstill.ts';

/** Decides wherever a program may go on in several ways. The way that is taken without a decider is always the first one. */
export interface Decider {
  /** Whether it decides which of all that is ready runs next, which production never leaves open. */
  readonly choosesReady: boolean;
  /** By how much timers may be late while something else runs, in seconds. */
  readonly slack: number;
  /**
   * Returns one of `count` ways, from 0.
   *
   * @param kind `ready`, `timer tie`, `arrival`, `late timer`, or a kind of a construct that simulates the outside world
   * @param candidates what there is to choose from; one way more than there are candidates is to leave all of them for later
   */
  choose(kind: string, count: number, candidates: { at(index: number): object | undefined }): number;
  /** The loop begins an iteration: with `choosesReady`, one step of the program. */
  stepBegins?(): void;
}

/** How a program is simulated. */
export interface SimulationOptions extends Bounds {
  readonly decider?: Decider | null | undefined;
  /** Whether it is run inside one call, as long as it awaits nothing that is not of this library and has no async functions. */
  readonly quick?: boolean | undefined;
  /** Whether the places of waits are recorded, for messages. */
  readonly places?: boolean | undefined;
  /** Whether what the program leaves behind is a problem. */
  readonly failOnLeaks?: boolean | undefined;
  /** Whether errors that nobody has looked at are one. */
  readonly failOnUnretrieved?: boolean | undefined;
  readonly debug?: boolean | undefined;
  /** What is done about uses of the platform's clocks, random numbers, timers and `fetch`. */
  readonly nondeterminism?: OnNondeterminism | 'note' | undefined;
  /** Called when the program has ended and what was ready has run, before what it leaves behind is ended. */
  readonly atEnd?: ((loop: EventLoop) => void) | undefined;
}

/** How a simulated program has ended. */
export interface Ending<T> {
  /** What its main function has returned; `null` when it has failed. */
  readonly value: { readonly value: T } | null;
  /** What it has failed with: what was thrown, a deadlock, a livelock; `null` when it has not. */
  readonly failure: { readonly error: unknown } | null;
  /** What it has left behind or lost. */
  readonly problems: readonly Error[];
  /** How much time has passed in the simulation, in seconds. */
  readonly seconds: number;
}

export const MAX_STEPS = 1_000_000;
const PATIENCE = 1;
/** An explored program may run for so many times `maxSteps` in all, while time passes. */
const ALL_STEPS = 100;
/** For so long real work is waited for that does not show among the runtime's resources, in seconds. */
const INVISIBLE = 0.02;
/** And for so many turns: on a machine that is busy, the time may pass without one. */
const INVISIBLE_TURNS = 1_000;
/** So many turns of the runtime take time. */
const MOST_TURNS = 100_000;
/** So many turns of the runtime without anything to do mean that all promises have settled that will at this time. */
const QUIET_TURNS = 3;

/** The explored program that runs now: what they number and record belongs to one at a time. */
let explored: Promise<void> | null = null;

const simulations = new WeakMap<EventLoop, Simulation>();

/** The simulation that a loop belongs to; `null` when it is no simulated one. */
export function simulationOf(loop: EventLoop | null): Simulation | null {
  return loop === null ? null : (simulations.get(loop) ?? null);
}

/**
 * Runs programs one after the other, each from its beginning on a clock that begins at 0 and jumps to the next event when nothing is left
 * to run. The loop is used again as long as programs leave nothing in it.
 *
 *     turn, turn, …  ──▶  quiet  ──▶  real work?  wait for it  ──▶  arrivals, timers  ──▶  turn …
 *                                                                  none: over, or a standstill
 */
export class Simulation {
  readonly host: SimulatedHost = new SimulatedHost();
  readonly arrivals: Arrivals = new Arrivals(this);
  /** Called when a program has come to its end, before what it has left behind is cancelled. */
  onOutcome: (() => void) | null = null;
  readonly #options: SimulationOptions;
  /** What in the program differs from run to run, as far as it is looked for. */
  readonly sources: Sources = new Sources(this);
  /** What is to be told of the end of the present program. */
  readonly #whenOver = new Set<() => void>();
  #loop: EventLoop;
  #removeInstrument: (() => void) | null = null;
  /** How many programs it has begun to run: tells what belongs to an earlier one. */
  runs = 0;
  /** How long real work of the present program may take, in seconds. */
  #patience = PATIENCE;
  /** Iterations since time has passed or something has come from outside. */
  #steps = 0;
  /** All iterations of the program. */
  #allSteps = 0;
  #isLivelocked = false;
  #stall: Stall;
  /** What `#stall` has found. */
  #stuck: LivelockError | null = null;
  #interrupt: { readonly error: unknown } | null = null;
  /** Whether nobody waits for the present program any more. */
  #isAbandoned = false;
  #running: Promise<void> | null = null;
  /** What kept the process alive when the program began. */
  #resourcesBefore: readonly string[] | null = null;
  /** What `whenQuiet` has returned. */
  #quietWaits: Future<void>[] = [];
  /** Tasks that have run since the loop was quiet last. */
  readonly #stepped = new Set<Task<unknown>>();
  /** Tasks that have been waited for in vain when nothing else was left, and that have not run since. */
  readonly #hopeless = new Set<Task<unknown>>();
  /** How long it was waited for such tasks in vain before nothing else was left, in real seconds. */
  #inVain = 0;
  /** Tasks that wait for something that takes real time, and that has not been waited for in vain. */
  readonly #outside = new Set<Task<unknown>>();

  constructor(options: SimulationOptions = {}) {
    this.#options = options;
    this.#loop = this.#newLoop();
    this.#stall = this.#newStall();
  }

  get loop(): EventLoop {
    return this.#loop;
  }

  get decider(): Decider | null {
    return this.#options.decider ?? null;
  }

  /** Decides; the first way where nobody else does. */
  choose(kind: string, count: number, candidates: { at(index: number): object | undefined }): number {
    return count < 2 ? 0 : (this.decider?.choose(kind, count, candidates) ?? 0);
  }

  /** A future that is done when nothing is left to run at the present time: before the clock goes on, or anything comes from outside. */
  whenQuiet(): Future<void> {
    const wait = newWait(this.#loop, { operation: 'settle', object: null });
    this.#quietWaits.push(wait);
    return wait;
  }

  /** Runs a program from its beginning to its end, with everything that it leaves behind. */
  async run<T>(
    main: AwaitableLike<T>,
    {
      patience = this.#options.patience ?? PATIENCE,
      ...task
    }: { name?: string; context?: Context; patience?: number } = {},
  ): Promise<Ending<T>> {
    if (runningLoop() !== null) {
      throw new RuntimeError('a simulation cannot be run from a running event loop: await the coroutine instead', {
        code: 'LOOP_RUNNING',
      });
    }
    while (this.decider !== null && explored !== null) await explored;
    const { places = false } = this.#options;
    this.#patience = patience;
    this.#renew();
    const lost: unknown[] = [];
    const loop = this.#loop;
    if (this.#options.failOnUnretrieved === true) {
      loop.setExceptionHandler((_loop, context) => lost.push(context.exception ?? new Error(context.message)));
    } else if (this.decider !== null) {
      loop.setExceptionHandler(() => {}); // whoever explores has said that it does not matter: a thousand reports tell nothing
    }
    const giveThreadBack = lendThread(loop);
    const tasksBefore = numberTasksFrom(0);
    const program = watchAlone();
    if (places) recordPlaces(true);
    this.#install();
    const { nondeterminism = 'ignore' } = this.#options;
    const ignoreSources = nondeterminism === 'ignore' ? null : this.sources.watch(nondeterminism);
    const { promise, resolve: giveWay } = Promise.withResolvers<void>();
    if (this.decider !== null) explored = promise;
    try {
      const made = loop.createTask<T>(mainCoroutine(main, loop, 'runVirtual'), task);
      this.#stall.begin(made);
      this.#start();
      const failure = await this.#drive(() => made.done());
      if (!loop.isRunning()) await this.#running; // which tells why
      const outcome = made.done() ? outcomeOf(made) : null; // looked at in any case
      const ending = failure ?? this.#interrupt ?? outcome ?? { error: stopped() };
      this.onOutcome?.();
      this.#tellOfEnd();
      const problems = await this.#end('value' in ending, lost, program.isAlone);
      const seconds = this.host.now;
      return 'value' in ending
        ? { value: ending, failure: null, problems, seconds }
        : { value: null, failure: ending, problems, seconds };
    } finally {
      this.#tellOfEnd();
      await this.#stop();
      ignoreSources?.();
      program.end();
      giveThreadBack();
      numberTasksFrom(tasksBefore);
      if (places) recordPlaces(false);
      if (this.decider !== null) explored = null;
      giveWay();
    }
  }

  // ------------------------------------------------------------------------------------------------ checks

  /** Fails the present program: it ends with this error, whatever it does afterwards. */
  fail(error: unknown): void {
    if (this.#interrupt !== null) return;
    this.#interrupt = { error };
    this.#loop.stop();
  }

  /**
   * Gives the present program up, which does not end though it was cancelled: its tasks have no more turns, and what it leaves behind is not
   * waited for. Otherwise it would go on beside whatever runs after it, and keep the process alive.
   */
  abandon(): void {
    this.#isAbandoned = true;
    this.#interrupt ??= { error: new RuntimeError('the program was given up', { code: 'GIVEN_UP' }) };
    if (this.#loop.isRunning()) this.#loop.stop();
  }

  /**
   * Calls a function once when the present program has come to its end, before what it has left behind is cancelled.
   *
   * @returns takes it back
   */
  whenOver(call: () => void): () => void {
    this.#whenOver.add(call);
    return () => this.#whenOver.delete(call);
  }

  #tellOfEnd(): void {
    const calls = [...this.#whenOver];
    this.#whenOver.clear();
    for (const call of calls) call();
  }

  /** Ends the use of the simulation. */
  close(): void {
    this.#removeInstrument?.();
    this.#removeInstrument = null;
    this.#loop.close();
  }

  // ------------------------------------------------------------------------------------------------ the loop

  #newLoop(): EventLoop {
    const loop = newEventLoop({ host: this.host, unretrievedAfter: null });
    simulations.set(loop, this);
    return loop;
  }

  #newStall(): Stall {
    const { decider = null, maxBeats = MAX_BEATS } = this.#options;
    // What is explored has a bound of its own for all its iterations.
    return new Stall(this.#loop, maxBeats, decider === null);
  }

  #renew(): void {
    this.runs++;
    if (isLoopClosed(this.#loop)) {
      this.#loop = this.#newLoop();
      this.#stall = this.#newStall();
    }
    this.host.reset();
    rewindClock(this.#loop);
    this.#loop.setTaskFactory(null); // that of the last program
    this.host.isQuick = this.#options.quick === true;
    this.arrivals.clear();
    this.#quietWaits = [];
    this.#steps = 0;
    this.#allSteps = 0;
    this.#isLivelocked = false;
    this.#stuck = null;
    this.#interrupt = null;
    this.#isAbandoned = false;
    this.#stepped.clear();
    this.#outside.clear();
    this.#hopeless.clear();
    this.#inVain = 0;
    this.#resourcesBefore = this.host.isQuick ? null : resourcesNow();
    if (this.#options.debug !== undefined) this.#loop.setDebug(this.#options.debug);
  }

  #install(): void {
    if (this.#removeInstrument !== null) return;
    const { decider = null, maxSteps = MAX_STEPS, patience = PATIENCE } = this.#options;
    const afterStep = (task: Task<unknown>): void => {
      if (task.getLoop() !== this.#loop) return;
      this.#stepped.add(task);
      this.#hopeless.delete(task);
      this.#stall.stepped(task);
    };
    const iterationBegin = (loop: unknown): void => {
      if (loop !== this.#loop) return;
      decider?.stepBegins?.();
      const isEndless = decider !== null && ++this.#allSteps > maxSteps * ALL_STEPS;
      if ((++this.#steps > maxSteps || isEndless) && !this.#isLivelocked) {
        this.#isLivelocked = true;
        this.#loop.stop();
      }
      // An iteration with nothing to run is none: what comes next is decided when the loop is quiet.
      if (!this.arrivals.isEmpty && hasWork(this.#loop) && this.arrivals.poll(true)) this.#beat();
      if (decider !== null && decider.slack > 0) this.#beLate(decider);
    };
    this.#removeInstrument =
      decider === null
        ? addInstrument({ iterationBegin, ...(patience > 0 ? { afterStep } : {}) })
        : addInstrument({
            iterationBegin,
            choosesReady: decider.choosesReady,
            choose: (kind, count, candidates) =>
              runningLoop() === this.#loop ? decider.choose(kind, count, candidates) : undefined,
          });
  }

  /** Code takes time: a timer that is due soon may be due before what is ready has run. */
  #beLate(decider: Decider): void {
    const next = nextTimer(this.#loop);
    if (next === null || next <= this.host.now || next > this.host.now + decider.slack) return;
    if (decider.choose('late timer', 2, NOTHING) === 1) this.host.now = next;
  }

  // ------------------------------------------------------------------------------------------------ driving it

  /** Gives turns and lets time pass until the program is over. A failure when it never will be. */
  async #drive(isDone: () => boolean): Promise<{ readonly error: unknown } | null> {
    const { host } = this;
    const isOver = (): boolean => !this.#loop.isRunning() || isDone();
    for (;;) {
      while (host.takeTurn());
      if (isOver()) return this.#isLivelocked ? { error: this.#stuck ?? this.#livelock() } : null;
      if (host.isQuick) {
        if (!this.#isSlow() && this.#advance()) continue;
        host.becomeSlow(); // it has async functions, or comes to a standstill, which is to be made sure of
      }
      await quiet(1);
      if (host.isBusy || isInStep(this.#loop) || isOver()) continue;
      if (!host.isQuick && (await this.#waitForOutside(isOver))) continue;
      if (this.#advance()) continue;
      await quiet(QUIET_TURNS);
      if (host.isBusy || isInStep(this.#loop) || host.wish !== null || !this.arrivals.isEmpty || isOver()) continue;
      if (await this.#waitForTheLast(isOver)) continue;
      return { error: standstill(this.#loop) };
    }
  }

  #start(): void {
    this.#running = this.#loop.runForever().catch((error) => {
      this.#interrupt = { error };
    });
  }

  /** Whether promises have a part in the program, so that it cannot be run inside one call. */
  #isSlow(): boolean {
    return isInStep(this.#loop) || (this.#loop.isRunning() && this.host.wish === null && this.arrivals.isEmpty);
  }

  /** What comes next comes: who waits for nothing to be left, something from outside, or the next timer. False when there is none of these. */
  #advance(): boolean {
    if (this.#quietWaits.some((wait) => !wait.done())) {
      const waits = this.#quietWaits;
      this.#quietWaits = [];
      for (const wait of waits) release(wait);
      return true;
    }
    if (!this.arrivals.isEmpty && (this.arrivals.poll(false) || this.#waitForArrival())) {
      this.#beat();
      return true;
    }
    if (this.host.wish === null) return false;
    this.#beat();
    this.host.jump();
    return true;
  }

  /** Time passes, or something has come from outside. */
  #beat(): void {
    this.#steps = 0;
    this.#inVain = 0;
    const stuck = this.#stall.beat(this.host.now);
    if (stuck === null || this.#isLivelocked) return;
    this.#stuck = stuck;
    this.#isLivelocked = true;
    this.#loop.stop();
  }

  /** Lets time pass until something may come that takes its time; false when a timer is due before. */
  #waitForArrival(): boolean {
    const { next } = this.arrivals;
    const { host } = this;
    if (next === null || (host.wish !== null && host.wish < next)) return false;
    host.now = next;
    return true;
  }

  #livelock(): LivelockError {
    const { maxSteps = MAX_STEPS } = this.#options;
    if (this.#steps <= maxSteps) {
      return new LivelockError(
        `livelock: the program has run for ${maxSteps * ALL_STEPS} iterations of the loop and ${this.host.now} seconds of simulated time, and ` +
          'has not ended; it looks again and again for something that never comes. Raise maxSteps if it is meant to run so long.' +
          doneNow(this.#loop),
      );
    }
    return livelock(maxSteps, this.#loop);
  }

  // ------------------------------------------------------------------------------------------------ real work

  /** Looks which of the tasks that have run wait for something that takes real time. */
  #noteRealWaits(): void {
    for (const task of this.#stepped) {
      if (!task.done() && waitsOfTask(task).some(({ isForeign }) => isForeign)) this.#outside.add(task);
      else this.#outside.delete(task);
    }
    this.#stepped.clear();
  }

  /**
   * Time passes only when real work has had its time: a file that is read within `timeout(5)` is read in no simulated time. A wait that gets
   * nothing is not waited for again.
   */
  async #waitForOutside(isOver: () => boolean): Promise<boolean> {
    this.#noteRealWaits();
    if (this.#outside.size === 0) return false;
    const isOurs = [...this.#outside].some((task) =>
      waitsOfTask(task).some(({ purpose }) => purpose?.isExternal === true),
    );
    const isWorth = (waited: number, turns: number): boolean =>
      waited < INVISIBLE || turns < INVISIBLE_TURNS || isOurs || isRequestUnderWay();
    const began = realTime();
    const hasCome = await this.#wait(this.#patience, isOver, isWorth);
    if (!hasCome) this.#outside.clear();
    this.#inVain = hasCome ? 0 : realTime() - began;
    return hasCome;
  }

  /** Nothing is left but what may come from outside. */
  async #waitForTheLast(isOver: () => boolean): Promise<boolean> {
    // Much real work does not show among the resources, such as the reading of a file.
    const isPossible = (): boolean => this.#foreignWaits().length > 0 || this.#newResources().length > 0;
    if (!isPossible()) return false;
    // A task that goes on only to fall asleep has no step under way after that turn: its timer is what shows that something has come.
    const hasCome = (): boolean => isOver() || this.host.wish !== null || !this.arrivals.isEmpty;
    if (await this.#wait(this.#patience - this.#inVain, hasCome, isPossible)) return true;
    for (const task of this.#foreignWaits()) this.#hopeless.add(task);
    return false;
  }

  /** Tasks that wait for something which is not of this library, unless that was waited for in vain already. */
  #foreignWaits(): Task<unknown>[] {
    return leftIn(this.#loop).tasks.filter(
      (task) => !this.#hopeless.has(task) && waitsOfTask(task).some(({ isForeign }) => isForeign),
    );
  }

  /** What keeps the process alive and did not when the program began. */
  #newResources(): string[] {
    // They are not noted for a program that begins inside one call; then all would look new.
    return this.#resourcesBefore === null ? [] : newResourcesSince(this.#resourcesBefore);
  }

  /**
   * Waits in real time. True when something has come.
   *
   * @param isWorth whether anything can come, after so many seconds and turns
   */
  async #wait(
    patience: number,
    isOver: () => boolean,
    isWorth: (waited: number, turns: number) => boolean,
  ): Promise<boolean> {
    const began = realTime();
    let waited = 0;
    let turns = 0;
    while (waited < patience && isWorth(waited, turns)) {
      await quiet(1);
      turns++;
      if (this.host.isBusy || isInStep(this.#loop) || isOver()) return true;
      waited = realTime() - began;
      // A clock that stands still is a fake one that was there before this library.
      if (waited === 0 && turns > MOST_TURNS) return false;
    }
    return false;
  }

  // ------------------------------------------------------------------------------------------------ its end

  /** Looks at what the program leaves behind, and ends it. */
  async #end(isComplete: boolean, lost: readonly unknown[], isAlone: () => boolean): Promise<Error[]> {
    const problems: Error[] = [];
    if (this.#isAbandoned) return problems;
    const loop = this.#loop;
    const { failOnLeaks = false, failOnUnretrieved = false } = this.#options;
    // What was cancelled or set last may have its turn, but no time passes for it.
    if (!isEmptyLoop(loop)) await this.#settle();
    // What belongs to the process is looked at only for a program that is alone in it, and not thousands of times.
    const before = this.decider === null && isAlone() ? this.#resourcesBefore : null;
    if (!isEmptyLoop(loop)) this.#options.atEnd?.(loop);
    if (failOnLeaks && isComplete && (before !== null || !isEmptyLoop(loop)))
      problems.push(...(await leaksOf(loop, before)));
    if (!isEmptyLoop(loop)) {
      if (!loop.isRunning()) this.#start();
      this.#isLivelocked = false;
      this.#stuck = null;
      this.#stall.begin(null);
      this.#steps = 0;
      this.#allSteps = 0;
      cancelLeft(loop, 'the end of the simulation');
      if (leftIn(loop).tasks.length > 0) {
        const failure = await this.#drive(() => leftIn(loop).tasks.length === 0);
        if (failure !== null && failOnLeaks) problems.push(failure.error as Error);
        if (this.#isAbandoned) return problems;
      }
      await this.#settle();
    }
    if (failOnUnretrieved || this.decider !== null) reportFailuresOf(loop);
    if (lost.length > 0) problems.push(unretrieved(lost));
    return problems;
  }

  /** Lets run what is ready, while time stands still. */
  async #settle(): Promise<void> {
    const { host } = this;
    while (host.takeTurn());
    while (!host.isQuick && (host.isBusy || isInStep(this.#loop))) await quiet(1);
  }

  async #stop(): Promise<void> {
    // A second stop() would end the next run as soon as it begins.
    if (this.#loop.isRunning()) this.#loop.stop();
    while (this.host.takeTurn());
    await this.#running;
    if (isEmptyLoop(this.#loop)) this.#loop.setExceptionHandler(null);
    else this.#loop.close();
  }
}

const NOTHING = { at: () => undefined };

/** Requests of Node to its own threads and to the system, which come back soon. */
const REQUEST = /Req|Immediate|Job|Zlib/;

function stopped(): RuntimeError {
  return new RuntimeError('the event loop was stopped before the main function had ended: let it return instead', {
    code: 'LOOP_STOPPED',
  });
}

/** Whether any is under way, of whomever: those of this program cannot be told from others that were under way before it began. */
function isRequestUnderWay(): boolean {
  return resourcesNow()?.some((resource) => REQUEST.test(resource)) === true;
}

function outcomeOf<T>(main: Task<T>): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: main.result() };
  } catch (error) {
    return { error };
  }
}
