import type { TraceEvent } from '../inspect/trace/events.ts';

/**
 * Slices of one kind on one track, in the order in which they begin, and found by time in logarithmic time: what is drawn of them depends on
 * the width of the window and not on how many there are.
 */
export class Slices {
  readonly begins: number[] = [];
  /** `Infinity` for one that has not ended. */
  readonly ends: number[] = [];
  readonly events: TraceEvent[] = [];
  /** The latest end up to each slice. Invariant: it never decreases, so that it can be searched, also where slices overlap. */
  readonly #latest: number[] = [];
  /** What the slices before each one last together. */
  readonly #sums: number[] = [];

  get length(): number {
    return this.begins.length;
  }

  /** @returns its index */
  add(begin: number, end: number, event: TraceEvent): number {
    const at = begin >= (this.begins.at(-1) ?? -Infinity) ? this.length : this.firstBeginningAt(begin);
    if (at === this.length) {
      this.begins.push(begin);
      this.ends.push(end);
      this.events.push(event);
    } else {
      this.begins.splice(at, 0, begin);
      this.ends.splice(at, 0, end);
      this.events.splice(at, 0, event);
    }
    this.#recount(at);
    return at;
  }

  /** Ends the last one that has not ended; false when there is none. */
  end(when: number): boolean {
    const at = this.ends.lastIndexOf(Infinity);
    if (at < 0) return false;
    this.ends[at] = Math.max(when, this.begins[at]!);
    this.#recount(at);
    return true;
  }

  /** The first slice that ends after a moment; `length` when none does. */
  firstAfter(time: number, from = 0): number {
    return lowestIndex(this.#latest, from, (latest) => latest > time);
  }

  /** The last slice that contains a moment, or is no further away than `slack`; -1 when none is. */
  at(time: number, slack: number): number {
    let best = -1;
    let nearest = slack;
    const first = this.firstAfter(time - slack - Number.EPSILON);
    for (let at = first; at < this.length && this.begins[at]! <= time + slack; at++) {
      const away = Math.max(this.begins[at]! - time, time - this.ends[at]!, 0);
      if (away <= nearest) {
        nearest = away;
        best = at;
      }
    }
    return best;
  }

  /** How much of a span of time slices fill, from 0 to 1. Good for spans with many slices, of which the first is given. */
  filled(first: number, from: number, to: number): number {
    const last = this.firstBeginningAt(to) - 1;
    if (last < first) return 0;
    const whole = this.#sums[last]! - this.#sums[first]!;
    const begin = Math.max(0, from - this.begins[first]!);
    const end = Math.min(this.ends[last]!, to) - this.begins[last]!;
    return Math.min(1, Math.max(0, (whole - begin + end) / (to - from)));
  }

  /** The first slice that begins at a moment or later; `length` when none does. */
  firstBeginningAt(time: number): number {
    return lowestIndex(this.begins, 0, (begin) => begin >= time);
  }

  #recount(from: number): void {
    for (let at = from; at < this.length; at++) {
      const before = at - 1;
      this.#latest[at] = Math.max(this.ends[at]!, before < 0 ? -Infinity : this.#latest[before]!);
      this.#sums[at] = before < 0 ? 0 : this.#sums[before]! + durationOf(this.begins[before]!, this.ends[before]!);
    }
  }
}

function durationOf(begin: number, end: number): number {
  return end === Infinity ? 0 : end - begin;
}

/** The lowest index from `from` on whose value holds; the length when none does. Once it holds, it holds for all that follow. */
export function lowestIndex(values: readonly number[], from: number, holds: (value: number) => boolean): number {
  let low = from;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(values[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
