import { RuntimeError, ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import type { CoroutineFunction } from '../../index.ts';
import { iscoroutinefunction } from '../../index.ts';
import { describe } from '../../internal/describe.ts';
import { checkCallback, checkOptions } from '../../internal/options.ts';
import { checkSeconds, checkWholeNumber } from '../../internal/whole-number.ts';
import { NondeterminismError } from '../errors.ts';
import { checkBounds } from '../simulation/bounds.ts';
import { checkNondeterminism, type OnNondeterminism } from '../simulation/sources.ts';
import { Script, SLACK } from './choices.ts';
import { explain } from './explain.ts';
import { watchLines } from './lines.ts';
import { type Failure, firstDifference, type RunSettings, Runs, traced } from './runs.ts';
import { type Deviation, type Level, tokenOf } from './schedule.ts';
import { isSameFailure, shrink } from './shrink.ts';
import { STRATEGIES, type Strategy, type StrategyName, strategyOf } from './strategies.ts';

/** Options of `explore`. */
export interface ExploreOptions<T = unknown> {
  /** How many schedules are run at the most. Default: 1000. */
  readonly schedules?: number | undefined;
  /**
   * `contract`: only what production may really do: the order in which things come from outside, timers of one deadline, timers that are late.
   * `any`: the order of everything that is ready as well, which finds code that relies on the order in which the loop happens to run things.
   * Default: `contract`.
   */
  readonly level?: Level | undefined;
  /**
   * How schedules are chosen: `random`, `uniform` (all orders about equally likely), `pct` (random priorities with few changes), `slow` (what comes
   * from outside comes after everything else), `dfs` (all with few delays, in order), `por` (all, but
   * of those that differ only in the order of steps that use different locks, events and queues, one), or `portfolio`: the others by turns. Use
   * `por` at level `any`, and only for programs whose tasks share nothing but locks, events, conditions, semaphores, barriers and queues: what
   * they share in variables it does not see. Default: `portfolio`.
   */
  readonly strategy?: StrategyName | undefined;
  /** Of the random numbers: the same seed gives the same schedules. Default: 1. */
  readonly seed?: number | undefined;
  /** How many delays `dfs` puts into a schedule at the most. Default: 2. */
  readonly bound?: number | undefined;
  /** By how much a timer may be late while other code runs, in seconds. Default: 0.001. */
  readonly slack?: number | undefined;
  /** So many iterations of the loop without any time passing are a livelock. Default: 10,000. */
  readonly maxSteps?: number | undefined;
  /**
   * So many timers may fire, or things come from outside, while the main task and whatever it waits for stand still: after that it is stuck,
   * as in `runVirtual`. Default: 10,000.
   */
  readonly maxBeats?: number | undefined;
  /** Whether it is a failure that tasks, timers or connections are left when the program has ended. Default: true. */
  readonly failOnLeaks?: boolean | undefined;
  /** Whether it is a failure that nobody has looked at the error of a task. Default: true. */
  readonly failOnUnretrieved?: boolean | undefined;
  /**
   * Called with what `main` has returned, after each schedule: what it throws is a failure. An async or generator function runs on the loop of
   * the program, in simulated time and in the usual order.
   */
  readonly check?: ((value: T) => unknown) | undefined;
  /**
   * What is done when the program asks for something that differs from run to run: `Date.now()`, `Math.random()`, `setTimeout`, `fetch` and the
   * like. `report`: a warning with its place, once for each; `error`: the call throws, which is a failure. Default: `ignore`; but what was
   * found is told when two runs differ.
   */
  readonly nondeterminism?: OnNondeterminism | undefined;
  /**
   * Whether the exploration ends with the first schedule that fails. When not, all schedules are run, nothing is thrown, and the report tells
   * how many of them have failed with what. Default: true.
   */
  readonly stopAtFirst?: boolean | undefined;
  /** How many runs may be spent on a simpler schedule once one has failed. Default: 1000. */
  readonly shrinkRuns?: number | undefined;
}

const OPTIONS = [
  'schedules',
  'level',
  'strategy',
  'seed',
  'bound',
  'slack',
  'maxSteps',
  'maxBeats',
  'failOnLeaks',
  'failOnUnretrieved',
  'check',
  'nondeterminism',
  'stopAtFirst',
  'shrinkRuns',
] as const;

/** Failures of one kind, in an exploration with `stopAtFirst: false`. */
export interface FoundFailure {
  /** What the first schedule that failed so has failed with. */
  readonly error: unknown;
  /** Which of the schedules that was, from 1. */
  readonly schedule: number;
  /** How many schedules have failed so. */
  readonly count: number;
}

/** What an exploration has done that was not ended by a failure. */
export interface ExploreReport {
  /** How many schedules were run. */
  readonly schedules: number;
  /** Whether these were all that the strategy has: for `dfs` all up to its bound, for `por` all that can differ. */
  readonly isComplete: boolean;
  /** The most choices that one run had. */
  readonly choices: number;
  /** What has failed, by its kind, in the order in which it was found; empty unless `stopAtFirst` is false. */
  readonly failures: readonly FoundFailure[];
}

/** The options that change how a single run goes, so that `replay` needs them as well. */
const OF_A_RUN = [
  'slack',
  'maxSteps',
  'maxBeats',
  'failOnLeaks',
  'failOnUnretrieved',
  'check',
  'nondeterminism',
] as const;

/** A schedule under which a program fails. */
export class ExplorationFailure extends RuntimeError {
  /** For `replay(main, token)`. */
  readonly token: string;
  /** What the program has failed with. */
  readonly error: unknown;
  /** How the schedule differs from the nearest one that passes, with both as timelines. */
  readonly explanation: string;
  /** Which of the schedules was the first to fail, from 1. */
  readonly schedule: number;

  /** @param options the names of those that were given and that `replay` needs as well */
  constructor(error: unknown, token: string, explanation: string, schedule: number, options: readonly string[] = []) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : describe(error);
    super(
      `found in schedule ${schedule}: ${text}\n\n${explanation}\n\nIt runs again with: await replay(main, '${token}'${options.length === 0 ? '' : `, { ${options.join(', ')} }`})`,
      {
        code: 'EXPLORATION_FAILURE',
        cause: error,
      },
    );
    this.error = error;
    this.token = token;
    this.explanation = explanation;
    this.schedule = schedule;
  }

  override get name(): string {
    return 'ExplorationFailure';
  }
}

