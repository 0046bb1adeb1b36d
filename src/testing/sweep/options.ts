import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { checkCallback, checkOptions } from '../../internal/options.ts';
import { checkWholeNumber } from '../../internal/whole-number.ts';
import type { CoroutineFunction } from '../../kernel/lowlevel.ts';
import { checkBounds } from '../simulation/bounds.ts';
import type { SweepPoint } from './failure.ts';
import { MODES, type SweepMode } from './modes.ts';

/** How a run of a sweep has ended. */
export interface SweepEnding {
  /** Where and how a wait was ended; `null` for the run that was not disturbed. */
  readonly at: SweepPoint | null;
  /** What the main function has returned; `undefined` when it has thrown. */
  readonly value: unknown;
  /** What it has thrown; `null` when it has returned. */
  readonly error: unknown;
}

/** Options of `sweep`. */
export interface SweepOptions<S = undefined> {
  /**
   * Called after each run, the undisturbed one too: throws when something is not as it should be. An async or generator function runs on the
   * loop of the run, in simulated time, so that it may use the locks and queues of the program.
   */
  readonly check?: ((state: S, ending: SweepEnding) => unknown) | undefined;
  /** Called before each run; what it gives is passed to the main function and to `check`. Make there what all runs would share otherwise. */
  readonly setup?: (() => S | PromiseLike<S>) | undefined;
  /** The ways in which waits are ended; all when absent. */
  readonly modes?: readonly SweepMode[] | undefined;
  /** Which tasks' waits are ended; those of all tasks when absent. */
  readonly tasks?:
    | ((task: { readonly name: string; readonly coroutine: string; readonly isMain: boolean }) => boolean)
    | undefined;
  /** The largest number of runs. When there would be more, some are drawn, of as many places as possible. Default: 5000. */
  readonly limit?: number | undefined;
  /** What is drawn then; the same number draws the same runs. Default: 1. */
  readonly seed?: number | undefined;
  /** Whether it is a failure when tasks, timers, sockets or processes are left behind. Default: true. */
  readonly failOnLeaks?: boolean | undefined;
  /** Pools and other objects whose `acquire()` and `release()` are counted, or what gives them; as `track` does for each. */
  readonly resources?: readonly object[] | ((state: S) => readonly object[]) | undefined;
  /** How long real work may take that the program waits for in one run, in real seconds, as in `runVirtual`. Default: 1. */
  readonly patience?: number | undefined;
  /** So many timers may fire while the main task stands still, as in `runVirtual`: after that it is stuck. Default: 100,000. */
  readonly maxBeats?: number | undefined;
  /** Errors that may come out of the program when one of its waits is ended: returns whether an error is one. */
  readonly expected?: ((error: unknown) => boolean) | undefined;
}

/** Options of a sweep whose main function is given what `setup` gives. */
export type WithSetup<S> = SweepOptions<S> & { readonly setup: () => S | PromiseLike<S> };

/** Options of a sweep whose main function has no parameters. */
export type WithoutSetup = SweepOptions & { readonly setup?: undefined };

/** The program of a sweep: called once for each run. */
export type SweepMain<S> = CoroutineFunction<unknown, [state: S]>;

/** With what is meant where an option is absent. */
export interface CheckedOptions<S> extends SweepOptions<S> {
  readonly modes: readonly SweepMode[];
  readonly limit: number;
  readonly seed: number;
  readonly failOnLeaks: boolean;
}

const NAMES = [
  'check',
  'setup',
  'modes',
  'tasks',
  'limit',
  'seed',
  'failOnLeaks',
  'resources',
  'patience',
  'maxBeats',
  'expected',
] as const;

/** @throws {TypeError} when something of it is not what it has to be */
export function checkedOptions<S>(call: string, main: unknown, options: SweepOptions<S>): CheckedOptions<S> {
  if (typeof main !== 'function') {
    throw typeError(
      `${call}: the program is run many times, so that it must be a function, got ${describe(main)}; write ${call}(main) or ${call}(() => main(x))`,
      'NOT_CALLABLE',
    );
  }
  checkOptions(call, options, NAMES);
  for (const name of ['check', 'setup', 'tasks', 'expected'] as const) checkCallback(`${call}: ${name}`, options[name]);
  const { modes = MODES, limit = MOST_RUNS, seed = 1, failOnLeaks = true } = options;
  if (!Array.isArray(modes) || modes.length === 0) {
    throw typeError(`${call}: modes is a list of at least one of ${MODES.join(', ')}, got ${describe(modes)}`);
  }
  const { resources = [] } = options;
  if (typeof resources !== 'function' && !Array.isArray(resources)) {
    throw typeError(
      `${call}: resources is a list, or a function that gives one, got ${describe(resources)}; write { resources: [pool] }`,
    );
  }
  for (const mode of modes) {
    if (!MODES.includes(mode)) {
      throw typeError(
        `${call}: there is no mode ${describe(mode)}; its modes are ${MODES.join(', ')}`,
        'UNKNOWN_OPTION',
      );
    }
  }
  checkWholeNumber(`${call}: limit`, limit, { least: 1, orInfinity: true });
  checkWholeNumber(`${call}: seed`, seed, { least: 0 });
  checkBounds(call, options);
  return { ...options, modes, limit, seed, failOnLeaks };
}

const MOST_RUNS = 5_000;
