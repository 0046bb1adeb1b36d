// What engines over a store do when a worker has lost its lock without knowing it, step by step, without the rest of an executor.
import assert from 'node:assert/strict';
import process from 'node:process';
import { getRunningLoop, sleep, wrapPromise } from 'asyncio-ts';
import type {
  ClientEvents,
  ClientLink,
  Delivery,
  Engine,
  Holding,
  Performed,
  Removal,
  WorkerLink,
} from 'asyncio-ts/distributed';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { engineOf } from './engines.ts';
import type { ProgramCheck } from './programs.ts';

/** How long locks would hold, in seconds: longer than any of these checks. */
const LEASE = 60;

/** Takes the lock of a job away, as its end does. */
const UNLOCK: Readonly<Record<string, (address: string, queue: string, id: string) => Promise<void>>> = {
  redis: async (address, queue, id) => {
    const redis = new Redis(address);
    try {
      assert.equal(await wrapPromise(redis.del(`bull:${queue}:${id}:lock`)), 1);
    } finally {
      redis.disconnect();
    }
  },
  postgres: async (address, queue, id) => {
    const client = new Client({ connectionString: address });
    await wrapPromise(client.connect());
    try {
      const text = 'UPDATE bullmq.job SET locked_until_ms = 1 WHERE queue = $1 AND id = $2 AND lock_token IS NOT NULL';
      assert.equal((await wrapPromise(client.query(text, [queue, id]))).rowCount, 1);
    } finally {
      await wrapPromise(client.end());
    }
  },
};

/** A job in the hands of a worker that has not begun it. */
interface Given {
  readonly delivery: Delivery;
  finish(performed: Performed): void;
}

/** One client, and one worker that starts nothing by itself. */
class Hands implements AsyncDisposable {
  readonly queue: string;
  readonly #address: string;
  readonly #kind: string;
  readonly #client: ClientLink;
  #worker!: WorkerLink;
  readonly #open = new Set<Given>();
  readonly #given: Given[] = [];
  #tell: (() => void) | null = null;

  private constructor(kind: string, address: string, queue: string, client: ClientLink) {
    this.#kind = kind;
    this.#address = address;
    this.queue = queue;
    this.#client = client;
  }

  static async open(kind: string, address: string, name: string): Promise<Hands> {
    const engine: Engine = engineOf(kind, address);
    const queue = `locks-${name}-${process.pid}`;
    const nothing = (): void => {};
    const events: ClientEvents = {
      started: nothing,
      settled: nothing,
      refused: nothing,
      progress: nothing,
      changed: nothing,
    };
    const hands = new Hands(kind, address, queue, await wrapPromise(engine.openClient(queue, events)));
    hands.#worker = await wrapPromise(
      engine.openWorker(queue, {
        offer: { worker: 'hands:1/1', module: null, names: ['f'] },
        concurrency: 1,
        lease: LEASE,
        perform: (delivery) => new Promise((resolve) => hands.#take(delivery, resolve)),
        cancel: nothing,
      }),
    );
    return hands;
  }