/**
 * Runs a program under many schedules, each from its beginning in simulated time, and looks for one under which it fails: it throws, comes
 * to a standstill, runs on without end, leaves something behind, loses an error, or `check` throws. The failing schedule is then made as simple as
 * possible.
 *
 * The program has to be the same in each run: whatever it changes outside itself has to be made anew by `main`.
 *
 * @param main an async function or a generator function
 * @throws {ExplorationFailure} (as a rejection) when a schedule fails, with a `token` for `replay` and an `explanation`
 * @throws {NondeterminismError} (as a rejection) when two runs under one schedule differ
 * @throws {TypeError} (as a rejection) when `main` is no function of a coroutine
 * @example
 * const report = await explore(async () => {
 *   const lock = new Lock();
 *   let balance = 100;
 *   const withdraw = async () => {
 *     using _ = await lock.acquire();
 *     const before = balance;
 *     await sleep(0.1);
 *     balance = before - 10;
 *   };
 *   await gather(withdraw(), withdraw());
 *   if (balance !== 80) throw new Error(`${balance} is left`);
 * });
 * report.schedules > 0; // true
 */
export async function explore<T>(main: CoroutineFunction<T>, options: ExploreOptions<T> = {}): Promise<ExploreReport> {
  const settings = settingsOf('explore', main, options);
  const { schedules = 1_000, strategy: name = 'portfolio', seed = 1, bound = 2, shrinkRuns = 1_000 } = options;
  const { stopAtFirst = true } = options;
  const { isQuick, usual } = await runUsually(main, settings);
  const runs = new Runs(main, settings, isQuick);
  const strategy = strategyOf(name, seed, bound, settings.level);
  const unwatch = watchLines();
  try {
    const failures: { error: unknown; schedule: number; count: number }[] = [];
    let choices = 0;
    let run = 0;
    for (; run < schedules && strategy.begin(run); run++) {
      const failure = await runs.run(strategy);
      if (failure !== null) {
        if (runs.choices.deviations().length === 0) await checkUsual(main, settings, usual, failure);
        if (stopAtFirst) {
          const given = OF_A_RUN.filter((name) => options[name] !== undefined);
          return await fail({ main, settings, runs, usual, shrinkRuns, given }, failure, run + 1);
        }
        noteFailure(failures, failure, run + 1);
      }
      choices = Math.max(choices, runs.choices.length);
      strategy.end(runs.choices);
    }
    // Whether the last run was the last of all, only the next one would tell.
    const isComplete = strategy.isComplete !== undefined && run < schedules ? strategy.isComplete : isLast(strategy);
    return { schedules: run, isComplete, choices, failures };
  } finally {
    strategy.close?.();
    unwatch();
    runs.close();
  }
}

