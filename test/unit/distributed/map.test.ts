import { createTask, sleep } from 'asyncio-ts';
import { moduleFunctions } from 'asyncio-ts/distributed';
import { describe, expect, it } from 'vitest';
import { now, rejection, withNetwork } from './network.ts';

let events: string[] = [];

const offered = {
  async half(n: number): Promise<number> {
    events.push(`start ${n}`);
    try {
      await sleep(1);
      if (n < 0) throw new RangeError(`${n} is negative`);
      return n / 2;
    } finally {
      await sleep(0.5);
      events.push(`end ${n}`);
    }
  },
};
const { half } = moduleFunctions<typeof offered>('app:work');

/** Items that come one after the other, without end. */
async function* slowly(pause: number): AsyncGenerator<number> {
  for (let n = 0; ; n++) {
    yield n;
    await sleep(pause);
  }
}

const withWorker = (body: Parameters<typeof withNetwork>[0]) =>
  withNetwork(async (net) => {
    events = [];
    await net.worker({ concurrency: 20 }, offered);
    await body(net);
  });

describe('map', () => {
  it(
    'gives each result when it is there, although more items are to come',
    withWorker(async (net) => {
      const seen: [number, number][] = [];
      for await (const value of net.pool().map(half, slowly(10))) {
        seen.push([value, Math.round(now())]);
        if (seen.length === 3) break;
      }
      expect(seen).toEqual([
        [0, 2],
        [0.5, 12],
        [1, 22],
      ]);
    }),
  );

  it(
    'takes no more items ahead than maxPending, with those whose results were not taken',
    withWorker(async (net) => {
      const results = net.pool({ maxPending: 3 }).map(half, [1, 2, 3, 4, 5, 6]);
      expect(await results.next()).toEqual({ done: false, value: 0.5 });
      await sleep(20);
      expect(events.filter((event) => event.startsWith('start'))).toHaveLength(4);
      const rest: number[] = [];
      for await (const value of results) rest.push(value);
      expect(rest).toEqual([1, 1.5, 2, 2.5, 3]);
    }),
  );

  it(
    'throws what a function throws at the turn of its item, when the others are over',
    withWorker(async (net) => {
      const seen: number[] = [];
      const error = await rejection(
        (async () => {
          for await (const value of net.pool({ maxPending: 4 }).map(half, [1, 2, -3, 4, 5, 6])) seen.push(value);
        })(),
      );
      expect(error).toMatchObject({ name: 'RangeError', message: '-3 is negative' });
      expect(seen).toEqual([0.5, 1]);
      const starts = events.filter((event) => event.startsWith('start')).length;
      expect(events.filter((event) => event.startsWith('end'))).toHaveLength(starts);
    }),
  );

  it(
    'cancels what is under way when the loop is left, or its task is cancelled, and its clean-up is over then',
    withWorker(async (net) => {
      for await (const _ of net.pool({ maxPending: 3 }).map(half, [1, 2, 3, 4, 5, 6, 7])) break;
      const starts = events.filter((event) => event.startsWith('start')).length;
      expect(events.filter((event) => event.startsWith('end'))).toHaveLength(starts);
      events = [];
      const task = createTask(async () => {
        for await (const _ of net.pool().map(half, slowly(0.1))) await sleep(0);
      });
      await sleep(0.55);
      task.cancel();
      expect(await rejection(task)).toMatchObject({ name: 'CancelledError' });
      expect(events.filter((event) => event.startsWith('start'))).toHaveLength(6);
      expect(events.filter((event) => event.startsWith('end'))).toHaveLength(6);
    }),
  );
});
