import { Queue, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { queueLaws } from '../../support/laws/queue-laws.ts';
import { runVirtually } from '../../support/spellings.ts';

queueLaws({
  name: 'Queue',
  make: (maxsize) => new Queue(maxsize),
  order: (items) => items,
});

describe('for await over a queue', () => {
  test('ends at shutdown', async () => {
    const { result } = await runVirtually(async () => {
      const queue = new Queue<string>();
      for (const item of ['a', 'b']) queue.putNowait(item);
      queue.shutdown();
      const items: string[] = [];
      for await (const item of queue) items.push(item);
      return items;
    });
    expect(result).toEqual(['a', 'b']);
  });

  test('takes no item more than the body has seen when it is left early', async () => {
    const { result } = await runVirtually(async () => {
      const queue = new Queue<string>();
      for (const item of ['a', 'b', 'c']) queue.putNowait(item);
      for await (const item of queue) {
        await sleep(1);
        if (item === 'b') break;
      }
      return [...Array.from({ length: queue.qsize() }, () => queue.getNowait())];
    });
    expect(result).toEqual(['c']);
  });
});