/** Whether a strategy that comes to an end has run its last schedule. */
function isLast(strategy: Strategy): boolean {
  return strategy.isComplete !== undefined && !strategy.begin(0) && strategy.isComplete;
}

function noteFailure(
  failures: { error: unknown; schedule: number; count: number }[],
  { error }: Failure,
  schedule: number,
): void {
  const known = failures.find((failure) => isSameFailure(failure, { error }));
  if (known === undefined) failures.push({ error, schedule, count: 1 });
  else known.count++;
}

/** The options of all runs, checked. */
export function settingsOf<T>(call: string, main: unknown, options: ExploreOptions<T>): RunSettings {
  checkOptions(call, options, OPTIONS);
  if (typeof main !== 'function') {
    throw typeError(
      `${call}: an async function or a generator function is required, which is called anew for each run; got ${describe(main)}` +
        `${iscoroutinefunction(main) ? '' : `: write ${call}(() => …) or ${call}(main), not ${call}(main())`}`,
      'NOT_A_COROUTINE',
    );
  }
  checkCallback(`${call}: check`, options.check);
  checkNondeterminism(call, options.nondeterminism);
  const { level = 'contract', strategy = 'portfolio' } = options;
  if (level !== 'contract' && level !== 'any') {
    throw new ValueError(`${call}: level is 'contract' or 'any', got ${describe(level)}`);
  }
  if (!STRATEGIES.includes(strategy)) {
    const names = STRATEGIES.map((name) => `'${name}'`);
    throw new ValueError(
      `${call}: strategy is ${names.slice(0, -1).join(', ')} or ${names.at(-1)}, got ${describe(strategy)}`,
    );
  }
  checkNumbers(call, options);
  const { slack = SLACK, maxSteps = 10_000, maxBeats = 10_000 } = options;
  const { failOnLeaks = true, failOnUnretrieved = true, check = null } = options;
  const { nondeterminism = 'ignore' } = options;
  const checked = check as RunSettings['check'];
  return { level, slack, maxSteps, maxBeats, failOnLeaks, failOnUnretrieved, check: checked, nondeterminism };
}

/** A number that says how many schedules are run may be computed: with `NaN` none would be, and everything would pass. */
function checkNumbers(call: string, options: Omit<ExploreOptions, 'check'>): void {
  const { schedules = 1, seed = 0, bound = 0, slack = 0, shrinkRuns = 0 } = options;
  checkWholeNumber(`${call}: schedules`, schedules, { least: 1, orInfinity: true });
  checkWholeNumber(`${call}: seed`, seed, { least: 0 });
  checkWholeNumber(`${call}: bound`, bound, { least: 0, orInfinity: true });
  checkBounds(call, options);
  checkWholeNumber(`${call}: shrinkRuns`, shrinkRuns, { least: 0, orInfinity: true });
  checkSeconds(`${call}: slack`, slack);
}

/** How a program runs in the usual order. */
interface Usual {
  /** Whether it can be run inside one call. */
  readonly isQuick: boolean;
  /** What it fails with then; `null` when it does not. */
  readonly usual: Failure | null;
}

