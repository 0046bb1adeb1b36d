import { describe, expect, test } from 'vitest';
import { Choices, Script } from '../../../../src/testing/explore/choices.ts';

const NOTHING = { at: () => undefined };

/** Makes so many choices of so many ways each. */
function make(choices: Choices, counts: readonly number[]): number[] {
  return counts.map((count) => choices.choose('ready', count, NOTHING));
}

describe('a script', () => {
  test('takes its ways where it has them, and the first way everywhere else', () => {
    const choices = new Choices('any', 0);
    const script = new Script([
      { at: 1, way: 2 },
      { at: 3, way: 1 },
    ]);
    choices.begin(script);
    expect(make(choices, [3, 3, 3, 3, 3])).toEqual([0, 2, 0, 1, 0]);
    expect([script.isStale, script.isOver]).toEqual([false, true]);
  });

  test('is stale when a choice does not have the way that it takes', () => {
    const choices = new Choices('any', 0);
    const script = new Script([{ at: 0, way: 2 }]);
    choices.begin(script);
    expect(make(choices, [2])).toEqual([0]);
    expect(script.isStale).toBe(true);
  });

  test('is not over when the run ends before its last deviation', () => {
    const choices = new Choices('any', 0);
    const script = new Script([{ at: 5, way: 1 }]);
    choices.begin(script);
    make(choices, [2, 2]);
    expect(script.isOver).toBe(false);
  });
});

describe('the record of a run', () => {
  test('holds its deviations, and begins anew with each run', () => {
    const choices = new Choices('any', 0);
    choices.begin({ choose: (_kind, count) => count - 1 });
    make(choices, [1, 2, 3]);
    expect(choices.deviations()).toEqual([
      { at: 1, way: 1 },
      { at: 2, way: 2 },
    ]);
    choices.begin(new Script([]));
    make(choices, [2, 2]);
    expect([choices.deviations(), choices.length]).toEqual([[], 2]);
  });

  test('has a fingerprint of the kinds and counts up to a choice, and of nothing else', () => {
    const choices = new Choices('any', 0);
    const fingerprintOf = (counts: readonly number[], way: number, end: number): string => {
      choices.begin({ choose: () => way });
      make(choices, counts);
      return choices.fingerprint(end);
    };
    const first = fingerprintOf([2, 3, 4], 0, 2);
    expect(fingerprintOf([2, 3, 4], 1, 2)).toBe(first);
    expect(fingerprintOf([2, 3, 9], 0, 2)).toBe(first);
    expect(fingerprintOf([2, 4, 4], 0, 2)).not.toBe(first);
    expect(first).toMatch(/^[0-9a-z]{1,7}$/);
  });
});
