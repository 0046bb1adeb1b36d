import { ExplorationFailure, type ExploreOptions, explore } from 'asyncio-ts/testing';
import { checkFailure, type Kernel, type Strategy } from './kernel.ts';

/** How one strategy does on a kernel. */
export interface Figures {
  readonly strategy: Strategy;
  /** The median of the number of the first schedule that shows the bug; `null` when most explorations do not find it. */
  readonly median: number | null;
  /** The greatest of them; `null` when one exploration did not find it. */
  readonly worst: number | null;
  /** What share of the runs shows the bug, the median of all explorations; `null` where it was not measured. */
  readonly rate: number | null;
}

/** The kernel measured. */
export interface Measured {
  readonly kernel: Kernel;
  readonly figures: readonly Figures[];
}

/** So many explorations with different seeds are made of each kernel: as many as in the experiments of NodeRacer and NACD. */
export const SEEDS = 30;
/** Runs of each exploration by which rates are measured: as many as in those experiments. */
export const RUNS = 100;

/**
 * Explores the broken form with one seed after the other.
 *
 * @throws {Error} when a run fails with something else than the bug of the kernel
 */
export async function measure(kernel: Kernel, strategy: Strategy, seeds = SEEDS): Promise<Figures> {
  const firsts: (number | null)[] = [];
  const rates: number[] = [];
  const isDeterministic = strategy === 'dfs';
  for (let seed = 1; seed <= (isDeterministic ? 1 : seeds); seed++) {
    if (kernel.published.rate === undefined) firsts.push(await firstFailing(kernel, strategy, seed));
    else {
      const { first, rate } = await rateOf(kernel, strategy, seed);
      firsts.push(first);
      rates.push(rate);
    }
  }
  const sorted = firsts.map((first) => first ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const median = medianOf(sorted);
  const worst = sorted.at(-1)!;
  return {
    strategy,
    median: Number.isFinite(median) ? median : null,
    worst: Number.isFinite(worst) ? worst : null,
    rate: rates.length === 0 ? null : medianOf(rates.sort((a, b) => a - b)),
  };
}

function optionsOf(kernel: Kernel, strategy: Strategy, seed: number): ExploreOptions {
  return { ...kernel.options, level: kernel.level ?? 'contract', strategy, seed };
}

async function firstFailing(kernel: Kernel, strategy: Strategy, seed: number): Promise<number | null> {
  try {
    const schedules = kernel.published.within;
    await explore(kernel.broken, { ...optionsOf(kernel, strategy, seed), schedules, shrinkRuns: 0 });
    return null;
  } catch (error) {
    if (!(error instanceof ExplorationFailure)) throw error;
    checkFailure(kernel, error.error);
    return error.schedule;
  }
}

async function rateOf(
  kernel: Kernel,
  strategy: Strategy,
  seed: number,
): Promise<{ first: number | null; rate: number }> {
  const options = optionsOf(kernel, strategy, seed);
  const { failures, schedules } = await explore(kernel.broken, { ...options, schedules: RUNS, stopAtFirst: false });
  for (const { error } of failures) checkFailure(kernel, error);
  const count = failures.reduce((sum, failure) => sum + failure.count, 0);
  return { first: failures[0]?.schedule ?? null, rate: count / schedules };
}

/** Of sorted numbers; the lower one of the two in the middle. */
function medianOf(sorted: readonly number[]): number {
  return sorted[(sorted.length - 1) >> 1]!;
}

/** Whether a strategy has done what is asked of it. */
export function isReached({ published }: Kernel, { strategy, median, rate }: Figures): boolean {
  const isFound = median !== null && median <= published.within;
  const isOften = published.rate === undefined || rate === null || rate >= published.rate;
  return published.except?.includes(strategy) === true || (isFound && isOften);
}

/**
 * Explores the fixed form.
 *
 * @returns how many schedules were run
 * @throws {ExplorationFailure} when one fails
 */
export async function checkFixed(kernel: Kernel, schedules: number): Promise<number> {
  const { level = 'contract' } = kernel;
  const report = await explore(kernel.fixed, { ...kernel.options, level, schedules, seed: 2 });
  return report.schedules;
}
