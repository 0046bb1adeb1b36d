import { isCancelledError } from '../../errors/errors.ts';
import { addInstrument, type EventLoop, logger, RuntimeError, RuntimeHost, ValueError } from '../../index.ts';
import { type AwaitableLike, type CoroutineFunction, runningLoop } from '../../kernel/lowlevel.ts';
import { DeadlockError, type LeakError, LivelockError, NondeterminismError, StaleTokenError } from '../errors.ts';
import { failureOfCheck } from '../simulation/check.ts';
import { leakOf } from '../simulation/left.ts';
import { type Ending, Simulation } from '../simulation/simulation.ts';
import { tellSource } from '../simulation/sources.ts';
import { failureOf, pointOf, type SweepFailure, type SweepPoint, textOfError } from './failure.ts';
import { HeldPrimitives } from './held.ts';
import { Judge, type Run } from './judge.ts';
import {
  type CheckedOptions,
  checkedOptions,
  type SweepMain,
  type SweepOptions,
  type WithoutSetup,
  type WithSetup,
} from './options.ts';
import { isPossible, plansOf } from './plan.ts';
import { type Plan, Striker } from './striker.ts';
import { formatToken, parseToken } from './token.ts';
import { switchTracker, Tracker } from './track.ts';
import { Recorder, type Watch } from './watch.ts';

/** One place of a program at which a sweep has ended waits. */
export interface SweepPlace {
  /** As `file:line:column`; `null` for waits whose place is not known. */
  readonly place: string | null;
  /** What is waited for there. */
  readonly operation: string;
  /** How many awaits of the undisturbed run were there. */
  readonly awaits: number;
  /** How often one of them was ended. */
  readonly runs: number;
}

/** What a sweep has done. */
export interface SweepReport {
  /** How often the program was run and disturbed. */
  readonly runs: number;
  /** How many awaits the undisturbed program reaches, of all its tasks. */
  readonly awaits: number;
  readonly places: readonly SweepPlace[];
  /**
   * The waits whose cancellation the task has caught and not thrown again: it returned as if nothing had happened. That is no failure, since it
   * may be meant; most often it is a `catch` that should begin with `rethrowIfCancelled(error)`.
   */
  readonly swallowed: readonly SweepPoint[];
  /** How often a task waited for a promise that is not of this library, where nothing can be cancelled. */
  readonly foreign: number;
  /** How many runs were left out because of the limit. */
  readonly leftOut: number;
  /** What the undisturbed program has thrown; `null` when it has returned. */
  readonly error: unknown;
  /** How long it has taken, in real milliseconds. */
  readonly milliseconds: number;
}

/**
 * Runs a program once for each await that any of its tasks reaches, cancels it there, and looks whether the program copes: that it ends, that
 * what it has acquired is given back, that nothing else comes out of it but the cancellation, that no other task was cancelled, and what
 * `check` says.
 *
 * Each await is ended in several ways (`SweepMode`): by `task.cancel()` and by the deadline of a timeout around the whole task, each of them
 * while the task waits, and in the same iteration in which what it waits for is done, just before and just after that. The program runs in
 * simulated time, and must do the same in each run.
 *
 * **Cancellation**: a sweep cannot be cancelled.
 *
 * @param main an async function or a generator function: called once for each run, with what `setup` gives
 * @returns a promise of the report
 * @throws {SweepFailure} (as a rejection) at the first run in which something goes wrong
 * @throws {DeadlockError} (as a rejection) when the program comes to a standstill without being disturbed; `LivelockError` and `LeakError`
 * likewise, and what `check` throws then
 * @throws {RuntimeError} (as a rejection) when a running loop calls it
 * @throws {NondeterminismError} (as a rejection) when the program does not do the same each time
 * @throws {TypeError} (as a rejection) when `main` is not a function, or an option is not what it has to be
 * @example
 * const lock = new Lock();
 * const main = () => lock.with(() => sleep(1));
 * const report = await sweep(main, {
 *   check: () => {
 *     if (lock.locked()) throw new Error('the lock is still held');
 *   },
 * });
 * report.runs; // 6
 */
export function sweep(main: CoroutineFunction<unknown>, options?: WithoutSetup): Promise<SweepReport>;
export function sweep<S>(main: SweepMain<S>, options: WithSetup<S>): Promise<SweepReport>;
export async function sweep<S>(main: SweepMain<S>, options: SweepOptions<S> = {}): Promise<SweepReport> {
  const { report } = await alone('sweep', () => new Sweep(main, checkedOptions('sweep', main, options)).run());
  return report;
}

/**
 * Repeats the run of a token that a sweep has given.
 *
 * @throws {SweepFailure} when it goes wrong again
 * @throws {StaleTokenError} when the program does not reach this await any more, or reaches it in another way
 * @internal
 */
