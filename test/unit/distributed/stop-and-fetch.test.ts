import { createTask, getRunningLoop, logger, sleep } from 'asyncio-ts';
import { type Delivery, type Engine, nats, type Performed } from 'asyncio-ts/nats';
import { runVirtual } from 'asyncio-ts/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeNats } from '../../support/fake-nats.ts';
import { functions, Network, type NetworkWorker, now, rejection, withNetwork } from './network.ts';

const { slow } = functions;

/** How a worker ends. */
const ENDS: Readonly<Record<string, (worker: NetworkWorker) => Promise<unknown>>> = {
  drains: (worker) => worker.drain(),
  'is cancelled': (worker) => {
    worker.task.cancel();
    return Promise.allSettled([worker.task]);
  },
};

/** Jobs that a worker starts at once, and those before which it asks the store something. */
const JOBS = {
  'that begins at once': {},
  'with a deadline, for which clocks are compared': { deadline: 600 },
  'whose client is looked for first': { onClientLoss: 'cancel' },
} as const;

beforeEach(() => {
  vi.spyOn(logger, 'warn').mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** An engine whose workers get a job only when the test lets it through, whatever they have said in the meantime. */
function withholding(engine: Engine): {
  readonly engine: Engine;
  readonly has: () => boolean;
  letThrough(): Promise<Performed>;
} {
  let deliver: (() => Promise<Performed>) | null = null;
  return {
    has: () => deliver !== null,
    letThrough: () => deliver!(),
    engine: {
      name: engine.name,
      features: engine.features,
      openClient: (queue, events) => engine.openClient(queue, events),
      openWorker: (queue, settings) =>
        engine.openWorker(queue, {
          ...settings,
          perform: (delivery: Delivery) =>
            new Promise<Performed>((resolve) => {
              deliver = async () => {
                const performed = await settings.perform(delivery);
                resolve(performed);
                return performed;
              };
            }),
        }),
    },
  };
}

describe('a job that is fetched in the moment in which its worker ends', () => {
  for (const [ending, end] of Object.entries(ENDS)) {
    for (const [kind, options] of Object.entries(JOBS)) {
      for (const durable of [true, false]) {
        it(`${kind} is done once, here or by another worker, or its client is told, when the worker ${ending} at any moment (${durable ? 'at least once' : 'at most once'})`, async () => {
          let given = 0;
          let done = 0;
          for (let turns = 0; turns < 25; turns++) {
            await withNetwork(
              async (net) => {
                const events: string[] = [];
                /** The same function, with the name of its worker. */
                const offered = (place: string) => ({
                  async slow(_name: string, seconds: number): Promise<string> {
                    events.push(`${place} starts`);
                    try {
                      await sleep(seconds);
                      return place;
                    } finally {
                      events.push(`${place} cleans up`);
                    }
                  },
                });
                const worker = await net.worker({ drain: 5, concurrency: 2 }, offered('first'));
                const pool = net.pool(options);
                const outcome = Promise.allSettled([pool.submit(slow, 'a', 3)]);
                for (let turn = 0; turn < turns; turn++) await sleep(0);
                const began = now();
                const ended = end(worker);
                const other = await net.worker({}, offered('other'));
                await ended;
                expect(now() - began).toBeLessThanOrEqual(5);
                const isStarted = events.includes('first starts');
                if (isStarted) expect(events).toContain('first cleans up'); // nothing of it is left behind
                const [settled] = await outcome;
                expect(now() - began).toBeLessThanOrEqual(10);
                if (settled!.status === 'fulfilled') {
                  done++;
                  expect(events).toEqual([`${settled!.value} starts`, `${settled!.value} cleans up`]);
                } else if (!durable && events.length === 0) {
                  // Nothing is kept, and the other worker was not there yet.
                  expect(settled!.reason).toMatchObject({ name: 'NotServed', code: 'NO_WORKERS' });
                } else {
                  // It was begun, and cancelled in the middle.
                  expect(ending).toBe('is cancelled');
                  expect(settled!.reason).toMatchObject({ code: 'WORKER_LOST', worker: worker.name });
                  expect(events).toEqual(['first starts', 'first cleans up']);
                }
                if (!isStarted) given++;
                await other.drain();
              },
              { durable },
            )();
          }
          expect(done).toBeGreaterThan(0);
          expect(given).toBeGreaterThan(0);
        });
      }
    }
  }
});

describe('a job that an engine delivers although its worker takes nothing more', () => {
  for (const [when, seconds] of [
    ['while it finishes what runs', 0.5],
    ['while its connection ends', 3],
  ] as const) {
    it(
      `${when} is given back, and has lost no start`,
      withNetwork(async (net) => {
        const { engine, has, letThrough } = withholding(net.engine);
        const worker = await net.worker({ engine, drain: 2 });
        const job = net.pool().submit(slow, 'a', 60);
        while (!has()) await sleep(0.1);
        const stopped = worker.drain();
        await sleep(seconds);
        expect(await letThrough()).toEqual({ abandoned: true, isStarted: false });
        expect((await stopped).abandoned).toEqual([]);
        expect(net.events).toEqual([]);
        await net.worker();
        expect(await job).toBe('a');
        expect(net.events).toEqual(['start a', 'end a', 'clean a']);
      }),
    );
  }

  it(
    'when serve() has returned is not started there, whatever becomes of it',
    withNetwork(async (net) => {
      const { engine, has, letThrough } = withholding(net.engine);
      const worker = await net.worker({ engine, drain: 2 });
      const job = net.pool().with({ retries: 1 }).submit(slow, 'a', 60);
      while (!has()) await sleep(0.1);
      await worker.drain();
      expect(await letThrough()).toEqual({ abandoned: true, isStarted: false });
      await net.worker();
      expect(await job).toBe('a');
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
    }),
  );

  it(
    'and that its client has cancelled is over, and the client hears so',
    withNetwork(async (net) => {
      const { engine, has, letThrough } = withholding(net.engine);
      const worker = await net.worker({ engine, drain: 2 });
      const job = net.pool({ grace: 20 }).submit(slow, 'a', 60);
      while (!has()) await sleep(0.1);
      const stopped = worker.drain();
      job.cancel();
      await sleep(0.5);
      expect('reply' in (await letThrough())).toBe(true);
      expect(await rejection(job)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      await stopped;
      expect(net.events).toEqual([]);
    }),
  );
});

describe('a job that waits for the store before its start when its worker ends', () => {
  it.each(Object.entries(ENDS))('is given back when the worker %s, and another one does it', (_ending, end) =>
    withNetwork(async (net) => {
      let isAsked = false;
      const engine: Engine = {
        name: net.engine.name,
        features: net.engine.features,
        openClient: (queue, events) => net.engine.openClient(queue, events),
        openWorker: async (queue, settings) => {
          const link = await net.engine.openWorker(queue, settings);
          link.lostClients = async () => {
            isAsked = true;
            await sleep(1e6);
            return [];
          };
          return link;
        },
      };
      const worker = await net.worker({ engine, drain: 2 });
      const job = net.pool({ onClientLoss: 'cancel' }).submit(slow, 'a', 1);
      while (!isAsked) await sleep(0.1);
      const began = now();
      await end(worker);
      expect(now() - began).toBeLessThan(3);
      await net.worker();
      expect(await job).toBe('a');
      expect(net.events).toEqual(['start a', 'end a', 'clean a']);
    })(),
  );
});

describe('over NATS, a job that reaches a worker which ends', () => {
  const overNats = (body: (net: Network, server: FakeNats) => Promise<void>) => () =>
    runVirtual(async () => {
      vi.spyOn(Date, 'now').mockImplementation(() => 1e12 + getRunningLoop().time() * 1_000);
      const server = new FakeNats();
      await using net = new Network();
      await body(net, server);
    });

  it(
    'goes to another worker at once',
    overNats(async (net, server) => {
      const { engine, has, letThrough } = withholding(nats({ connection: server.connect() }));
      const worker = await net.worker({ engine });
      const pool = net.pool({ engine: nats({ connection: server.connect() }) });
      const job = pool.submit(slow, 'nats a', 1);
      while (!has()) await sleep(0.001);
      await sleep(0.1); // the client was told that it has begun
      expect(job.state).toBe('running');
      worker.task.cancel();
      await net.worker({ engine: nats({ connection: server.connect() }) });
      const began = now();
      expect(await letThrough()).toEqual({ abandoned: true, isStarted: false });
      expect(await job).toBe('nats a');
      expect(now() - began).toBeLessThan(1.1);
      expect(net.events.filter((event) => event === 'start nats a')).toHaveLength(1);
    }),
  );

  it(
    'is refused at once when there is no other one',
    overNats(async (net, server) => {
      const { engine, has, letThrough } = withholding(nats({ connection: server.connect() }));
      const worker = await net.worker({ engine });
      const job = net.pool({ engine: nats({ connection: server.connect() }) }).submit(slow, 'nobody', 1);
      while (!has()) await sleep(0.001);
      const ended = Promise.allSettled([worker.task]);
      worker.task.cancel();
      await sleep(0.01);
      const outcome = createTask(() => rejection(job));
      await letThrough();
      const began = now();
      expect(await outcome).toMatchObject({ name: 'NotServed', code: 'NO_WORKERS' });
      expect(now() - began).toBeLessThan(2.5); // the server has said so to two questions
      await ended;
      expect(net.events).not.toContain('start nobody');
    }),
  );

  it(
    'is sent once at the most, whenever the worker ends',
    overNats(async (net, server) => {
      const other = await net.worker({ engine: nats({ connection: server.connect() }), concurrency: 50 });
      for (let turns = 0; turns < 30; turns++) {
        for (const [ending, end] of Object.entries(ENDS)) {
          const name = `${turns} ${ending}`;
          const worker = await net.worker({ engine: nats({ connection: server.connect() }), drain: 5 });
          const pool = net.pool({ engine: nats({ connection: server.connect() }) });
          const outcomes = Promise.allSettled(['x', 'y', 'z'].map((part) => pool.submit(slow, `${name} ${part}`, 0.5)));
          for (let turn = 0; turn < turns; turn++) await sleep(0.0001);
          await end(worker);
          for (const [n, settled] of (await outcomes).entries()) {
            const part = `${name} ${'xyz'[n]}`;
            expect(net.events.filter((event) => event === `start ${part}`)).toHaveLength(1);
            if (settled.status === 'rejected') expect(settled.reason).toMatchObject({ code: 'WORKER_LOST' });
          }
        }
      }
      await other.drain();
    }),
  );
});
