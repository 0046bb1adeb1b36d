import type { CoroutineFunction } from '../../index.ts';
import { NondeterminismError, StaleTokenError } from '../errors.ts';
import type { SweepMain, WithoutSetup, WithSetup } from '../sweep/options.ts';
import { replaySweep } from '../sweep/sweep.ts';
import { isSweepToken } from '../sweep/token.ts';
import { Script } from './choices.ts';
import { type ExploreOptions, settingsOf, sourcesIn } from './explore.ts';
import { firstDifference, Runs, traced } from './runs.ts';
import { scheduleOf } from './schedule.ts';

/**
 * Runs a program under the schedule of a token again: it fails as it did.
 *
 * @param main the program that the token was made for
 * @param token of an `ExplorationFailure` or a `SweepFailure`
 * @param options those that change how a single run goes, if there were any: of the exploration `slack`, `maxSteps`, `failOnLeaks`,
 * `failOnUnretrieved`, `check`; of the sweep all that its message names
 * @throws the failure (as a rejection)
 * @throws {StaleTokenError} (as a rejection) when the program is no longer the one that the token was made for, or does not fail any more
 * @throws {NondeterminismError} (as a rejection) when it does not, but two runs under the schedule differ
 * @example
 * try {
 *   await replay(async () => { await sleep(1); }, 'xc-45h-1');
 * } catch (error) {
 *   String(error); // StaleTokenError: …
 * }
 */
export function replay<T>(main: CoroutineFunction<T>, token: string, options?: ExploreOptions<T>): Promise<never>;
export function replay(main: CoroutineFunction<unknown>, token: string, options?: WithoutSetup): Promise<never>;
export function replay<S>(main: SweepMain<S>, token: string, options: WithSetup<S>): Promise<never>;
export async function replay(main: (...args: never) => unknown, token: string, options: object = {}): Promise<never> {
  if (isSweepToken(token)) {
    await replaySweep(main as SweepMain<unknown>, token, options);
    throw new StaleTokenError('replay: the program copes with this cancellation now: it is mended, or has changed.');
  }
  const schedule = scheduleOf(token);
  const program = main as CoroutineFunction<unknown>;
  const settings = settingsOf('replay', program, { ...options, level: schedule.level });
  const runs = new Runs(program, settings, false, true);
  try {
    const script = new Script(schedule.deviations);
    const { result: failure, trace } = await traced(runs, () => runs.run(script));
    const end = (schedule.deviations.at(-1)?.at ?? -1) + 1;
    const isOther = script.isStale || !script.isOver || runs.choices.fingerprint(end) !== schedule.fingerprint;
    if (isOther || failure === null) {
      // What is not the same from run to run would be told as a change of the program.
      const again = await traced(runs, () => runs.run(new Script(schedule.deviations)));
      const difference = firstDifference(trace, again.trace);
      if (difference !== null) {
        throw new NondeterminismError(difference, await sourcesIn(program, settings, schedule.deviations));
      }
    }
    if (isOther) {
      throw new StaleTokenError(
        'replay: the program has changed since the token was made: it no longer comes to the choices that the schedule makes. Explore it again.',
        failure === null ? {} : { cause: failure.error },
      );
    }
    if (failure === null) {
      throw new StaleTokenError(
        'replay: the program does not fail under this schedule any more: it is mended, or has changed.',
      );
    }
    throw failure.error;
  } finally {
    runs.close();
  }
}
