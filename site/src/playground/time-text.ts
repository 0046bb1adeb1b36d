/** A time in seconds, with the digits that count. */
export function timeText(seconds: number): string {
  if (seconds === 0) return '0 s';
  if (seconds >= 1) return `${Number(seconds.toPrecision(5))} s`;
  if (seconds >= 1e-3) return `${Number((seconds * 1e3).toPrecision(3))} ms`;
  return `${Math.round(seconds * 1e6)} µs`;
}
