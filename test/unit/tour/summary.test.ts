import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../examples/tour/play.ts';
import type { Part, Spelling } from '../../../examples/tour/programs.ts';
import { complaint, summarize } from '../../../examples/tour/summary.ts';

const part = (title: string, seconds: number | null, result: unknown): Part => {
  const start = async () => result;
  return { title, seconds, result, start: { async: start, generators: start } };
};

const gather = part('1 gather', 3, ['do1', 'do3']);
const thread = part('7 thread', null, 'ok');

function outcome(of: Part, seconds: number, spelling: Spelling = 'async'): Outcome {
  return { part: of, spelling, seconds, ended: { result: of.result } };
}

describe('the verdict on a program', () => {
  it.each([2.995, 3, 3.02, 3.8])('is good after %d s instead of 3 s', (seconds) => {
    expect(complaint(outcome(gather, seconds))).toBeNull();
  });

  it.each([2.9, 4, 6])('is bad after %d s instead of 3 s', (seconds) => {
    expect(complaint(outcome(gather, seconds))).toBe(`took ${seconds.toFixed(3)} s instead of 3 s`);
  });

  it('does not look at a time that is up to the machine', () => {
    expect(complaint(outcome(thread, 20))).toBeNull();
  });

  it('is bad after a wrong result and after an error', () => {
    const wrong = { ...outcome(gather, 3), ended: { result: ['do3', 'do1'] } };
    expect(complaint(wrong)).toBe("gave [ 'do3', 'do1' ] instead of [ 'do1', 'do3' ]");
    const failed = { ...outcome(gather, 3), ended: { error: new RangeError('no') } };
    expect(complaint(failed)).toBe('failed: RangeError: no');
  });
});

describe('the summary', () => {
  it('compares the times', () => {
    expect(summarize([outcome(gather, 3.0123), outcome(thread, 0.2)])).toEqual([
      'program                   expected         async',
      '────────────────────────────────────────────────',
      '1 gather                   3.000 s     3.012 s ✓',
      '7 thread                       any     0.200 s ✓',
      '',
      '✓ 2 runs, all as expected',
    ]);
  });

  it('has a column for each spelling, and the complaints below', () => {
    expect(summarize([outcome(gather, 3), outcome(gather, 6, 'generators')])).toEqual([
      'program                   expected         async    generators',
      '──────────────────────────────────────────────────────────────',
      '1 gather                   3.000 s     3.000 s ✓     6.000 s ✗',
      '',
      '✗ 1 gather (generators) took 6.000 s instead of 3 s',
    ]);
  });
});
