import { typeError } from '../../errors/type-error.ts';
import type { CoroutineFunction } from '../../index.ts';
import { describe } from '../../internal/describe.ts';
import type { Chooser } from './choices.ts';
import { type ExploreOptions, settingsOf } from './explore.ts';
import { Runs } from './runs.ts';

/**
 * Runs a program once under a schedule that is a list of numbers: at each choice the next number says which way is taken, of as many as there
 * are; 0, and whatever comes after the list, is the usual way. This lets a property-based test draw the schedule with its inputs, so that both
 * are shrunk together.
 *
 * @param main an async function or a generator function
 * @param ways whole numbers from 0
 * @param options as those of `explore`, as far as they are about a single run
 * @returns a promise of what `main` returns
 * @throws what the program fails with (as a rejection)
 * @example
 * const size = await runSchedule(async () => {
 *   const queue = new Queue();
 *   await gather(queue.put('a'), queue.put('b'));
 *   return queue.qsize();
 * }, [1, 0, 2], { level: 'any' });
 * size; // 2
 */
export async function runSchedule<T>(
  main: CoroutineFunction<T>,
  ways: readonly number[],
  options: ExploreOptions<T> = {},
): Promise<T> {
  const settings = settingsOf('runSchedule', main, options);
  if (!Array.isArray(ways) || !ways.every((way) => Number.isInteger(way) && way >= 0)) {
    throw typeError(`runSchedule: the ways are a list of whole numbers from 0, got ${describe(ways)}`);
  }
  const runs = new Runs(main, settings, false, true);
  try {
    const failure = await runs.run(new Ways(ways));
    if (failure !== null) throw failure.error;
    return runs.value as T;
  } finally {
    runs.close();
  }
}

class Ways implements Chooser {
  readonly #ways: readonly number[];

  constructor(ways: readonly number[]) {
    this.#ways = ways;
  }

  choose(_kind: string, count: number, _candidates: unknown, at: number): number {
    return (this.#ways[at] ?? 0) % count;
  }
}
