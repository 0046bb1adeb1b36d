import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distanceOfMarks, shownDuration, shownText, shownTime } from '../../../src/timeline/text.ts';
import { TimeWindow } from '../../../src/timeline/window.ts';

function windowOf(first: number, last: number): TimeWindow {
  const window = new TimeWindow();
  window.setBounds(first, last);
  window.fit();
  return window;
}

describe('the window of a timeline', () => {
  it('shows everything with a margin', () => {
    const window = windowOf(100, 200);
    expect([window.from, window.to]).toEqual([99, 201]);
    expect(window.isWhole).toBe(true);
  });

  it('keeps a moment in its place while it zooms', () => {
    const window = windowOf(0, 1_000);
    window.zoom(0.5, 250);
    const before = (250 - window.from) / window.span;
    window.zoom(0.25, 250);
    expect((250 - window.from) / window.span).toBeCloseTo(before);
    expect(window.isWhole).toBe(false);
  });

  it('never loses what there is out of sight, whatever is done to it', () => {
    const action = fc.oneof(
      fc.record({
        zoom: fc.double({ min: 0.01, max: 100, noNaN: true }),
        at: fc.double({ min: -1, max: 2, noNaN: true }),
      }),
      fc.record({ pan: fc.double({ min: -1e7, max: 1e7, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        const window = windowOf(0, 1e6);
        for (const one of actions) {
          if ('pan' in one) window.pan(one.pan);
          else window.zoom(one.zoom, window.from + one.at * window.span);
          expect(window.span).toBeGreaterThan(0);
          expect(window.to).toBeGreaterThan(0);
          expect(window.from).toBeLessThan(1e6);
        }
      }),
    );
  });

  it('reveals a moment, and moves only when it must', () => {
    const window = windowOf(0, 1_000);
    window.show(100, 200);
    const { from } = window;
    window.reveal(150);
    expect(window.from).toBe(from);
    window.reveal(900);
    expect(window.from).toBeLessThan(900);
    expect(window.to).toBeGreaterThan(900);
  });

  it('has a span also where all is one moment', () => {
    const window = windowOf(5, 5);
    expect(window.span).toBeGreaterThan(0);
    window.show(5, 5);
    expect(window.span).toBeGreaterThan(0);
  });
});

describe('texts of a timeline', () => {
  it.each([
    [0, '0 s'],
    [0.5, '500 ns'],
    [12.345, '12.3 µs'],
    [1_234, '1.23 ms'],
    [206_000, '206 ms'],
    [999_998, '1 s'],
    [3_600_000_000, '3600 s'],
    [61_000_000, '61 s'],
  ])('%d microseconds are %s', (time, text) => {
    expect(shownDuration(time)).toBe(text);
  });

  it.each([
    [0, 1e6, '0 s'],
    [2e6, 1e6, '2 s'],
    [2.5e6, 5e5, '2.5 s'],
    [20_000, 20_000, '20 ms'],
    [150, 50, '150 µs'],
  ])('the mark %d of an axis with marks %d apart is %s', (time, apart, text) => {
    expect(shownTime(time, apart)).toBe(text);
  });

  it('marks that are told apart have texts that are told apart', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: -1, max: 6 }), (at, power) => {
        const apart = 10 ** power;
        expect(shownTime(at * apart, apart)).not.toBe(shownTime((at + 1) * apart, apart));
      }),
    );
  });

  it('marks are 1, 2 or 5 of a power of ten apart, and not more than asked for', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), fc.integer({ min: 1, max: 20 }), (span, most) => {
        const distance = distanceOfMarks(span, most);
        expect(span / distance).toBeLessThanOrEqual(most * 1.0001);
        expect(['1', '2', '5']).toContain(distance.toExponential()[0]);
      }),
    );
  });

  it('names are cut, and shown in one line', () => {
    expect(shownText('x'.repeat(10_000)).length).toBeLessThan(310);
    expect(shownText('a\nb\u2028')).toBe('a\\nb\\u2028');
    expect(shownText('שלום 👋')).toBe('שלום 👋');
  });
});
