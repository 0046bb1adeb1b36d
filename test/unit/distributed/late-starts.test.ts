import { sleep } from 'asyncio-ts';
import type { Engine, Holding } from 'asyncio-ts/distributed';
import { describe, expect, it, vi } from 'vitest';
import { altered, functions, type Network, now, rejection, withNetwork } from './network.ts';

const { slow } = functions;

/** A job whose worker asks the store for its client before it starts it. */
const asking = { retries: 2, onClientLoss: 'cancel' } as const;

/**
 * An engine whose workers are cut off in the first question before a start: with the job in their hands, and not started. Afterwards that question is
 * answered before they are told that they have lost the job, as over stores with several connections.
 */
function cutBeforeStart(net: Network, seconds: number): { readonly engine: Engine; isCut(): boolean } {
  let isCut = false;
  const engine: Engine = {
    name: net.engine.name,
    features: net.engine.features,
    openClient: (queue, events) => net.engine.openClient(queue, events),
    openWorker: async (queue, settings) => {
      const link = await net.engine.openWorker(queue, settings);
      const lostClients = link.lostClients.bind(link);
      link.lostClients = (clients) => {
        if (!isCut) net.engine.cutOff(settings.offer.worker, seconds);
        isCut = true;
        return lostClients(clients);
      };
      const beat = link.beat.bind(link);
      link.beat = async (running) => {
        if (isCut) await sleep(0.8);
        return await beat(running);
      };
      return link;
    },
  };
  return { engine, isCut: () => isCut };
}

describe('a worker that is cut off between taking a job and starting it', () => {
  it(
    'does not start it when another worker has done it in the meantime',
    withNetwork(async (net) => {
      const warn = vi.spyOn((await import('asyncio-ts')).logger, 'warn').mockImplementation(() => {});
      const { engine, isCut } = cutBeforeStart(net, 20);
      await net.worker({ engine });
      const job = net.pool().with(asking).submit(slow, 'a', 1);
      while (!isCut()) await sleep(0.1);
      await net.worker();
      expect(await job).toBe('a');
      expect(now()).toBeLessThan(15);
      await sleep(40);
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
      warn.mockRestore();
    }),
  );

  it(
    'does not start it after its cancellation was acknowledged, or told to be open',
    withNetwork(async (net) => {
      const warn = vi.spyOn((await import('asyncio-ts')).logger, 'warn').mockImplementation(() => {});
      const { engine, isCut } = cutBeforeStart(net, 20);
      await net.worker({ engine });
      const job = net.pool().with(asking).submit(slow, 'a', 1);
      while (!isCut()) await sleep(0.1);
      await sleep(8); // the lease of the worker has ended
      job.cancel();
      expect(await rejection(job)).toMatchObject({ name: 'CancelledError' });
      expect(now()).toBeLessThan(15);
      await sleep(40);
      expect(net.events).toEqual([]);
      warn.mockRestore();
    }),
  );

  it(
    'starts it when it still has it',
    withNetwork(async (net) => {
      const { engine } = cutBeforeStart(net, 2);
      await net.worker({ engine });
      expect(await net.pool().with(asking).submit(slow, 'a', 1)).toBe('a');
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
    }),
  );
});

describe('the cancellation of a job that nobody holds any more', () => {
  it(
    'is not acknowledged when a lost worker had started it: it may still run there',
    withNetwork(async (net) => {
      const warn = vi.spyOn((await import('asyncio-ts')).logger, 'warn').mockImplementation(() => {});
      const { name } = await net.worker();
      const pool = net.pool();
      const job = pool.with({ retries: 1 }).submit(slow, 'a', 20);
      await sleep(1);
      net.engine.cutOff(name, 30);
      await sleep(8);
      const began = now();
      job.cancel();
      const error = await rejection(job);
      expect(error).toMatchObject({ name: 'CancelledError', acknowledged: false });
      expect(error.message).toBe(
        'slow() was cancelled, but a worker that counts as lost had started it: it may still run there',
      );
      expect(now() - began).toBeLessThan(1);
      expect(job.acknowledged).toBe(false);
      expect(pool.statistics().unacknowledged).toBe(1);
      expect(net.events).toEqual(['start a']);
      await sleep(40);
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
      warn.mockRestore();
    }),
  );

  it(
    'is acknowledged when it was never started',
    withNetwork(async (net) => {
      const pool = net.pool();
      const job = pool.with({ retries: 1 }).submit(slow, 'a', 20);
      await sleep(8);
      job.cancel();
      expect(await rejection(job)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(pool.statistics().unacknowledged).toBe(0);
    }),
  );
});

describe('a job whose sending is not confirmed yet when its outcome comes', () => {
  it(
    'stays in the store until then: what the client of the store sends once more does not start it again',
    withNetwork(async (net) => {
      await net.worker();
      // As clients of Redis do after a connection was lost before the answer.
      const forgotten: string[] = [];
      const engine = altered(net.engine, (link) => ({
        forget: async (ids) => {
          forgotten.push(...ids);
          await link.forget(ids);
        },
        send: async (job) => {
          await link.send(job);
          await sleep(5);
          await link.send(job);
        },
      }));
      const job = net.pool({ engine }).submit(slow, 'a', 1);
      expect(await job).toBe('a');
      expect(now()).toBeLessThan(3);
      await sleep(10);
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
      expect(forgotten).toEqual([job.id]);
    }),
  );
});

describe('a job that its engine gives with a question to ask', () => {
  /** An engine whose workers have to ask before each start, and what they are answered. */
  function answering(engine: Engine, answers: (() => Promise<Holding>)[]): Engine {
    return {
      name: engine.name,
      features: engine.features,
      openClient: (queue, events) => engine.openClient(queue, events),
      openWorker: (queue, settings) =>
        engine.openWorker(queue, {
          ...settings,
          perform: (delivery) => settings.perform({ ...delivery, held: 0, hold: () => answers.shift()!() }),
        }),
    };
  }

  it(
    'begins when it is held, and not at all when it was cancelled',
    withNetwork(async (net) => {
      const answers = [async () => 'held' as const, async () => 'cancelled' as const];
      await net.worker({ engine: answering(net.engine, answers) });
      const pool = net.pool();
      expect(await pool.submit(slow, 'a', 1)).toBe('a');
      expect(await rejection(pool.submit(slow, 'b', 1))).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
    }),
  );

  it(
    'is left to others when it is lost, and the worker says so',
    withNetwork(async (net) => {
      const warn = vi.spyOn((await import('asyncio-ts')).logger, 'warn').mockImplementation(() => {});
      const answers = [async () => 'lost' as const, async () => 'held' as const];
      const { name } = await net.worker({ engine: answering(net.engine, answers) });
      expect(await net.pool().with({ retries: 1 }).submit(slow, 'a', 1)).toBe('a');
      expect(warn.mock.calls.flat()).toEqual([
        `the worker ${name} does not start slow(): it waited for the store until the job counted as lost, or was cancelled`,
      ]);
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
      warn.mockRestore();
    }),
  );

  it(
    'asks again when the store cannot be reached, and when the answer took longer than the lease that it promises',
    withNetwork(async (net) => {
      const late = async (): Promise<Holding> => {
        await sleep(5); // the lease is 4
        return 'held';
      };
      const away = async (): Promise<Holding> => {
        throw new Error('away');
      };
      const answers = [away, late, async () => 'held' as const];
      await net.worker({ engine: answering(net.engine, answers) });
      expect(await net.pool().submit(slow, 'a', 1)).toBe('a');
      expect(answers).toEqual([]);
      expect(now()).toBeGreaterThan(5);
    }),
  );
});
