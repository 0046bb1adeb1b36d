import { createTask, getRunningLoop, sleep } from 'asyncio-ts';
import type { Engine } from 'asyncio-ts/distributed';
import { describe, expect, it } from 'vitest';
import { altered, functions, now, rejection, withNetwork } from './network.ts';

const { double, slow } = functions;

const away = () => Promise.reject(new Error('no answer'));

/** An engine that cannot be reached until a time on the loop's clock. Its attempts fail after `seconds`. */
function unreachable(
  engine: Engine,
  until = Number.POSITIVE_INFINITY,
  seconds = 0,
): Engine & { readonly attempts: number } {
  const made = {
    name: engine.name,
    features: engine.features,
    attempts: 0,
    openWorker: engine.openWorker.bind(engine),
    openClient: async (...args: Parameters<Engine['openClient']>) => {
      made.attempts++;
      if (now() >= until) return await engine.openClient(...args);
      await sleep(seconds);
      return await away();
    },
  };
  return made;
}

describe('the patience of a client', () => {
  it(
    'lasts as long as it says, to the last attempt at its end, whatever cannot be reached',
    withNetwork(async (net) => {
      await net.worker();
      for (const patience of [0.2, 5, 60]) {
        for (const engine of [
          unreachable(net.engine),
          unreachable(net.engine, Number.POSITIVE_INFINITY, 0.3),
          altered(net.engine, () => ({ send: away })),
          altered(net.engine, () => ({ clock: away })),
          altered(net.engine, () => ({ renew: away })),
        ]) {
          for (const maxQueued of [undefined, 10]) {
            const began = now();
            const pool = net.pool({ engine, patience, ...(maxQueued === undefined ? {} : { maxQueued }) });
            const error = await rejection(pool.submit(double, 1));
            expect(error).toMatchObject({ name: 'StoreLost', code: 'STORE_UNREACHABLE' });
            expect(error.message).toContain(`for ${patience} s`);
            expect(now() - began).toBeGreaterThan(patience - 0.001);
            expect(now() - began).toBeLessThan(patience + 0.5);
          }
        }
      }
    }),
  );

  it(
    'is enough for a store that comes back right before its end',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool({ engine: unreachable(net.engine, now() + 4.99), patience: 5 });
      expect(await pool.submit(double, 1)).toBe(2);
    }),
  );

  it(
    'is over for the cancellation of a job that the store has, and the wait ends with the grace',
    withNetwork(async (net) => {
      await net.worker();
      const engine = altered(net.engine, () => ({ cancel: away, remove: away }));
      const job = net.pool({ engine, grace: 3, patience: 1 }).submit(slow, 'a', 60);
      await sleep(1);
      const began = now();
      job.cancel();
      expect(await rejection(job)).toMatchObject({ name: 'CancelledError', acknowledged: false });
      expect(now() - began).toBeCloseTo(3);
    }),
  );

  it(
    'does not delay the end of the executor by more than itself',
    withNetwork(async (net) => {
      const pool = net.pool({ engine: unreachable(net.engine), patience: 5 });
      const job = pool.submit(double, 1);
      job.catch(() => {});
      const began = now();
      await pool.shutdown();
      expect(now() - began).toBeCloseTo(5, 1);
    }),
  );
});

describe('a job that was never sent', () => {
  it(
    'is known not to run when it is cancelled while the store is out of reach',
    withNetwork(async (net) => {
      await net.worker();
      for (const engine of [
        unreachable(net.engine),
        unreachable(net.engine, Number.POSITIVE_INFINITY, 1_000),
        altered(net.engine, () => ({ clock: away })),
        altered(net.engine, () => ({
          offers: () => getRunningLoop().createFuture<never>() as unknown as Promise<never>,
        })),
      ]) {
        for (const key of [undefined, 'k']) {
          const job = net.pool({ engine }).with({ key }).submit(double, 1);
          await sleep(1);
          const began = now();
          job.cancel();
          expect(await rejection(job)).toMatchObject({ name: 'CancelledError', acknowledged: true });
          expect(job.acknowledged).toBe(true);
          expect(now()).toBe(began);
        }
      }
    }),
  );

  it(
    'ends at its deadline with the word that it has not run, and is not sent when the store is back',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool({ engine: unreachable(net.engine, now() + 4) });
      const late = pool.with({ deadline: 2 }).submit(slow, 'late', 1);
      const began = now();
      expect((await rejection(late)).message).toBe('slow() has not ended at its deadline');
      expect(now() - began).toBeCloseTo(2);
      await sleep(10);
      expect(net.events).toEqual([]);
      expect(await pool.submit(double, 1)).toBe(2);
    }),
  );

  it(
    'may run when the answer of the store to it was lost, so that its cancellation waits for the store',
    withNetwork(async (net) => {
      await net.worker();
      const engine = altered(net.engine, (link) => ({
        send: async (job) => {
          await link.send(job);
          return await away();
        },
      }));
      const job = net.pool({ engine, patience: 3 }).submit(slow, 'a', 60, 0.5);
      await sleep(1);
      job.cancel();
      expect(await rejection(job)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(net.events).toEqual(['start a', 'clean a']);
    }),
  );
});

describe('the deadline of several who wait for one job', () => {
  it(
    'ends the job for all of them, and one that is cancelled during the clean-up waits for its end as the others do',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool().with({ key: 'k', deadline: 2 });
      const [first, second] = [pool.submit(slow, 'a', 60, 3), pool.submit(slow, 'a', 60, 3)];
      const began = now();
      const late = createTask(() => rejection(second));
      await sleep(3);
      first.cancel();
      expect([first.done(), first.acknowledged]).toEqual([false, null]);
      expect(await rejection(first)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(now() - began).toBeGreaterThan(4.9);
      expect(net.events).toEqual(['start a', 'clean a']);
      expect(await late).toMatchObject({ name: 'TimeoutError', code: 'DEADLINE' });
    }),
  );

  it(
    'leaves open whether it runs for those who were cancelled, when its worker does not answer within the grace',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool().with({ key: 'k', deadline: 2, grace: 1 });
      const jobs = [pool.submit(slow, 'a', 60, 20), pool.submit(slow, 'a', 60, 20)];
      const second = createTask(() => rejection(jobs[1]!));
      await sleep(2.5);
      jobs[0]!.cancel();
      expect(await rejection(jobs[0]!)).toMatchObject({ name: 'CancelledError', acknowledged: false });
      expect((await second).message).toContain('may still run');
    }),
  );
});

describe('submitNowait', () => {
  it(
    'throws while an earlier job of the key is being cancelled, for whose end submit waits',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool().with({ key: 'k' });
      const first = pool.submit(slow, 'a', 60, 2);
      await sleep(1);
      const same = pool.submitNowait(slow, 'a', 60, 2);
      expect(same.id).toBe(first.id);
      for (const job of [first, same]) {
        job.catch(() => {});
        job.cancel();
      }
      await sleep(1);
      expect(() => pool.submitNowait(slow, 'b', 1)).toThrow(
        expect.objectContaining({
          name: 'QueueFull',
          message:
            'submitNowait: an earlier job of the key "k" is being cancelled, and the next one begins when its clean-up is over; submit() would wait',
        }),
      );
      expect(await pool.submit(slow, 'c', 1)).toBe('c');
      expect(await pool.submitNowait(slow, 'd', 1)).toBe('c');
      expect(net.events).toEqual(['start a', 'clean a', 'start c', 'end c', 'clean c']);
    }),
  );
});