export async function replaySweep<S = undefined>(
  main: SweepMain<S>,
  token: string,
  options: SweepOptions<S> = {},
): Promise<SweepReport> {
  const checked = checkedOptions('replay', main, options);
  const { report } = await alone('replay', () => new Sweep(main, checked).replay(token));
  return report;
}

/**
 * Sweeps the body of a test that has passed, for fixtures: what its undisturbed run throws is an error.
 *
 * @param failOnUnretrieved whether it is one that the undisturbed run loses errors
 * @internal
 */
export async function sweepTest(
  main: CoroutineFunction<unknown>,
  options: WithoutSetup,
  failOnUnretrieved: boolean,
): Promise<void> {
  const checked = checkedOptions<undefined>('sweep', main, options);
  await alone('sweep', () => new Sweep(main, checked, { failOnUnretrieved }).run());
}

/** Programs are watched by hooks of the whole thread: two sweeps at a time would see each other. */
let last: Promise<unknown> = Promise.resolve();

async function alone<T>(call: string, body: () => Promise<T>): Promise<T> {
  if (runningLoop() !== null) {
    throw new RuntimeError(`${call} cannot be called from a running event loop: call it from the test itself`, {
      code: 'LOOP_RUNNING',
    });
  }
  const turn = last.then(body);
  last = turn.catch(() => {});
  return turn;
}

/** So many times the iterations of the undisturbed run, and so many more, mean that a run does not end. */
const PATIENCE_FACTOR = 20;
const PATIENCE = 1_000;

/** A run in which a wait was ended. */
interface Struck extends Plan {
  readonly isSwallowed: boolean;
}

interface StrikeResult {
  readonly isStruck: boolean;
  readonly isSwallowed: boolean;
  readonly problem: { readonly error: unknown } | null;
}

interface Undisturbed extends Run {
  readonly recorder: Recorder;
}

interface SimulationSettings {
  readonly places: boolean;
  readonly quick: boolean;
  readonly most?: number;
  readonly nondeterminism?: 'note';
}

class Sweep<S> {
  readonly #main: SweepMain<S>;
  readonly #options: CheckedOptions<S>;
  /** For a test: what the undisturbed program throws is an error, and what it loses may be. */
  readonly #test: { readonly failOnUnretrieved: boolean } | null;
  #leak: LeakError | null = null;

  constructor(
    main: SweepMain<S>,
    options: CheckedOptions<S>,
    test: { readonly failOnUnretrieved: boolean } | null = null,
  ) {
    this.#main = main;
    this.#options = options;
    this.#test = test;
  }

  async run(): Promise<{ report: SweepReport; undisturbed: Undisturbed }> {
    const { modes, tasks, limit, seed } = this.#options;
    const clock = new RuntimeHost();
    const began = clock.time();
    const undisturbed = await this.#undisturbed();
    const { sites } = undisturbed.recorder;
    const wanted = sites.filter(
      ({ taskName: name, coroutine, task }) => tasks?.({ name, coroutine, isMain: task === 0 }) !== false,
    );
    if (wanted.length === 0 && sites.length > 0) {
      throw new ValueError(
        `sweep: tasks selects none of the ${sites.length} places where the program waits, so that nothing would be swept`,
      );
    }
    const { plans, left } = plansOf(wanted, modes, limit, seed);
    const runs = await this.#strikeAll(plans, undisturbed);
    const report = this.#report(undisturbed, runs, left, (clock.time() - began) * 1_000);
    return { report, undisturbed };
  }

