import { median, spread } from './statistics.ts';
import type { Contender } from './subject.ts';

/** What one contender took, per operation. */
export interface Measured {
  readonly name: string;
  readonly median: number;
  /** Half the interquartile range, relative to the median. */
  readonly spread: number;
  /** Median of the ratios to native within the same round; below 1 is faster than native. */
  readonly ratio: number;
  readonly samples: readonly number[];
}

// Enough for the optimising compiler to have seen every part of a workload.
const WARM_UP_RUNS = 4;
const WARM_UP_NANOSECONDS = 300e6;
const LONGEST_WARM_UP = 3000e6;

/**
 * Measures contenders side by side. Rounds are interleaved, and each begins with another contender, so that a machine that
 * gets busier or hotter troubles all of them alike. The first contender is the one that ratios refer to.
 */
export async function measure(
  contenders: readonly Contender[],
  count: number,
  rounds: number,
  cold = false,
): Promise<Measured[]> {
  const samples = contenders.map((): number[] => []);
  if (!cold) for (const contender of contenders) await warmUp(contender, count);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const at = (i + round) % contenders.length;
      samples[at]!.push(await perOperation(contenders[at]!, count));
    }
  }
  for (const contender of contenders) await contender.close?.();
  const base = samples[0]!;
  return contenders.map(({ name }, i) => {
    const own = samples[i]!;
    return {
      name,
      median: median(own),
      spread: spread(own),
      ratio: median(own.map((sample, round) => sample / base[round]!)),
      samples: own,
    };
  });
}

async function warmUp(contender: Contender, count: number): Promise<void> {
  const begin = performance.now() * 1e6;
  for (let runs = 0; ; runs++) {
    const spent = performance.now() * 1e6 - begin;
    if (spent > LONGEST_WARM_UP || (runs >= WARM_UP_RUNS && spent > WARM_UP_NANOSECONDS)) return;
    await perOperation(contender, count);
  }
}

async function perOperation(contender: Contender, count: number): Promise<number> {
  const operations = Math.max(1, Math.round(count / (contender.fewer ?? 1)));
  // What the one before has left behind is not this one's to sweep up. A minor collection does not age compiled code.
  globalThis.gc?.({ type: 'minor' });
  return (await contender.run(operations)) / operations;
}
