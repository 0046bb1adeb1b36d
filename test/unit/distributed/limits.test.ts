import { createTask, gather, sleep } from 'asyncio-ts';
import { describe, expect, it } from 'vitest';
import { altered, functions, now, rejection, withNetwork } from './network.ts';

const { double, slow } = functions;

describe('maxQueued', () => {
  it(
    'is kept by a client that submits many jobs at once, in their order',
    withNetwork(async (net) => {
      const pool = net.pool({ maxQueued: 2 });
      const other = net.pool();
      const seen: number[] = [];
      const watcher = await net.engine.openClient('q', {
        started() {},
        settled() {},
        refused() {},
        progress() {},
        changed() {},
      });
      const jobs = Array.from({ length: 8 }, (_, n) => pool.submit(slow, String(n), 1));
      await sleep(5);
      expect(await watcher.backlog()).toBe(2);
      await net.worker();
      const watch = createTask(async () => {
        for (;;) {
          seen.push(await watcher.backlog());
          await sleep(0.1);
        }
      });
      expect(await gather(...jobs)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
      watch.cancel();
      expect(Math.max(...seen)).toBe(2);
      expect(net.events.filter((event) => event.startsWith('start'))).toEqual(
        Array.from({ length: 8 }, (_, n) => `start ${n}`),
      );
      expect(await other.submit(double, 2)).toBe(4);
    }),
  );

  it(
    'holds jobs for as long as it takes: a full queue is not a store that is out of reach',
    withNetwork(async (net) => {
      const pool = net.pool({ maxQueued: 1, patience: 5 });
      const jobs = [pool.submit(double, 1), pool.submit(double, 2)];
      await sleep(600);
      await net.worker();
      expect(await gather(...jobs)).toEqual([2, 4]);
    }),
  );

  it(
    'lets a job that is held end at once when it is cancelled, and at its deadline',
    withNetwork(async (net) => {
      const pool = net.pool({ maxQueued: 1 });
      const jobs = [1, 2].map((n) => pool.submit(double, n));
      const late = pool.with({ deadline: 5 }).submit(double, 3);
      await sleep(2);
      const began = now();
      jobs[1]!.cancel();
      expect(await rejection(jobs[1]!)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(now()).toBe(began);
      expect(await rejection(late)).toMatchObject({ code: 'DEADLINE' });
      expect(now()).toBeCloseTo(began + 3);
      await net.worker();
      expect(await jobs[0]).toBe(2);
    }),
  );

  it(
    'is for submitNowait an error while jobs are held, and none any more when they are gone',
    withNetwork(async (net) => {
      const pool = net.pool({ maxQueued: 1 });
      const jobs = [1, 2].map((n) => pool.submit(double, n));
      await sleep(1);
      expect(() => pool.submitNowait(double, 3)).toThrow(
        "submitNowait: the queue 'q' is full: 2 jobs of this client are outstanding (maxPending 1000, maxQueued 1); submit() would wait",
      );
      jobs[1]!.cancel();
      await net.worker();
      expect(await jobs[0]).toBe(2);
      expect(await pool.submitNowait(double, 4)).toBe(8);
    }),
  );

  it(
    'is no error for submitNowait before the store has been asked, nor for who joins a job of a key',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool({ maxQueued: 10 });
      const jobs = [1, 2, 3].map((n) => pool.submitNowait(double, n));
      expect(await gather(...jobs)).toEqual([2, 4, 6]);
      const narrow = net.pool({ maxPending: 1 }).with({ key: 'k' });
      const first = narrow.submitNowait(slow, 'a', 5);
      await sleep(1);
      const second = narrow.submitNowait(slow, 'a', 5);
      expect(await gather(first, second)).toEqual(['a', 'a']);
    }),
  );

  it(
    'gives up what is held when the store stays out of reach, each with its own name',
    withNetwork(async (net) => {
      const engine = altered(net.engine, () => ({ backlog: () => Promise.reject(new Error('no answer')) }));
      const pool = net.pool({ engine, maxQueued: 1, patience: 5 });
      const outcomes = [
        createTask(() => rejection(pool.submit(double, 1))),
        createTask(() => rejection(pool.submit(slow, 'a', 1))),
      ];
      const began = now();
      const messages = (await gather(...outcomes)).map(({ message }) => message);
      expect(messages).toEqual([
        'memory could not be reached for 5 s, so double() is given up: no answer',
        'memory could not be reached for 5 s, so slow() is given up: no answer',
      ]);
      expect(now() - began).toBeLessThan(6);
    }),
  );
});

describe('maxPending', () => {
  it(
    'keeps the order of jobs that one worker runs one after the other',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool({ maxPending: 3 });
      const jobs = Array.from({ length: 8 }, (_, n) => pool.submit(slow, String(n), 0.1));
      await gather(...jobs);
      expect(net.events.filter((event) => event.startsWith('start'))).toEqual(
        Array.from({ length: 8 }, (_, n) => `start ${n}`),
      );
    }),
  );
});