/**
 * Runs the program in the usual order, twice with everything that a runtime does between turns, and then inside one call, to see whether that
 * makes a difference for it.
 *
 * @throws {NondeterminismError} when the first two differ
 */
async function runUsually(main: CoroutineFunction<unknown>, settings: RunSettings): Promise<Usual> {
  const { nondeterminism } = settings;
  const isNoted = nondeterminism === 'ignore';
  const slowly = new Runs(main, isNoted ? { ...settings, nondeterminism: 'note' } : settings, false);
  const quickly = new Runs(main, settings, true);
  const usual = new Script([]);
  try {
    const first = await traced(slowly, () => slowly.run(usual));
    const second = await traced(slowly, () => slowly.run(usual));
    const difference =
      firstDifference(first.trace, second.trace) ??
      (isSame(first.result, second.result) ? null : differenceOf(first.result, second.result));
    if (difference !== null) throw new NondeterminismError(difference, slowly.sources);
    const quick = await traced(quickly, () => quickly.run(usual));
    return { isQuick: firstDifference(first.trace, quick.trace) === null, usual: first.result };
  } finally {
    slowly.close();
    quickly.close();
  }
}

function isSame(one: Failure | null, other: Failure | null): boolean {
  return one === null || other === null ? one === other : isSameFailure(one, other);
}

function differenceOf(one: Failure | null, other: Failure | null): string {
  const tell = (failure: Failure | null): string =>
    failure === null ? 'did not fail' : `failed with ${describe(failure.error)}`;
  return `one run ${tell(one)}; in another one under the same schedule it ${tell(other)}`;
}

/**
 * A run that takes no other way than the usual one fails as the first run has, or something has outlived that one.
 *
 * @throws {NondeterminismError} when it does not
 */
async function checkUsual(
  main: CoroutineFunction<unknown>,
  settings: RunSettings,
  usual: Failure | null,
  failure: Failure,
): Promise<void> {
  if (isSame(usual, failure)) return;
  throw new NondeterminismError(differenceOf(failure, usual), await sourcesIn(main, settings, []));
}

/** What is needed to tell of a failure. */
interface Exploration {
  readonly main: CoroutineFunction<unknown>;
  readonly settings: RunSettings;
  readonly runs: Runs;
  /** What the usual order fails with. */
  readonly usual: Failure | null;
  readonly shrinkRuns: number;
  /** The names of the options that `replay` needs as well. */
  readonly given: readonly string[];
}

async function fail(exploration: Exploration, failure: Failure, schedule: number): Promise<never> {
  const { main, settings, runs, usual, shrinkRuns, given } = exploration;
  const deviations = runs.choices.deviations();
  const again = await runs.run(new Script(deviations));
  if (!isSame(failure, again)) {
    throw new NondeterminismError(differenceOf(failure, again), await sourcesIn(main, settings, deviations));
  }
  const simplest = await shrink(runs, { deviations, failure }, shrinkRuns);
  if (simplest.deviations.length === 0) await checkUsual(main, settings, usual, simplest.failure);
  const telling = new Runs(main, settings, false, true);
  try {
    const last = await telling.run(new Script(simplest.deviations));
    const end = simplest.deviations.length === 0 ? 0 : simplest.deviations.at(-1)!.at + 1;
    const token = tokenOf({
      level: settings.level,
      deviations: simplest.deviations,
      fingerprint: telling.choices.fingerprint(end),
    });
    const explanation = await explain(telling, simplest.deviations);
    throw new ExplorationFailure((last ?? simplest.failure).error, token, explanation, schedule, given);
  } finally {
    telling.close();
  }
}

/** What the program asks for under a schedule that differs from run to run. */
export async function sourcesIn(
  main: CoroutineFunction<unknown>,
  settings: RunSettings,
  deviations: readonly Deviation[],
): Promise<readonly string[]> {
  const runs = new Runs(main, { ...settings, nondeterminism: 'note' }, false);
  try {
    await runs.run(new Script(deviations));
    return runs.sources;
  } finally {
    runs.close();
  }
}
