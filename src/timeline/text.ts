import { cutText, safeText } from '../internal/safe-text.ts';

/** Texts of a timeline: names that come from a program, and times. */

const LONGEST = 300;

/** A text as it can be shown in one line. */
export function shownText(value: unknown): string {
  return safeText(cutText(String(value), LONGEST));
}

const UNITS = [
  { name: 's', size: 1e6 },
  { name: 'ms', size: 1e3 },
  { name: 'µs', size: 1 },
  { name: 'ns', size: 1e-3 },
] as const;

/** A duration in the unit that fits it, with three digits that count. */
export function shownDuration(microseconds: number): string {
  if (microseconds === 0) return '0 s';
  const size = Math.abs(microseconds);
  // What is rounded up to the next unit is shown in that: 1 s, and not 1000 ms.
  const unit = UNITS.find((one) => size >= one.size * 0.9995) ?? UNITS[3];
  const value = microseconds / unit.size;
  return `${Number(value.toPrecision(3))} ${unit.name}`;
}

/** A moment on an axis whose marks are so far apart, exact enough to tell two marks apart. */
export function shownTime(microseconds: number, apart: number): string {
  if (microseconds === 0) return '0 s';
  const unit = UNITS.find((one) => apart >= one.size) ?? UNITS[3];
  const digits = Math.max(0, Math.ceil(-Math.log10(apart / unit.size)));
  const coarse = unit.name === 's' || Math.abs(microseconds) < 1e6 ? unit : UNITS[Math.abs(microseconds) < 1e6 ? 1 : 0];
  if (coarse === unit) return `${(microseconds / unit.size).toFixed(Math.min(digits, 3))} ${unit.name}`;
  return `${(microseconds / coarse.size).toFixed(Math.min(12, Math.max(0, Math.ceil(-Math.log10(apart / coarse.size)))))} ${coarse.name}`;
}

/** How far apart the marks of an axis are: 1, 2 or 5 of some power of ten. */
export function distanceOfMarks(span: number, most: number): number {
  const least = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((distance) => distance >= least) ?? 10 * power;
}
