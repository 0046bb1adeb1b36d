/** The value in the middle; of an even number, the mean of the two. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** The value that so much of the samples is below, between two of them by straight line. */
function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Half the distance between the quartiles, as a part of the median: what the `±` in the tables means. */
export function spread(samples: readonly number[]): number {
  return (quantile(samples, 0.75) - quantile(samples, 0.25)) / 2 / median(samples);
}
