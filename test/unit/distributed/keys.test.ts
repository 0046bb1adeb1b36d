import { createTask, sleep, timeout } from 'asyncio-ts';
import { moduleFunctions } from 'asyncio-ts/distributed';
import { describe, expect, it } from 'vitest';
import { altered, functions, now, rejection, withNetwork, type work } from './network.ts';

const { double, slow, flaky } = functions;
const keyed = { key: 'k' };

describe('jobs of one key', () => {
  it(
    'are two when their functions are of two modules',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool().with(keyed);
      const other = moduleFunctions<typeof work>('app:other');
      expect(await pool.submit(double, 2)).toBe(4);
      expect(await pool.submit(double, 3)).toBe(4);
      expect(await pool.submit(other.double, 3)).toBe(6);
    }),
  );

  it(
    'go on for the other client when one client cancels, whether they wait or run',
    withNetwork(async (net) => {
      const [one, other] = [net.pool().with(keyed), net.pool().with(keyed)];
      const first = one.submit(slow, 'a', 5);
      const second = other.submit(slow, 'a', 5);
      await sleep(2);
      first.cancel();
      expect(await rejection(first)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      await net.worker();
      await sleep(2);
      const third = one.submit(slow, 'a', 5);
      await sleep(1);
      third.cancel();
      expect(await rejection(third)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(await second).toBe('a');
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
    }),
  );

  it(
    'run once although the first one ends while another client is about to send its own',
    withNetwork(async (net) => {
      await net.worker();
      const first = net.pool().with(keyed).submit(slow, 'a', 5);
      await sleep(1);
      const engine = altered(net.engine, (link) => ({
        lookUp: async (ids) => {
          const fates = await link.lookUp(ids);
          if (now() < 5) await sleep(6); // the answer of the store is on its way while the job ends
          return fates;
        },
      }));
      const second = net.pool({ engine }).with(keyed).submit(slow, 'a', 5);
      expect(await first).toBe('a');
      expect(await second).toBe('a');
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
    }),
  );

  it(
    'keep a result that is there when the last client cancels',
    withNetwork(
      async (net) => {
        await net.worker();
        const first = net.pool().with(keyed).submit(slow, 'a', 0.3);
        await sleep(0.5);
        first.cancel(); // it has not heard of the end, because events are lost
        expect(await rejection(first)).toMatchObject({ name: 'CancelledError', acknowledged: true });
        await sleep(2);
        expect(await net.pool().with(keyed).submit(slow, 'a', 0.3)).toBe('a');
        expect(net.events).toEqual(['start a', 'end a', 'clean a']);
      },
      { faults: { lose: 1 } },
    ),
  );

  it(
    'end when the last client cancels, and when the others are lost',
    withNetwork(async (net) => {
      await net.worker();
      const lost = net.pool({ lease: 5, patience: 3, engine: net.engine });
      const unheard = altered(net.engine, (link) => ({ renew: () => link.clock().then(() => {}) }));
      const silent = net.pool({ engine: unheard }).with(keyed).submit(slow, 'a', 600);
      silent.catch(() => {});
      const one = lost.with(keyed).submit(slow, 'a', 600);
      await sleep(2);
      one.cancel();
      await rejection(one);
      expect(net.events).toEqual(['start a', 'clean a']);
    }),
  );

  it(
    'are not lost for the other client when the store goes after one client has taken them away',
    withNetwork(async (net) => {
      const other = net.pool().with(keyed).submit(slow, 'a', 5);
      let asked = 0;
      const engine = altered(net.engine, (link) => ({
        isWanted: async (id) => {
          asked++;
          if (asked === 1) return false; // as if the other client had come a moment later
          if (asked === 2) throw new Error('the store is out of reach');
          return await link.isWanted(id);
        },
      }));
      const one = net.pool({ engine }).with(keyed).submit(slow, 'a', 5);
      await sleep(2);
      one.cancel();
      expect(await rejection(one)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(asked).toBe(3);
      await net.worker();
      expect(await other).toBe('a');
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
    }),
  );

  it(
    'keep their deadlines, and end with a shutdown, while an earlier one of the key cleans up',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool();
      const earlier = pool.with(keyed).submit(slow, 'a', 60, 4);
      await sleep(1);
      earlier.cancel();
      const began = now();
      const impatient = pool.with({ ...keyed, deadline: 1 }).submit(slow, 'a', 60, 4);
      const patient = pool.with(keyed).submit(slow, 'a', 60, 4);
      expect(await rejection(impatient)).toMatchObject({ code: 'DEADLINE' });
      expect(now()).toBeCloseTo(began + 1);
      await pool.shutdown({ cancelFutures: true });
      expect(await rejection(patient)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(await rejection(earlier)).toMatchObject({ name: 'CancelledError' });
      expect(net.events).toEqual(['start a', 'clean a']);
    }),
  );

  it(
    'are sent again for a client that came while another one took them away',
    withNetwork(async (net) => {
      let late = (): void => {};
      // The other client comes after it was asked for, and before the removal.
      const engine = altered(net.engine, (link) => ({
        remove: async (id) => {
          late();
          await sleep(1);
          return await link.remove(id);
        },
      }));
      const one = net.pool({ engine }).with(keyed).submit(slow, 'a', 1);
      const other = net.pool().with(keyed);
      let second: PromiseLike<string> | undefined;
      late = () => {
        second ??= other.submit(slow, 'a', 1);
      };
      await sleep(2);
      one.cancel();
      expect(await rejection(one)).toMatchObject({ name: 'CancelledError' });
      await net.worker();
      expect(await second).toBe('a');
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
    }),
  );

  it(
    'begin again for a client that came while another one ended them',
    withNetwork(async (net) => {
      await net.worker();
      const one = net.pool().with(keyed).submit(slow, 'a', 5, 2);
      await sleep(1);
      one.cancel();
      await sleep(1); // its clean-up runs
      const other = net.pool().with(keyed).submit(slow, 'a', 5, 2);
      expect(await rejection(one)).toMatchObject({ name: 'CancelledError' });
      expect(await other).toBe('a');
      expect(net.events).toEqual(['start a', 'clean a', 'start a', 'end a', 'clean a']);
    }),
  );

  it(
    'begin again after a failure, at any time, and keep a result',
    withNetwork(async (net) => {
      await net.worker();
      const [one, other] = [net.pool().with(keyed), net.pool().with(keyed)];
      expect((await rejection(one.submit(flaky, 'a', 2))).message).toBe('failure 1 of a');
      expect((await rejection(other.submit(flaky, 'a', 2))).message).toBe('failure 2 of a');
      expect(await one.submit(flaky, 'a', 2)).toBe('a');
      await sleep(20);
      expect(await other.submit(flaky, 'a', 2)).toBe('a');
      expect(net.events).toEqual(['start a', 'start a', 'start a']);
    }),
  );

  it(
    'begin again after the loss of a worker',
    withNetwork(async (net) => {
      const { name } = await net.worker();
      const pool = net.pool().with(keyed);
      const outcome = createTask(() => rejection(pool.submit(slow, 'a', 3)));
      await sleep(1);
      net.engine.kill(name);
      expect(await outcome).toMatchObject({ code: 'WORKER_LOST' });
      await net.worker();
      expect(await pool.submit(slow, 'a', 3)).toBe('a');
    }),
  );

  it(
    'are not cancelled by an earlier cancellation, on whatever worker they run',
    withNetwork(async (net) => {
      const pool = net.pool();
      await net.worker();
      const first = pool.with(keyed).submit(slow, 'a', 5);
      await sleep(1);
      await net.worker();
      first.cancel();
      await rejection(first);
      const blocker = pool.submit(slow, 'b', 20);
      await sleep(0.1);
      expect(await pool.with(keyed).submit(slow, 'a', 5)).toBe('a');
      await blocker;
    }),
  );

  it(
    'have deadlines of their own: that of one ends its wait only, the last one ends the work',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool();
      const began = now();
      const [short, long, scoped] = [
        pool.with({ ...keyed, deadline: 2 }).submit(slow, 'a', 60),
        pool.with({ ...keyed, deadline: 6 }).submit(slow, 'a', 60),
        createTask(() => rejection(timeout(4, async () => await pool.with(keyed).submit(slow, 'a', 60)))),
      ];
      expect(await rejection(short)).toMatchObject({ name: 'TimeoutError', code: 'DEADLINE' });
      expect(now() - began).toBeCloseTo(2);
      expect(await scoped).toMatchObject({ name: 'TimeoutError' });
      expect(now() - began).toBeCloseTo(4);
      expect(net.events).toEqual(['start a']);
      expect(await rejection(long)).toMatchObject({ name: 'TimeoutError', code: 'DEADLINE' });
      expect(now() - began).toBeCloseTo(6);
      expect(net.events).toEqual(['start a', 'clean a']);
    }),
  );

  it(
    'cannot be tied to the life of one client',
    withNetwork(async (net) => {
      const pool = net.pool({ onClientLoss: 'cancel' });
      expect(() => pool.with(keyed)).toThrow(
        /key and onClientLoss: 'cancel' exclude each other.* write with\(\{ key, onClientLoss: 'finish' \}\)/,
      );
      expect(() => net.pool({ onClientLoss: 'cancel', key: 'k' })).toThrow(/exclude each other/);
      expect(() => pool.with({ key: 'k', onClientLoss: 'finish' })).not.toThrow();
    }),
  );
});

