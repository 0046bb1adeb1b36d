import { createTask, Event, getRunningLoop, sleep, type Task } from 'asyncio-ts';
import {
  type ClientLink,
  DistributedExecutor,
  type DistributedExecutorOptions,
  type Engine,
  MemoryEngine,
  type MemoryEngineOptions,
  moduleFunctions,
  reportProgress,
  type ServeOptions,
  type ServeReport,
  serve,
} from 'asyncio-ts/distributed';
import { runVirtual } from 'asyncio-ts/testing';

/** What has happened in the functions, in order. */
let events: string[] = [];

/** What workers of these tests serve. */
export const work = {
  double: (n: number): number => 2 * n,
  /** Waits, with a line at its start, and one at its end or when it has cleaned up. */
  async slow(name: string, seconds: number, cleanUp = 0): Promise<string> {
    events.push(`start ${name}`);
    try {
      await sleep(seconds);
      events.push(`end ${name}`);
      return name;
    } finally {
      if (cleanUp > 0) await sleep(cleanUp);
      events.push(`clean ${name}`);
    }
  },
  async count(to: number, pause: number): Promise<number> {
    for (let n = 1; n <= to; n++) {
      await sleep(pause);
      reportProgress(n);
    }
    return to;
  },
  /** Fails as often as `events` does not have enough of its lines. */
  flaky(name: string, failures: number): string {
    events.push(`start ${name}`);
    const starts = events.filter((event) => event === `start ${name}`).length;
    if (starts <= failures) throw new RangeError(`failure ${starts} of ${name}`);
    return name;
  },
};

export const functions = moduleFunctions<typeof work>('app:work');

/** A worker of a network. */
export interface NetworkWorker {
  readonly name: string;
  readonly task: Task<ServeReport>;
  drain(): Promise<ServeReport>;
}

/** Workers and clients over one engine in memory. */
export class Network implements AsyncDisposable {
  readonly engine: MemoryEngine;
  readonly #tasks: Task<ServeReport>[] = [];
  readonly #pools: DistributedExecutor[] = [];

  constructor(options: MemoryEngineOptions = {}) {
    this.engine = new MemoryEngine(options);
  }

  /** What the functions have done since the network was made. */
  get events(): readonly string[] {
    return events;
  }

  async worker(options: Partial<ServeOptions> = {}, offered: object = work): Promise<NetworkWorker> {
    const stop = new Event();
    const ready = new Event();
    let name = '';
    const task = createTask(() =>
      serve(offered, {
        ...{ engine: this.engine, queue: 'q', lease: 4, signals: [], stop },
        ...options,
        onReady: (worker) => {
          name = worker;
          ready.set();
        },
      }),
    );
    this.#tasks.push(task);
    await ready.wait();
    return {
      name,
      task,
      drain: async () => {
        stop.set();
        return await task;
      },
    };
  }

  pool(options: Partial<DistributedExecutorOptions> = {}): DistributedExecutor {
    const pool = new DistributedExecutor({ engine: this.engine, queue: 'q', ...options });
    this.#pools.push(pool);
    return pool;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pool of this.#pools) await pool.shutdown({ cancelFutures: true });
    for (const task of this.#tasks) task.cancel();
    await Promise.allSettled(this.#tasks);
  }
}

/** A test with a network, on simulated time. */
export function withNetwork(body: (net: Network) => Promise<void>, options: MemoryEngineOptions = {}) {
  return async (): Promise<void> => {
    events = [];
    await runVirtual(async () => {
      await using net = new Network(options);
      await body(net);
    });
  };
}

/** An engine whose clients can be cut off: for ever, which is what a killed client looks like, or for a time. Its workers are not. */
export class Cord {
  readonly engine: Engine;
  #cutUntil = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine) {
    this.engine = {
      name: engine.name,
      features: engine.features,
      openWorker: (queue, settings) => engine.openWorker(queue, settings),
      openClient: async (queue, told) => {
        const link = await engine.openClient(
          queue,
          this.#wrapped(told, () => undefined),
        );
        return this.#wrapped(link, () => Promise.reject(new Error('cut off')));
      },
    };
  }

  cut(seconds = Number.POSITIVE_INFINITY): void {
    this.#cutUntil = now() + seconds;
  }

  #wrapped<T extends object>(target: T, afterwards: () => unknown): T {
    return new Proxy(target, {
      get: (_target, key) => {
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) =>
          now() < this.#cutUntil && key !== 'close' ? afterwards() : Reflect.apply(method, target, args);
      },
    });
  }
}

/** An engine whose calls of clients can be changed, by the name of the method. */
export function altered(engine: Engine, changes: (link: ClientLink) => Partial<ClientLink>): Engine {
  return {
    name: engine.name,
    features: engine.features,
    openWorker: (queue, settings) => engine.openWorker(queue, settings),
    openClient: async (queue, told) => {
      const link = await engine.openClient(queue, told);
      const changed = changes(link);
      return new Proxy(link, {
        get(target, key) {
          const method: unknown = Reflect.get(changed, key) ?? Reflect.get(target, key);
          return typeof method === 'function' ? method.bind(target) : method;
        },
      });
    },
  };
}

/** An engine whose links never end, as those of a store that has gone in the middle of it. */
export function endless(engine: Engine): Engine {
  const held = <T extends object>(link: T): T =>
    new Proxy(link, {
      get(target, key) {
        if (key === 'close') return () => sleep(1e6);
        const method: unknown = Reflect.get(target, key);
        return typeof method === 'function' ? method.bind(target) : method;
      },
    });
  return {
    name: engine.name,
    features: engine.features,
    openWorker: async (queue, settings) => held(await engine.openWorker(queue, settings)),
    openClient: async (queue, told) => held(await engine.openClient(queue, told)),
  };
}

/** What a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<Error & { readonly code?: unknown }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not reject');
}

export function now(): number {
  return getRunningLoop().time();
}
