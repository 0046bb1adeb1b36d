import { ContextVar, createTask, Event, gather, getRunningLoop, sleep, type Task } from 'asyncio-ts';
import {
  DistributedExecutor,
  type DistributedExecutorOptions,
  type Engine,
  MemoryEngine,
  moduleFunctions,
  type ServeOptions,
  serve,
} from 'asyncio-ts/distributed';
import { nats } from 'asyncio-ts/nats';
import { runVirtual } from 'asyncio-ts/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeNats } from '../../support/fake-nats.ts';
import { altered, Cord, now, rejection } from './network.ts';

const tenant = new ContextVar<unknown>('tenant', { default: 'nobody' });
const locale = new ContextVar<string>('locale');
const traced = new ContextVar<string>('traced', { default: 'nothing' });

let events: string[] = [];

const work = {
  double: (n: number): number => 2 * n,
  async slow(name: string, seconds: number): Promise<string> {
    events.push(`start ${name}`);
    try {
      await sleep(seconds);
      return name;
    } finally {
      await sleep(0.1);
      events.push(`clean ${name}`);
    }
  },
  /** What it sees around it, before and after a wait. */
  async seen(): Promise<unknown[]> {
    const before = [tenant.get(), locale.get('none'), traced.get()];
    await sleep(0.1);
    return [...before, tenant.get(), locale.get('none'), traced.get()];
  },
  seenAtOnce: (): unknown[] => [tenant.get(), locale.get('none'), traced.get()],
};
const { double, slow, seen, seenAtOnce } = moduleFunctions<typeof work>('app:work');

/** An engine that can be cut off from the others, for ever or for some seconds. */
interface Way {
  readonly engine: Engine;
  cut(seconds?: number): void;
}

/** Each participant has a way of its own. */
const ENGINES: Readonly<Record<string, () => () => Way>> = {
  memory: () => {
    const engine = new MemoryEngine();
    return () => new Cord(engine);
  },
  'memory that keeps nothing': () => {
    const engine = new MemoryEngine({ durable: false });
    return () => new Cord(engine);
  },
  nats: () => {
    const server = new FakeNats();
    return () => {
      const connection = server.connect();
      return {
        engine: nats({ connection }),
        cut: (seconds) => {
          connection.disconnect();
          if (seconds !== undefined) connection.loop.callLater(seconds, () => connection.reconnect());
        },
      };
    };
  },
};

beforeEach(() => {
  events = [];
  // Workers and clients of NATS compare clocks, which go with the simulated time of the loop here.
  vi.spyOn(Date, 'now').mockImplementation(() => 1e12 + getRunningLoop().time() * 1_000);
});
afterEach(() => {
  vi.restoreAllMocks();
});

class Net implements AsyncDisposable {
  readonly way: () => Way;
  readonly #ends: (() => Promise<unknown>)[] = [];

  constructor(way: () => Way) {
    this.way = way;
  }

  connect(): Engine {
    return this.way().engine;
  }

  async worker(options: Partial<ServeOptions> = {}): Promise<{ readonly task: Task<unknown> }> {
    const ready = new Event();
    const task = createTask(() =>
      serve(work, {
        ...{ engine: this.connect(), queue: 'q', signals: [], concurrency: 10, onReady: () => ready.set() },
        ...options,
      }),
    );
    this.#ends.push(() => {
      task.cancel();
      return Promise.allSettled([task]);
    });
    await ready.wait();
    return { task };
  }

  pool(options: Partial<DistributedExecutorOptions> = {}): DistributedExecutor {
    const pool = new DistributedExecutor({ engine: this.connect(), queue: 'q', ...options });
    this.#ends.push(() => pool.shutdown({ cancelFutures: true }).then(() => {}));
    return pool;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }
}