  async replay(token: string): Promise<{ report: SweepReport; undisturbed: Undisturbed }> {
    const { wait, mode, hash } = parseToken(token);
    const clock = new RuntimeHost();
    const began = clock.time();
    const undisturbed = await this.#undisturbed();
    const site = undisturbed.recorder.sites[wait];
    if (site === undefined || site.hash !== hash || !isPossible(site, mode)) {
      const found =
        site === undefined
          ? `it has only ${undisturbed.recorder.sites.length} awaits`
          : 'the awaits before it are not the same any more';
      throw new StaleTokenError(
        `'${token}' is of another program, or this one has changed: it ends await ${wait + 1} of the run, but ${found}. Sweep it again.`,
      );
    }
    const plan: Plan = { site, mode };
    const runs = await this.#strikeAll([plan], undisturbed);
    return { report: this.#report(undisturbed, runs, 0, (clock.time() - began) * 1_000), undisturbed };
  }

  // ------------------------------------------------------------------------------------------------ runs

  async #undisturbed(): Promise<Undisturbed> {
    const simulation = this.#simulation({ places: true, quick: false });
    try {
      const recorder = new Recorder(() => simulation.loop);
      const { run, state } = await this.#perform(simulation, recorder, null);
      const { failure } = run.ending;
      if (failure !== null && (this.#test !== null || isStandstill(failure.error) || recorder.sites.length === 0)) {
        throw this.#undisturbedFailure(failure.error);
      }
      if (this.#test?.failOnUnretrieved === true && run.ending.problems.length > 0) {
        throw this.#undisturbedFailure(run.ending.problems[0]);
      }
      if (this.#options.failOnLeaks && run.leak !== null) throw this.#undisturbedFailure(run.leak);
      const problem = await this.#check(simulation, state, run.ending, null);
      if (problem !== null) throw problem.error;
      return { ...run, recorder };
    } finally {
      simulation.close();
    }
  }

  /** A test has passed before it is swept: when it fails now without being disturbed, it does not do the same each time. */
  #undisturbedFailure(error: unknown): unknown {
    if (this.#test === null || isCancelledError(error)) return error; // its time limit cancels it
    const differs = new NondeterminismError(
      `the test has passed, but when it was run again to be swept, and not disturbed yet, it failed with ${textOfError(error)}. ` +
        'What beforeEach makes is not made again: make it inside the body of the test, or pass { sweep: false }',
    );
    differs.cause = error;
    return differs;
  }

  /** Runs all; returns those that were really disturbed. */
  async #strikeAll(plans: readonly Plan[], undisturbed: Undisturbed): Promise<Struck[]> {
    const most = undisturbed.recorder.iterations * PATIENCE_FACTOR + PATIENCE;
    const judge = new Judge(undisturbed, this.#options.expected, this.#options.failOnLeaks);
    const struck: Struck[] = [];
    if (plans.length === 0) return struck;
    const { simulation, recorder } = await this.#again(undisturbed.recorder, most);
    try {
      for (const plan of plans) {
        const site = recorder.sites[plan.site.index];
        if (site?.hash !== plan.site.hash) throw await this.#otherProgram(plan);
        const result = await this.#strike(simulation, { site, mode: plan.mode }, judge, most);
        if (result.isStruck) struck.push({ ...plan, isSwallowed: result.isSwallowed });
        if (result.problem !== null) throw await this.#failure(plan, judge, most, result.problem.error);
      }
    } finally {
      simulation.close();
    }
    return struck;
  }

  /**
   * Runs the program undisturbed once more, in the way in which it is to be disturbed: inside one call, if that makes no difference for it.
   * The iterations of the loop are others then.
   */
  async #again(
    recorder: Recorder,
    most: number,
  ): Promise<{ readonly simulation: Simulation; readonly recorder: Recorder }> {
    const quickly = recorder.isSlow ? null : await this.#recordAgain(true, most);
    if (quickly !== null) {
      const { recorder: again } = quickly;
      if (again.hash === recorder.hash && again.waits === recorder.waits) return quickly;
      quickly.simulation.close();
    }
    return await this.#recordAgain(false, most);
  }

  async #recordAgain(quick: boolean, most: number): Promise<{ simulation: Simulation; recorder: Recorder }> {
    const simulation = this.#simulation({ places: false, quick, most });
    const recorder = new Recorder(() => simulation.loop);
    try {
      await this.#perform(simulation, recorder, null);
    } catch (error) {
      simulation.close();
      throw error;
    }
    return { simulation, recorder };
  }