describe('jobs of one key, over an engine that stores nothing', () => {
  it(
    'are one for the callers of one executor, and other jobs for other clients',
    withNetwork(
      async (net) => {
        await net.worker({ concurrency: 5 });
        const [one, other] = [net.pool().with(keyed), net.pool().with(keyed)];
        const jobs = [one.submit(slow, 'a', 5), one.submit(slow, 'a', 5), other.submit(slow, 'a', 5)];
        await sleep(1);
        jobs[0]!.cancel();
        jobs[2]!.cancel();
        expect(await jobs[1]).toBe('a');
        expect([jobs[0]!.state, jobs[2]!.state]).toEqual(['cancelled', 'cancelled']);
        expect(net.events).toEqual(['start a', 'start a', 'clean a', 'end a', 'clean a']);
      },
      { durable: false },
    ),
  );

  it(
    'begin again when the one before has ended, or is being ended',
    withNetwork(
      async (net) => {
        await net.worker({ concurrency: 5 });
        const pool = net.pool().with(keyed);
        expect((await rejection(pool.submit(flaky, 'a', 1))).message).toBe('failure 1 of a');
        expect(await pool.submit(flaky, 'a', 1)).toBe('a');
        const first = pool.submit(slow, 'b', 5, 5);
        await sleep(1);
        first.cancel();
        const second = pool.submit(slow, 'b', 5);
        expect(second.id).not.toBe(first.id);
        expect(await second).toBe('b');
        expect(first.state).toBe('cancelled');
      },
      { durable: false },
    ),
  );
});
