import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../../../src/inspect/index.ts';
import { Slices } from '../../../src/timeline/slices.ts';

const event = (name: string): TraceEvent => ({ ph: 'X', name, cat: 'step', pid: 1, tid: 1, ts: 0 });

function slicesOf(spans: readonly (readonly [number, number])[]): Slices {
  const slices = new Slices();
  for (const [begin, end] of spans) slices.add(begin, end, event(`${begin}`));
  return slices;
}

const spans = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 30 }))
    .map(([at, long]) => [at, at + long] as const),
  { maxLength: 40 },
);

describe('slices', () => {
  it('are in the order in which they begin, in whatever order they are added', () => {
    fc.assert(
      fc.property(spans, (given) => {
        const slices = slicesOf(given);
        expect(slices.begins).toEqual(given.map(([begin]) => begin).sort((a, b) => a - b));
        expect(slices.events.map(({ name }) => Number(name))).toEqual(slices.begins);
      }),
    );
  });

  it('are found by time as a search of all of them finds them', () => {
    fc.assert(
      fc.property(spans, fc.integer({ min: -5, max: 140 }), (given, time) => {
        const slices = slicesOf(given);
        const after = slices.ends.findIndex((end) => end > time);
        expect(slices.firstAfter(time)).toBe(after < 0 ? slices.length : after);
        const beginning = slices.begins.findIndex((begin) => begin >= time);
        expect(slices.firstBeginningAt(time)).toBe(beginning < 0 ? slices.length : beginning);
      }),
    );
  });

  it('end the last one that is open, and no other', () => {
    const slices = slicesOf([[0, 5]]);
    expect(slices.end(9)).toBe(false);
    slices.add(6, Infinity, event('open'));
    expect(slices.end(9)).toBe(true);
    expect(slices.ends).toEqual([5, 9]);
    expect(slices.firstAfter(8)).toBe(1);
    expect(slices.firstAfter(9)).toBe(2);
  });

  it('are hit at a moment, or nearby, the nearest one first', () => {
    const slices = slicesOf([
      [0, 10],
      [12, 13],
      [20, 30],
    ]);
    expect(slices.at(5, 0)).toBe(0);
    expect(slices.at(11.5, 0)).toBe(-1);
    expect(slices.at(11.5, 1)).toBe(1);
    expect(slices.at(15, 3)).toBe(1);
    expect(slices.at(31, 3)).toBe(2);
  });

  it('tell how much of a span they fill', () => {
    const slices = slicesOf([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    expect(slices.filled(0, 0, 8)).toBeCloseTo(0.5);
    expect(slices.filled(1, 2, 6)).toBeCloseTo(0.5);
    expect(slices.filled(1, 2.5, 4.5)).toBeCloseTo(0.5);
    expect(slices.filled(3, 6.5, 6.9)).toBeCloseTo(1);
  });
});
