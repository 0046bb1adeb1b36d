import { createTask, sleep } from 'asyncio-ts';
import { describe, expect, it } from 'vitest';
import { Cord, functions, rejection, withNetwork } from './network.ts';

const { slow, double } = functions;

describe('jobs of a client that is lost', () => {
  it(
    'are cancelled in their workers with onClientLoss: cancel, clean-up included, and those of others go on',
    withNetwork(async (net) => {
      await net.worker({ concurrency: 10 });
      const cord = new Cord(net.engine);
      const lost = net.pool({ engine: cord.engine, onClientLoss: 'cancel', lease: 6, patience: 20 });
      const other = net.pool({ onClientLoss: 'cancel', lease: 6 });
      const mine = lost.submit(slow, 'lost', 60, 0.5);
      const finished = lost.with({ onClientLoss: 'finish' }).submit(slow, 'finished', 20);
      const theirs = other.submit(slow, 'other', 30);
      for (const job of [mine, finished]) job.catch(() => {});
      await sleep(2);
      expect([...net.events].sort()).toEqual(['start finished', 'start lost', 'start other']);
      cord.cut();
      await sleep(6 + 4);
      expect(net.events.slice(3)).toEqual(['clean lost']);
      expect(await theirs).toBe('other');
      expect(net.events).toContain('end finished');
      expect(net.events).not.toContain('end lost');
      // The clients that are gone notice nothing; here they give up, as one that is cut off does.
      expect((await rejection(mine)).name).toBe('StoreLost');
    }),
  );

  it(
    'that wait for a worker are not started any more',
    withNetwork(async (net) => {
      const cord = new Cord(net.engine);
      const lost = net.pool({ engine: cord.engine, onClientLoss: 'cancel', lease: 6, patience: 5 });
      const job = lost.submit(slow, 'lost', 1);
      job.catch(() => {});
      await sleep(2);
      cord.cut();
      await sleep(10);
      await net.worker();
      await sleep(5);
      expect(net.events).toEqual([]);
    }),
  );

  it(
    'are told to one that was only cut off for too long, with what has happened',
    withNetwork(async (net) => {
      await net.worker();
      const cord = new Cord(net.engine);
      const pool = net.pool({ engine: cord.engine, onClientLoss: 'cancel', lease: 3 });
      const job = pool.submit(slow, 'a', 60);
      const outcome = createTask(() => rejection(job));
      await sleep(1);
      cord.cut(8);
      expect(await outcome).toMatchObject({
        code: 'CLIENT_LOST',
        message: 'slow() was ended, because this client has given no sign of life for too long',
      });
    }),
  );

  it(
    'of a client that has rested for longer than its lease are done, because it renews the lease first',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool({ onClientLoss: 'cancel', lease: 3 });
      expect(await pool.submit(double, 1)).toBe(2);
      await sleep(60);
      expect(await pool.submit(double, 2)).toBe(4);
    }),
  );

  it(
    'are not taken for those of a lost one when its lease is shorter than the time between two look-ups',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool({ onClientLoss: 'cancel', lease: 0.5 });
      expect(await pool.submit(slow, 'a', 10)).toBe('a');
    }),
  );
});

describe('a worker with a lease that is shorter than the time between two look-ups', () => {
  it(
    'keeps its jobs, because it gives signs of life often enough',
    withNetwork(async (net) => {
      await net.worker({ lease: 0.5 });
      const pool = net.pool();
      expect(await pool.submit(slow, 'a', 10)).toBe('a');
    }),
  );
});
