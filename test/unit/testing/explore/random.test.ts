import { describe, expect, test } from 'vitest';
import { Random } from '../../../../src/testing/explore/random.ts';

function drawn(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

describe('pseudo-random numbers', () => {
  test('are the same for the same seed, on every machine', () => {
    expect(drawn(new Random(1), 5)).toEqual(drawn(new Random(1), 5));
    expect(drawn(new Random(1), 2).map((number) => number.toFixed(6))).toEqual(['0.627074', '0.002736']);
  });

  test('differ from seed to seed, and from run to run', () => {
    const first = drawn(Random.of(1, 0), 5);
    expect(drawn(Random.of(2, 0), 5)).not.toEqual(first);
    expect(drawn(Random.of(1, 1), 5)).not.toEqual(first);
  });

  test('lie between 0 and 1, and are spread evenly', () => {
    const numbers = drawn(new Random(7), 10_000);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    const inTenths = Array.from({ length: 10 }, () => 0);
    for (const number of numbers) inTenths[Math.floor(number * 10)]!++;
    for (const count of inTenths) expect(count).toBeGreaterThan(900);
    for (const count of inTenths) expect(count).toBeLessThan(1_100);
  });

  test('the first numbers of the runs of one seed are spread evenly, too', () => {
    const coins = Array.from({ length: 10_000 }, (_, run) => Random.of(1, run).below(2));
    const heads = coins.filter((coin) => coin === 1).length;
    expect(heads).toBeGreaterThan(4_800);
    expect(heads).toBeLessThan(5_200);
  });

  test('below a limit all whole numbers occur, and no other', () => {
    const random = new Random(3);
    expect(new Set(Array.from({ length: 200 }, () => random.below(5)))).toEqual(new Set([0, 1, 2, 3, 4]));
  });
});