  #take(delivery: Delivery, resolve: (performed: Performed) => void): void {
    const given: Given = {
      delivery,
      finish: (performed) => {
        this.#open.delete(given);
        resolve(performed);
      },
    };
    this.#open.add(given);
    this.#given.push(given);
    this.#tell?.();
  }

  async send(id: string, attempts: number): Promise<void> {
    await wrapPromise(this.#client.send({ id, text: 'a job', name: 'f', attempts, sharer: null }));
  }

  /** The next job that the worker has got. */
  async next(): Promise<Given> {
    if (this.#given.length === 0) {
      await wrapPromise(
        new Promise<void>((resolve) => {
          this.#tell = resolve;
        }),
      );
    }
    return this.#given.shift()!;
  }

  async hold({ delivery }: Given): Promise<Holding> {
    return await wrapPromise(delivery.hold!());
  }

  async remove(id: string): Promise<Removal> {
    return await wrapPromise(this.#client.remove(id));
  }

  /** So that it can be sent again. */
  async discard(id: string, reply: string | null = null): Promise<void> {
    await wrapPromise(this.#client.discard(id, reply));
  }

  async cancel(id: string): Promise<void> {
    await wrapPromise(this.#client.cancel(id));
  }

  /** What a look-up says of a job. */
  async state(id: string): Promise<string | undefined> {
    return (await wrapPromise(this.#client.lookUp([id]))).get(id)?.state;
  }

  /** The worker takes nothing more. */
  async stop(): Promise<void> {
    await wrapPromise(this.#worker.pause());
  }

  async unlock(id: string): Promise<void> {
    await UNLOCK[this.#kind]!(this.#address, this.queue, id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await wrapPromise(this.#worker.pause());
    for (const given of [...this.#open]) given.finish({ reply: 'over' });
    await wrapPromise(this.#worker.close());
    await wrapPromise(this.#client.close());
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = getRunningLoop().time() + 10; !(await holds()); await sleep(0.02))
    assert.ok(getRunningLoop().time() < end, `not within 10 s: ${what}`);
}

export const locks: readonly ProgramCheck[] = [
  {
    title: 'a job that a worker has is not removed; one whose lock has ended is, and its worker may not start it',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'removed');
      await hands.send('a', 3);
      const given = await hands.next();
      assert.ok(given.delivery.held! > 0 && given.delivery.held! <= LEASE, `held for ${given.delivery.held} s`);
      assert.equal(await hands.hold(given), 'held');
      assert.equal(await hands.remove('a'), 'held');
      assert.equal(await hands.state('a'), 'running');
      await hands.unlock('a');
      assert.equal(await hands.remove('a'), 'started');
      assert.equal(await hands.hold(given), 'lost');
      assert.equal(await hands.remove('a'), 'unknown');
      assert.equal(await hands.state('a'), undefined);
    },
  },
  {
    title: 'a job that waits, or has ended, is removed as one that cannot run',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'waiting');
      await hands.send('first', 1);
      const first = await hands.next();
      await hands.send('waits', 3); // the worker has one place
      assert.equal(await hands.state('waits'), 'waiting');
      assert.equal(await hands.remove('waits'), 'removed');
      await hands.send('second', 1);
      first.finish({ reply: 'done' });
      const second = await hands.next();
      assert.equal(second.delivery.id, 'second', 'what was removed is not given out');
      assert.equal(await hands.state('first'), 'settled');
      assert.equal(await hands.remove('first'), 'removed');
      assert.equal(await hands.state('first'), 'settled', 'its outcome is left for others');
    },
  },
  {
    title: 'a job is told to be lost only when its worker cannot start it any more',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'lost');
      await hands.send('a', 1);
      const given = await hands.next();
      await hands.unlock('a');
      assert.equal(await hands.state('a'), 'running', 'it may have been given out at this moment');
      assert.equal(await hands.state('a'), 'lost');
      assert.equal(await hands.hold(given), 'lost');
      assert.equal(await hands.state('a'), 'lost', 'the answer of the look-up before it may have been lost');
    },
  },
  {
    title: 'a second start asks first, and learns of a cancellation that came before it',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'second');
      await hands.send('a', 3);
      (await hands.next()).finish({ abandoned: true, isStarted: true });
      const second = await hands.next();
      assert.deepEqual([second.delivery.attempt, second.delivery.held], [2, 0]);
      assert.equal(await hands.hold(second), 'held');
      await hands.cancel('a');
      assert.equal(await hands.hold(second), 'cancelled');
    },
  },
  {
    title: 'a job that is given back unstarted has lost no start, and its next worker looks for a cancellation first',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'unstarted');
      await hands.send('a', 1);
      (await hands.next()).finish({ abandoned: true, isStarted: false });
      const second = await hands.next();
      assert.deepEqual([second.delivery.attempt, second.delivery.held], [1, 0]);
      assert.equal(second.delivery.text, 'a job');
      assert.equal(await hands.hold(second), 'held');
      await hands.cancel('a');
      assert.equal(await hands.hold(second), 'cancelled');
      second.finish({ abandoned: true, isStarted: false });
      const third = await hands.next();
      assert.equal(third.delivery.attempt, 1);
      third.finish({ abandoned: true, isStarted: true });
      assert.equal((await hands.next()).delivery.attempt, 2);
    },
  },
  {
    title: 'a job that is given back unstarted waits as one that was never started',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'given-back');
      await hands.send('a', 1);
      const given = await hands.next();
      await hands.stop();
      given.finish({ abandoned: true, isStarted: false });
      await until('it waits', async () => (await hands.state('a')) === 'waiting');
      assert.equal(await hands.remove('a'), 'removed');
    },
  },
  {
    title:
      'a job that is to be sent again is taken away when it is lost or has ended as it was told, and not while it goes on',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'discarded');
      await hands.send('a', 2);
      const first = await hands.next();
      await hands.discard('a');
      assert.equal(await hands.state('a'), 'running', 'a worker has it');
      first.finish({ abandoned: true, isStarted: true });
      const second = await hands.next();
      await hands.discard('a');
      assert.equal(await hands.state('a'), 'running', 'another worker has it');
      await hands.unlock('a');
      await hands.discard('a');
      assert.equal(await hands.state('a'), undefined, 'it may not be started any more');
      assert.equal(await hands.hold(second), 'lost');
      second.finish({ reply: 'late' });
      await hands.send('b', 1);
      const given = await hands.next();
      await hands.send('waits', 2);
      await hands.discard('waits');
      assert.equal(await hands.state('waits'), 'waiting');
      given.finish({ reply: 'done' });
      await hands.next();
      await assert.rejects(hands.discard('b'), /has ended in the meantime/);
      await assert.rejects(hands.discard('b', 'another'), /has ended in the meantime/);
      assert.equal(await hands.state('b'), 'settled');
      await hands.discard('b', 'done');
      assert.equal(await hands.state('b'), undefined);
    },
  },
  {
    title: 'a job that has lost its worker and may be started again is not taken away',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'again');
      await hands.send('a', 2);
      await hands.next();
      await hands.unlock('a');
      await hands.discard('a');
      assert.equal(await hands.state('a'), 'waiting');
    },
  },
  {
    title: 'a job that a worker has only to say that it is spent cannot be sent again before that',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'spent');
      await hands.send('a', 1);
      (await hands.next()).finish({ abandoned: true, isStarted: true });
      const second = await hands.next();
      assert.equal(second.delivery.attempt, 2);
      await assert.rejects(hands.discard('a'), /is about to end/);
      second.finish({ reply: 'spent' });
      await until('it has ended', async () => (await hands.state('a')) === 'settled');
      await hands.discard('a', 'spent');
      assert.equal(await hands.state('a'), undefined);
    },
  },
  {
    title: 'a job whose lock has ended is lost at the second look, whatever is looked up in between',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'looks');
      await hands.send('a', 1);
      await hands.next();
      await hands.send('b', 1); // waits, because the worker has one place
      await hands.unlock('a');
      assert.equal(await hands.state('a'), 'running', 'it may have been given to a worker at this moment');
      assert.equal(await hands.state('b'), 'waiting');
      assert.equal(await hands.state('a'), 'lost');
    },
  },
  {
    title: 'a job that was taken away from its worker does not come back when that gives it back unstarted',
    async check({ kind, address }) {
      await using hands = await Hands.open(kind, address, 'taken-away');
      await hands.send('a', 1);
      const given = await hands.next();
      await hands.unlock('a');
      assert.equal(await hands.remove('a'), 'started');
      given.finish({ abandoned: true, isStarted: false });
      await hands.send('b', 1); // the worker has one place
      await hands.next();
      assert.equal(await hands.state('a'), undefined);
    },
  },
];
