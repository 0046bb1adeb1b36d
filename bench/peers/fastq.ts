import newQueue from 'fastq';
import { check, now, sumBelow } from '../lib/clock.ts';
import type { Peer } from './index.ts';

/** The queue has its own consumer, one item at a time; the producer waits for the item a hundred before. */
async function boundedQueue(count: number): Promise<number> {
  const begin = now();
  let sum = 0;
  const queue = newQueue.promise(async (item: number): Promise<void> => {
    sum += item;
  }, 1);
  const pending: Promise<void>[] = new Array(100);
  for (let i = 0; i < count; i++) {
    if (i >= 100) await pending[i % 100];
    pending[i % 100] = queue.push(i);
  }
  await queue.drained();
  const end = now();
  check(sum, sumBelow(count));
  return end - begin;
}

export const fastq: Peer = { name: 'fastq', ways: { queue: { run: boundedQueue } } };
