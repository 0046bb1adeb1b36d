import { PriorityQueue } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { queueLaws } from '../../support/laws/queue-laws.ts';

queueLaws({
  name: 'PriorityQueue',
  make: (maxsize) => new PriorityQueue(maxsize),
  order: (items) => [...items].sort((a, b) => a - b),
});

queueLaws({
  name: 'PriorityQueue with an order of its own',
  make: (maxsize) => new PriorityQueue<number>(maxsize, { compare: (a, b) => b - a }),
  order: (items) => [...items].sort((a, b) => b - a),
});

/** What a queue gives when these items were put into it. */
function sorted<T>(items: readonly T[], queue = new PriorityQueue<T>()): T[] {
  for (const item of items) queue.putNowait(item);
  return items.map(() => queue.getNowait());
}

describe('a priority queue', () => {
  test('gives items of equal rank in the order in which they were put', () => {
    const jobs = Array.from({ length: 50 }, (_, i) => ({ rank: i % 3, i }));
    const queue = new PriorityQueue<{ rank: number; i: number }>(0, { compare: (a, b) => a.rank - b.rank });
    const expected = [0, 1, 2].flatMap((rank) => jobs.filter((job) => job.rank === rank));
    expect(sorted(jobs, queue)).toEqual(expected);
  });

  test.each<[string, readonly unknown[], readonly unknown[]]>([
    ['numbers', [2, -1, Number.POSITIVE_INFINITY, 0.5], [-1, 0.5, 2, Number.POSITIVE_INFINITY]],
    ['numbers of both kinds', [2, 1n, 1.5], [1n, 1.5, 2]],
    ['strings', ['b', 'a', 'ab'], ['a', 'ab', 'b']],
    ['booleans', [true, false], [false, true]],
    ['dates', [new Date(2), new Date(1)], [new Date(1), new Date(2)]],
  ])('orders %s by value', (_, items, expected) => {
    expect(sorted(items)).toEqual(expected);
  });

  test('orders arrays from the left, as Python orders tuples', () => {
    const items = [[2, 'a'], [1, 'b'], [1, 'a', 0], [1, 'a'], []];
    expect(sorted(items)).toEqual([[], [1, 'a'], [1, 'a', 0], [1, 'b'], [2, 'a']]);
  });

  test('need not order the equal parts of arrays', () => {
    const payload = { any: 'thing' };
    expect(
      sorted([
        [1, payload, 2],
        [1, payload, 1],
      ]),
    ).toEqual([
      [1, payload, 1],
      [1, payload, 2],
    ]);
  });
});
