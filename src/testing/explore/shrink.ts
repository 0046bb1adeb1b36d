import { DeadlockError } from '../errors.ts';
import { Script } from './choices.ts';
import type { Failure, Runs } from './runs.ts';
import type { Deviation } from './schedule.ts';
import { DelayBoundedStrategy } from './strategies.ts';

/** A failure and the deviations that lead to it. */
export interface Found {
  readonly deviations: readonly Deviation[];
  readonly failure: Failure;
}

/** Whether two failures are of one kind: what differs from run to run, such as numbers in the text, does not count. */
export function isSameFailure(one: Failure, other: Failure): boolean {
  return kindOf(one.error) === kindOf(other.error);
}

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Who waits for whom in a circle is what tells one deadlock from another: their first lines are the same.
  const circle = error instanceof DeadlockError ? [...error.cycle].sort().join(' ') : '';
  const line = `${error.message.split('\n')[0]} ${circle}`.replace(/\d+/g, '#');
  return `${error.name} ${'code' in error ? String(error.code) : ''} ${line}`;
}

/**
 * Looks for a failure of the same kind with as few deviations as can be found in so many runs: schedules with one or two delays are tried
 * first, then deviations are left out, half of them at a time, then fewer, and at last other ways are taken that are nearer to the first.
 */
export async function shrink(runs: Runs, found: Found, most: number): Promise<Found> {
  let left = most;
  let best = found;
  const attempt = async (deviations: readonly Deviation[]): Promise<boolean> => {
    if (left-- <= 0) return false;
    const failure = await runs.run(new Script(deviations));
    if (failure === null || !isSameFailure(failure, found.failure)) return false;
    // What the run has really done: a deviation that could not be taken is none.
    best = { deviations: runs.choices.deviations(), failure };
    return true;
  };

  const simpler = await fewDelays(runs, found, Math.floor(most / 2));
  left -= Math.floor(most / 2);
  if (simpler !== null) best = simpler;

  for (let size = Math.ceil(best.deviations.length / 2); size > 0 && left > 0; ) {
    let isSmaller = false;
    for (let from = 0; from < best.deviations.length && left > 0; ) {
      const rest = best.deviations.filter((_, i) => i < from || i >= from + size);
      const before = best.deviations.length;
      if ((await attempt(rest)) && best.deviations.length < before) isSmaller = true;
      else from += size;
    }
    if (size === 1 && !isSmaller) break;
    size = isSmaller && size === 1 ? 1 : Math.floor(size / 2) || 1;
  }

  for (let i = 0; i < best.deviations.length && left > 0; i++) {
    for (let way = 1; way < (best.deviations[i]?.way ?? 0); way++) {
      const nearer = best.deviations.map((deviation, at) => (at === i ? { ...deviation, way } : deviation));
      if (await attempt(nearer)) break;
    }
  }
  return best;
}

/** The first failure of the kind among the schedules with few delays; `null` when there is none that is simpler. */
async function fewDelays(runs: Runs, found: Found, most: number): Promise<Found | null> {
  const delays = found.deviations.reduce((sum, { way }) => sum + way, 0);
  const strategy = new DelayBoundedStrategy(Math.min(2, delays - 1));
  for (let run = 0; run < most && strategy.begin(); run++) {
    const failure = await runs.run(strategy);
    if (failure !== null && isSameFailure(failure, found.failure)) {
      return { deviations: runs.choices.deviations(), failure };
    }
    strategy.end(runs.choices);
  }
  return null;
}