describe.each(Object.keys(ENGINES))('over %s', (kind) => {
  const withNet = (body: (net: Net) => Promise<void>) => () =>
    runVirtual(async () => {
      await using net = new Net(ENGINES[kind]!());
      await body(net);
    });

  describe('the context of a call', () => {
    const extract: ServeOptions['extract'] = (headers, call) => {
      traced.set(JSON.stringify(headers));
      return call();
    };

    it(
      'comes along: chosen variables with values of any kind, and the headers of a tracing tool',
      withNet(async (net) => {
        await net.worker({ propagate: [tenant, locale], extract });
        const pool = net.pool({
          propagate: [tenant, locale],
          inject: (headers) => Object.assign(headers, { traceparent: '00-1', baggage: 'a=ü' }),
        });
        const headers = '{"traceparent":"00-1","baggage":"a=ü"}';
        const value = new Map([['id', new Date(5)]]);
        tenant.set(value);
        expect(await pool.submit(seen)).toEqual([value, 'none', headers, value, 'none', headers]);
        locale.set('de');
        expect(await pool.submit(seenAtOnce)).toEqual([value, 'de', headers]);
      }),
    );

    it(
      'is that of the moment of submit, and that of each job alone',
      withNet(async (net) => {
        await net.worker({ propagate: [tenant], extract });
        let calls = 0;
        const pool = net.pool({
          propagate: [tenant],
          inject: (headers) => {
            headers['n'] = String(++calls);
          },
        });
        const jobs = [1, 2, 3].map((n) => {
          tenant.set(n);
          return pool.submit(seen);
        });
        tenant.set('later');
        expect(await gather(...jobs)).toEqual(
          [1, 2, 3].map((n) => {
            const own = [n, 'none', `{"n":"${n}"}`];
            return [...own, ...own];
          }),
        );
        expect(calls).toBe(3);
        expect(tenant.get()).toBe('later');
      }),
    );

    it(
      'does not come along unasked, is not left to the next job, and nothing of the worker gets into it',
      withNet(async (net) => {
        tenant.set('the worker');
        await net.worker({ propagate: [tenant, traced] });
        await net.worker({ propagate: [] }).then(({ task }) => task.cancel());
        const told = net.pool({ propagate: [tenant, locale] });
        const silent = net.pool();
        tenant.set('a');
        locale.set('de'); // the worker does not take it
        expect(await told.submit(seenAtOnce)).toEqual(['a', 'none', 'nothing']);
        expect(await silent.submit(seenAtOnce)).toEqual(['nobody', 'none', 'nothing']);
        expect(await silent.submit(seen)).toEqual(['nobody', 'none', 'nothing', 'nobody', 'none', 'nothing']);
      }),
    );

    it(
      'fails the job with the error of the tool, on both sides, and of a variable that cannot be sent',
      withNet(async (net) => {
        await net.worker({
          extract: () => {
            throw new RangeError('no headers');
          },
        });
        expect(await rejection(net.pool().submit(double, 1))).toMatchObject({
          name: 'RangeError',
          message: 'no headers',
        });
        const inject = () => {
          throw new RangeError('no span');
        };
        expect(await rejection(net.pool({ inject }).submit(double, 1))).toMatchObject({ message: 'no span' });
        tenant.set(() => {});
        expect(await rejection(net.pool({ propagate: [tenant] }).submit(double, 1))).toMatchObject({
          code: 'ARGUMENT_NOT_CLONEABLE',
        });
      }),
    );
  });

  describe('a client that is lost', () => {
    it(
      'ends its running jobs with onClientLoss: cancel, clean-up included, and those of others go on',
      withNet(async (net) => {
        await net.worker();
        const cord = net.way();
        const lost = net.pool({ engine: cord.engine, onClientLoss: 'cancel', lease: 6, patience: 20 });
        const mine = lost.submit(slow, 'lost', 60);
        const finished = lost.with({ onClientLoss: 'finish' }).submit(slow, 'finished', 20);
        const theirs = net.pool({ onClientLoss: 'cancel', lease: 6 }).submit(slow, 'other', 30);
        for (const job of [mine, finished]) job.catch(() => {});
        await sleep(2);
        expect([...events].sort()).toEqual(['start finished', 'start lost', 'start other']);
        cord.cut();
        await sleep(6 + 4);
        expect(events.slice(3)).toEqual(['clean lost']);
        expect(await theirs).toBe('other');
        expect([...events.slice(4)].sort()).toEqual(['clean finished', 'clean other']);
      }),
    );

    it(
      'is told what has happened when it was only cut off for too long',
      withNet(async (net) => {
        await net.worker();
        const cord = net.way();
        const job = net.pool({ engine: cord.engine, onClientLoss: 'cancel', lease: 3 }).submit(slow, 'a', 60);
        const outcome = createTask(() => rejection(job));
        await sleep(1);
        cord.cut(8);
        expect(await outcome).toMatchObject({ code: 'CLIENT_LOST' });
      }),
    );

    it(
      'is none that has rested for longer than its lease, or whose worker is new',
      withNet(async (net) => {
        const first = await net.worker();
        const pool = net.pool({ onClientLoss: 'cancel', lease: 3 });
        expect(await pool.submit(double, 1)).toBe(2);
        await sleep(60);
        expect(await pool.submit(double, 2)).toBe(4);
        await net.worker();
        first.task.cancel();
        await sleep(0.5);
        expect(await pool.submit(slow, 'a', 20)).toBe('a');
      }),
    );
  });

  describe('a job whose sending the store has not confirmed', () => {
    it(
      'fails when the patience is over, whenever another one has ended that was not confirmed either',
      withNet(async (net) => {
        await net.worker();
        let isSilent = false;
        const engine = altered(net.connect(), (link) => ({
          send: async (job) => {
            await link.send(job);
            if (isSilent) await sleep(1e6);
          },
        }));
        const pool = net.pool({ engine, patience: 5 });
        expect(await pool.submit(slow, 'first', 0)).toBe('first');
        isSilent = true;
        const began = now();
        const [short, long] = [pool.submit(slow, 'short', 3), pool.submit(slow, 'long', 60)];
        expect(await short).toBe('short');
        expect(await rejection(long)).toMatchObject({ code: 'STORE_UNREACHABLE' });
        expect(now() - began).toBeCloseTo(5);
      }),
    );
  });

  describe.runIf(kind !== 'memory')('a job that waits for a place', () => {
    it(
      'is refused soon when the last worker drains, and the one that runs is finished',
      withNet(async (net) => {
        const stop = new Event();
        await net.worker({ concurrency: 1, stop });
        const pool = net.pool();
        const runs = pool.submit(slow, 'a', 10);
        const waits = [pool.submit(slow, 'b', 1), pool.submit(slow, 'c', 1)].map((job) => rejection(job));
        await sleep(1);
        const began = now();
        stop.set();
        for (const refused of waits) expect(await refused).toMatchObject({ name: 'NotServed', code: 'NO_WORKERS' });
        expect(now() - began).toBeLessThan(3);
        expect(await rejection(pool.submit(double, 1))).toMatchObject({ name: 'NotServed', code: 'NO_WORKERS' });
        expect(await runs).toBe('a');
        expect(events).toEqual(['start a', 'clean a']);
        await net.worker();
        expect(await pool.submit(double, 1)).toBe(2);
      }),
    );
  });

  describe('a short lease', () => {
    it(
      'of a worker, or a client, keeps the jobs of those who are there',
      withNet(async (net) => {
        await net.worker({ lease: 0.3 });
        const pool = net.pool({ lease: 0.3, onClientLoss: 'cancel' });
        expect(await gather(pool.submit(slow, 'a', 4), pool.submit(slow, 'b', 2))).toEqual(['a', 'b']);
        expect(pool.statistics()).toMatchObject({ lost: 0, finished: 2 });
      }),
    );

    it(
      'of a client ends its jobs soon after its last sign',
      withNet(async (net) => {
        await net.worker();
        const cord = net.way();
        const job = net
          .pool({ engine: cord.engine, onClientLoss: 'cancel', lease: 0.3, patience: 5 })
          .submit(slow, 'a', 60);
        job.catch(() => {});
        await sleep(1);
        cord.cut();
        await sleep(2);
        expect(events).toEqual(['start a', 'clean a']);
      }),
    );
  });

  describe('another version of the format', () => {
    const sent = (engine: Engine, change: (text: string) => string) =>
      altered(engine, (link) => ({ send: (job) => link.send({ ...job, text: change(job.text) }) }));

    it.each([
      ['of the next version', (text: string) => text.replace('"v":1', '"v":2')],
      ['without one', (text: string) => text.replace('"v":1,', '')],
      ['that is no object', () => '[1]'],
      ['that is nothing', () => 'null'],
      ['that is no JSON', () => 'hello'],
      ['that is empty', () => ''],
    ])('in a job %s is refused by the worker, which says what to do, and goes on', (_what, change) =>
      withNet(async (net) => {
        await net.worker();
        const error = await rejection(net.pool({ engine: sent(net.connect(), change) }).submit(slow, 'a', 1));
        expect(error).toMatchObject({ name: 'NotServed', code: 'OTHER_VERSION' });
        expect(error.message).toMatch(
          /^slow\(\) was refused by its worker: it has another format than version 1, which the worker \S+ reads: run the same major version of asyncio-ts in clients and workers$/,
        );
        expect(events).toEqual([]);
        expect(await net.pool().submit(double, 2)).toBe(4);
      })(),
    );

    it.each([
      [
        'of the next version',
        (text: string) => text.replace('"v":1', '"v":2'),
        /^an answer has version 2 of the format, and this program reads version 1/,
      ],
      ['that is no JSON', () => 'hello', /^an answer has no version of the format, and this program reads version 1/],
    ])('in an answer %s is an error of the job, and the client goes on', (_what, change, message) =>
      withNet(async (net) => {
        const engine = net.connect();
        let isOther = true;
        const changed = <T extends { readonly reply: string } | { readonly abandoned: true }>(performed: T): T =>
          isOther && 'reply' in performed ? { ...performed, reply: change(performed.reply) } : performed;
        await net.worker({
          engine: {
            name: engine.name,
            features: engine.features,
            openClient: engine.openClient.bind(engine),
            openWorker: (queue, settings) =>
              engine.openWorker(queue, {
                ...settings,
                perform: (delivery) => {
                  const performed = settings.perform(delivery);
                  return performed instanceof Promise ? performed.then(changed) : changed(performed);
                },
              }),
          },
        });
        const pool = net.pool();
        for (const job of [pool.submit(double, 1), pool.submit(slow, 'a', 1)]) {
          const error = await rejection(job);
          expect(error).toMatchObject({ name: 'RuntimeError', code: 'OTHER_VERSION' });
          expect(error.message).toMatch(message);
        }
        isOther = false;
        expect(await pool.submit(double, 2)).toBe(4);
      })(),
    );

    it.each([
      ['a function that is not there', (text: string) => text.replace('"slow"', '"toString"'), 'NotServed'],
      ['arguments of another format', (text: string) => text.replace(/"args":\{.*?\}/, '"args":5'), 'TypeError'],
      ['a deadline that is no time', (text: string) => text.replace('}', '},"deadline":"soon"'), 'NotServed'],
      ['variables that are none', (text: string) => text.replace('}', '},"vars":{"tenant":7}'), 'TypeError'],
    ])('with %s is an error of the job, and the worker goes on', (_what, change, name) =>
      withNet(async (net) => {
        await net.worker({ propagate: [tenant] });
        const began = now();
        const error = await rejection(net.pool({ engine: sent(net.connect(), change) }).submit(slow, 'a', 1));
        expect(error.name).toBe(name);
        expect(now() - began).toBeLessThan(1);
        expect(events).toEqual([]);
        expect(await net.pool().submit(double, 2)).toBe(4);
      })(),
    );
  });
});