  async #strike(simulation: Simulation, plan: Plan, judge: Judge, most: number): Promise<StrikeResult> {
    const striker = new Striker(() => simulation.loop, plan, most);
    const { run, state } = await this.#perform(simulation, striker, striker);
    if (striker.isOtherProgram) throw await this.#otherProgram(plan);
    if (!striker.hasCome) throw await this.#otherProgram(plan, striker.hasCome);
    const { isStruck, isSwallowed } = striker;
    if (!isStruck) return { isStruck, isSwallowed, problem: null };
    const error = judge.problemOf(run, striker);
    if (error !== null) return { isStruck, isSwallowed, problem: { error } };
    const problem = await this.#check(simulation, state, run.ending, pointOf(plan));
    return { isStruck, isSwallowed, problem };
  }

  /** Runs a failure once more, with the places of all waits, so that its message has them. */
  async #failure(plan: Plan, judge: Judge, most: number, first: unknown): Promise<SweepFailure> {
    const simulation = this.#simulation({ places: true, quick: false, most });
    try {
      const { problem } = await this.#strike(simulation, plan, judge, most);
      const { site, mode } = plan;
      const token = formatToken({ wait: site.index, mode, hash: site.hash });
      const given = (
        ['check', 'setup', 'resources', 'patience', 'maxBeats', 'expected', 'failOnLeaks'] as const
      ).filter((name) => (name === 'failOnLeaks' ? !this.#options.failOnLeaks : this.#options[name] !== undefined));
      return failureOf(
        plan,
        token,
        problem === null ? first : problem.error,
        this.#test === null ? given.map((name) => (name === 'failOnLeaks' ? 'failOnLeaks: false' : name)) : null,
      );
    } finally {
      simulation.close();
    }
  }

  async #otherProgram({ site }: Plan, hasCome = true): Promise<NondeterminismError> {
    const { index, operation, taskName } = site;
    const wait = `await number ${index + 1}`;
    return new NondeterminismError(
      hasCome
        ? `before anything was disturbed, its ${wait} was not ${operation} of ${taskName}, as in the first run`
        : `nothing was disturbed yet, but the program did not come to its ${wait}, which was ${operation} of ${taskName} in the first run`,
      await this.#sources(),
    );
  }

  /** What the program asks for that differs from run to run, with its places. */
  async #sources(): Promise<readonly string[]> {
    const simulation = this.#simulation({ places: false, quick: false, nondeterminism: 'note' });
    try {
      await this.#perform(simulation, new Recorder(() => simulation.loop), null);
      return simulation.sources.found.map(tellSource);
    } finally {
      simulation.close();
    }
  }

  #simulation({ places, quick, most, nondeterminism }: SimulationSettings): Simulation {
    const { patience, maxBeats } = this.#options;
    return new Simulation({
      places,
      quick,
      patience,
      maxBeats,
      maxSteps: most,
      failOnUnretrieved: true,
      nondeterminism,
      atEnd: (loop: EventLoop) => {
        this.#leak = leakOf(loop);
      },
    });
  }

  /** One run of the program. */
  async #perform(simulation: Simulation, watch: Watch, striker: Striker | null): Promise<{ run: Run; state: S }> {
    const { setup, resources } = this.#options;
    const tracker = new Tracker();
    const held = new HeldPrimitives();
    const trackerBefore = switchTracker(tracker);
    held.open();
    const remove = addInstrument(watch);
    const stopLooking = striker === null ? addInstrument({ iterationBegin: () => held.look() }) : null;
    // What the library warns of comes from the cancellation, and is judged here.
    const speak = striker === null ? null : mute();
    this.#leak = null;
    try {
      const state = (await setup?.()) as S;
      for (const resource of (typeof resources === 'function' ? resources(state) : resources) ?? []) {
        tracker.add(resource);
      }
      const main = this.#main as (state: unknown) => unknown;
      const program = striker?.mainFor(main, state) ?? (setup === undefined ? main : bound(main, state));
      const ending = await simulation.run<unknown>(program as AwaitableLike<unknown>);
      // Of the undisturbed run everything is told, so that it is known what is never given back.
      const primitives = held.states(striker === null || ending.value !== null);
      return { run: { ending, leak: this.#leak, primitives, inUse: tracker.left }, state };
    } finally {
      remove();
      stopLooking?.();
      speak?.();
      held.close();
      switchTracker(trackerBefore);
      tracker.close();
    }
  }

  /** What the user's check says: `null` when it has returned. */
  async #check(
    simulation: Simulation,
    state: S,
    { value, failure }: Ending<unknown>,
    at: SweepPoint | null,
  ): Promise<{ readonly error: unknown } | null> {
    const { check } = this.#options;
    if (check === undefined) return null;
    return await failureOfCheck(simulation, check, state, { at, value: value?.value, error: failure?.error ?? null });
  }

  #report({ recorder, ending }: Undisturbed, runs: readonly Struck[], leftOut: number, took: number): SweepReport {
    const places = new Map<string, { place: string | null; operation: string; awaits: number; runs: number }>();
    const keyOf = (site: Plan['site']): string => `${site.place} ${site.operation}`;
    for (const site of recorder.sites) {
      const known = places.get(keyOf(site));
      if (known !== undefined) known.awaits++;
      else places.set(keyOf(site), { place: site.place, operation: site.operation, awaits: 1, runs: 0 });
    }
    for (const { site } of runs) places.get(keyOf(site))!.runs++;
    return {
      runs: runs.length,
      awaits: recorder.sites.length,
      places: [...places.values()],
      swallowed: runs.filter(({ isSwallowed }) => isSwallowed).map(pointOf),
      foreign: recorder.foreign,
      leftOut,
      error: ending.failure?.error ?? null,
      milliseconds: took,
    };
  }
}

/** The main function with its state: as it is, an async function or a generator function, and with its name. */
function bound(main: (state: unknown) => unknown, state: unknown): unknown {
  return Object.defineProperty(main.bind(null, state), 'name', { value: main.name });
}

function mute(): () => void {
  const { error, warn } = logger;
  logger.error = () => {};
  logger.warn = () => {};
  return () => {
    logger.error = error;
    logger.warn = warn;
  };
}

function isStandstill(error: unknown): boolean {
  return error instanceof DeadlockError || error instanceof LivelockError;
}
