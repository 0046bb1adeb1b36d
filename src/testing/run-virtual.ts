import { ExceptionGroup } from '../errors/index.ts';
import { checkOptions } from '../internal/options.ts';
import type { AwaitableLike } from '../kernel/lowlevel.ts';
import { checkBounds } from './simulation/bounds.ts';
import { Simulation } from './simulation/simulation.ts';
import { checkNondeterminism, type OnNondeterminism } from './simulation/sources.ts';

/** Options of `runVirtual`. */
export interface RunVirtualOptions {
  /** Whether it is an error to leave tasks, timers, sockets or processes behind. Default: false, they are cancelled and closed. */
  readonly failOnLeaks?: boolean | undefined;
  /** Whether it is an error that nobody has looked at the error of a task or future. Default: false, it is reported. */
  readonly failOnUnretrieved?: boolean | undefined;
  /** Turns the loop's debug mode on or off. */
  readonly debug?: boolean | undefined;
  /** The name of the main task. */
  readonly name?: string | undefined;
  /** How long real work may take that the program waits for (files, threads, processes, promises), in real seconds. Default: 1. */
  readonly patience?: number | undefined;
  /** So many iterations of the loop without any time passing are a livelock. Default: a million. */
  readonly maxSteps?: number | undefined;
  /**
   * So many timers may fire while the main task, and whatever it waits for, stands still: after that it is stuck, though other tasks keep the
   * clock going. Ten times as many may fire where an older timer is pending, or only some of the branches of a task (`Promise.all`) stand still,
   * and a hundred times as many until the end of the program. `Infinity` for no bound. Default: 100,000.
   */
  readonly maxBeats?: number | undefined;
  /**
   * What is done when the program asks for something that differs from run to run: `Date.now()`, `Math.random()`, `setTimeout`, `fetch` and the
   * like. `report`: a warning with its place, once for each; `error`: the call throws, and the program fails. Default: `ignore`.
   */
  readonly nondeterminism?: OnNondeterminism | undefined;
}

const OPTIONS = [
  'failOnLeaks',
  'failOnUnretrieved',
  'debug',
  'name',
  'patience',
  'maxSteps',
  'maxBeats',
  'nondeterminism',
] as const;

/**
 * Runs a program in simulated time: whenever nothing is left to run, the clock jumps to the next timer, so that hours of sleeping take
 * milliseconds, and each run is the same.
 *
 * When nothing is left that could ever run, it ends at once with an error that says which task waits for what, where and for whom. Real work
 * (files, threads, promises that are not of this library) takes real time, at most `patience` seconds, and no simulated time. When only timers that
 * repeat go on, such as those of a heartbeat, and the main task waits for something else, it ends after `maxBeats` of them.
 *
 * **Cancellation**: as in `run`, remaining tasks are cancelled and waited for at the end.
 *
 * @param main an async function, a generator function, or an awaitable
 * @returns a promise of what `main` returns
 * @throws {DeadlockError} (as a rejection) when the program comes to a standstill
 * @throws {LivelockError} (as a rejection) when it runs on and on without any time passing, or with nothing but timers that repeat (`maxBeats`)
 * @throws {LeakError} (as a rejection) when it leaves something behind, with `failOnLeaks`
 * @throws {UnretrievedError} (as a rejection) when an error is lost, with `failOnUnretrieved`
 * @throws {RuntimeError} (as a rejection) when a running loop calls it
 * @throws {TypeError | ValueError} (as a rejection) when an option cannot be used
 * @example
 * const seconds = await runVirtual(async () => {
 *   const began = getRunningLoop().time();
 *   await sleep(3600);
 *   return getRunningLoop().time() - began;
 * });
 * seconds; // 3600
 */
export async function runVirtual<T>(main: AwaitableLike<T>, options: RunVirtualOptions = {}): Promise<T> {
  checkOptions('runVirtual', options, OPTIONS, false);
  checkNondeterminism('runVirtual', options.nondeterminism);
  const { name, ...given } = options;
  checkBounds('runVirtual', options);
  const simulation = new Simulation({ places: true, ...given });
  try {
    const { value, failure, problems } = await simulation.run<T>(main, name === undefined ? {} : { name });
    if (failure !== null) throw failure.error;
    if (problems.length === 1) throw problems[0];
    if (problems.length > 1) throw new ExceptionGroup('the program has left something behind', problems);
    return value!.value;
  } finally {
    simulation.close();
  }
}
