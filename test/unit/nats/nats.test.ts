import {
  CancelledError,
  createTask,
  Event,
  gather,
  getRunningLoop,
  sleep,
  type Task,
  TimeoutError,
  wrapPromise,
} from 'asyncio-ts';
import {
  type ClientEvents,
  DistributedExecutor,
  type DistributedExecutorOptions,
  moduleFunctions,
  NotServed,
  nats,
  type ServeOptions,
  serve,
  WorkerLost,
} from 'asyncio-ts/nats';
import { runVirtual } from 'asyncio-ts/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Connection, FakeNats } from '../../support/fake-nats.ts';
import { failure, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { rejection } from '../distributed/network.ts';

const work = {
  started: [] as string[],
  async slow(name: string, seconds: number): Promise<string> {
    work.started.push(name);
    await sleep(seconds);
    work.started.push(`end of ${name}`);
    return name;
  },
  double: (n: number): number => 2 * n,
};
const { slow, double } = moduleFunctions<typeof work>('app:work');

beforeEach(() => {
  work.started = [];
  // Workers and clients compare clocks, which go with the simulated time of the loop here.
  vi.spyOn(Date, 'now').mockImplementation(() => 1e12 + getRunningLoop().time() * 1_000);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A server with workers and clients on it, which end with the program. */
class Net implements AsyncDisposable {
  readonly server = new FakeNats();
  readonly #tasks: Task<unknown>[] = [];
  readonly #pools: DistributedExecutor[] = [];

  worker(options: Partial<ServeOptions> = {}): Connection {
    const connection = this.server.connect();
    const task = createTask(() =>
      serve(work, { engine: nats({ connection }), queue: 'q', lease: 4, signals: [], ...options }),
    );
    this.#tasks.push(task);
    return connection;
  }

  pool(options: Partial<DistributedExecutorOptions> = {}): { pool: DistributedExecutor; connection: Connection } {
    const connection = this.server.connect();
    const pool = new DistributedExecutor({ engine: nats({ connection }), queue: 'q', ...options });
    this.#pools.push(pool);
    return { pool, connection };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pool of this.#pools) await pool.shutdown({ cancelFutures: true });
    for (const task of this.#tasks) task.cancel();
    await Promise.allSettled(this.#tasks);
  }
}

describeBoth('an executor over NATS', (s) => {
  /** A test with a net. */
  const withNet = (body: (net: Net) => Generator<unknown, void, unknown>) =>
    program(s, function* () {
      const net = new Net();
      try {
        yield* body(net);
      } finally {
        yield* s.wait(createTask(async () => await net[Symbol.asyncDispose]()));
      }
    });
  const time = () => getRunningLoop().time();

  it(
    'fails at once when nobody serves the queue',
    withNet(function* (net) {
      const { pool } = net.pool();
      const error = yield* failure(s, pool.submit(double, 1));
      expect(error).toBeInstanceOf(NotServed);
      expect(error).toMatchObject({
        code: 'NO_WORKERS',
        message: expect.stringContaining("nobody serves the queue 'q'"),
      });
      expect(time()).toBeLessThan(0.1);
    }),
  );

  it(
    'fails at once when the last worker has gone since the last job',
    withNet(function* (net) {
      const worker = net.worker();
      const { pool } = net.pool();
      expect(yield* s.wait(pool.submit(double, 1))).toBe(2);
      worker.kill();
      const before = time();
      const error = yield* failure(s, pool.submit(double, 2));
      expect(error).toBeInstanceOf(NotServed);
      expect((error as Error).message).toBe(
        "nobody serves the queue 'q' over nats any more, so double() was not started: start a worker with serve()",
      );
      expect(time() - before).toBeLessThan(0.1);
    }),
  );

  it(
    'gives a job to one worker only, and each result to its job',
    withNet(function* (net) {
      for (let i = 0; i < 3; i++) net.worker({ concurrency: 2 });
      const { pool } = net.pool();
      const jobs = Array.from({ length: 30 }, (_, i) => pool.submit(slow, String(i), 0.1));
      expect(yield* s.wait(gather(...jobs))).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
      expect(new Set(work.started).size).toBe(60);
      expect(work.started.length).toBe(60);
    }),
  );

  it(
    'keeps all workers busy, wherever NATS has sent the jobs first',
    withNet(function* (net) {
      for (let i = 0; i < 3; i++) net.worker({ concurrency: 2 });
      const { pool } = net.pool();
      yield* s.wait(pool.submit(double, 1));
      const before = time();
      yield* s.wait(gather(...Array.from({ length: 30 }, (_, i) => pool.submit(slow, String(i), 1))));
      expect(time() - before).toBeLessThan(5.1); // five rounds of six
    }),
  );

  it(
    'starts the jobs of a client that has few although another one has many',
    withNet(function* (net) {
      net.worker({ concurrency: 2 });
      const { pool: greedy } = net.pool();
      const { pool: modest } = net.pool();
      yield* s.wait(gather(greedy.submit(double, 1), modest.submit(double, 1)));
      const many = Array.from({ length: 100 }, (_, i) => greedy.submit(slow, `greedy ${i}`, 1));
      yield* s.wait(sleep(0.5));
      const before = time();
      yield* s.wait(modest.submit(slow, 'modest', 1));
      expect(time() - before).toBeLessThan(3);
      for (const job of many) job.cancel();
    }),
  );

  it(
    'says nothing of the start of a job that is done within 5 ms, and costs two messages then',
    withNet(function* (net) {
      const worker = net.worker();
      const { pool, connection } = net.pool();
      yield* s.wait(pool.submit(double, 1));
      connection.published.clear();
      worker.published.clear();
      yield* s.wait(pool.submit(double, 2));
      expect([...connection.published.values()]).toEqual([1]);
      expect([...worker.published.values()]).toEqual([1]);
      const job = pool.submit(slow, 'a', 0.1);
      yield* s.wait(sleep(0.02));
      expect(job.state).toBe('running');
      yield* s.wait(job);
    }),
  );

  it(
    'tells of a lost worker when its lease is over, and starts nothing again',
    withNet(function* (net) {
      const first = net.worker();
      const { pool } = net.pool();
      const job = pool.submit(slow, 'a', 600);
      yield* s.wait(sleep(1));
      net.worker();
      first.kill();
      const error = yield* failure(s, job);
      expect(error).toBeInstanceOf(WorkerLost);
      expect((error as WorkerLost).message).toMatch(/^the worker \S+ was lost while it ran slow\(\): /);
      expect((error as WorkerLost).message).not.toContain('retries');
      expect(time()).toBeLessThan(8);
      expect(work.started).toEqual(['a']);
      expect(pool.statistics().lost).toBe(1);
    }),
  );

  it(
    'tells of a lost worker that has not said a word about the job',
    withNet(function* (net) {
      const first = net.worker();
      const { pool } = net.pool();
      expect(yield* s.wait(pool.submit(double, 1))).toBe(2);
      const job = pool.submit(slow, 'a', 600);
      yield* s.wait(sleep(0.004)); // it has begun, and is told of after 5 ms
      net.worker();
      first.kill();
      const error = yield* failure(s, job);
      expect(error).toBeInstanceOf(WorkerLost);
      expect((error as WorkerLost).message).toMatch(
        /^the worker that NATS had chosen was lost while it ran slow\(\): /,
      );
      expect(time()).toBeLessThan(9);
      expect(work.started).toEqual(['a']);
    }),
  );

  it(
    'tells of a lost worker although others are lost all the time, so that somebody is always silent',
    withNet(function* (net) {
      const first = net.worker();
      const { pool } = net.pool();
      expect(yield* s.wait(pool.submit(double, 1))).toBe(2);
      const job = pool.submit(slow, 'a', 600);
      yield* s.wait(sleep(0.004));
      first.kill();
      let isOver = false;
      const trouble = createTask(async () => {
        while (!isOver) {
          const victim = net.worker();
          await sleep(1.5);
          victim.kill();
        }
      });
      expect(yield* failure(s, job)).toBeInstanceOf(WorkerLost);
      expect(time()).toBeLessThan(12);
      isOver = true;
      yield* s.wait(trouble);
    }),
  );

  it(
    'tells of a lost worker at the deadline when that is earlier',
    withNet(function* (net) {
      const worker = net.worker();
      const { pool } = net.pool({ grace: 0.5 });
      const job = pool.with({ deadline: 2 }).submit(slow, 'a', 600);
      yield* s.wait(sleep(1));
      worker.kill();
      expect(yield* failure(s, job)).toBeInstanceOf(TimeoutError);
      expect(time()).toBeLessThan(3);
    }),
  );

  it(
    'asks for an answer that was lost while NATS was away',
    withNet(function* (net) {
      net.worker();
      const { pool } = net.pool();
      const job = pool.submit(slow, 'a', 2);
      yield* s.wait(sleep(1.5));
      net.server.stop(1);
      expect(yield* s.wait(job)).toBe('a');
      expect(time()).toBeLessThan(8);
      expect(work.started).toEqual(['a', 'end of a']);
    }),
  );

  it(
    'holds jobs back while NATS is away, and does not take workers that are not back for none',
    withNet(function* (net) {
      net.worker();
      net.worker();
      const { pool } = net.pool();
      yield* s.wait(pool.submit(double, 1));
      net.server.stop(3);
      yield* s.wait(sleep(0.1));
      expect(yield* s.wait(gather(pool.submit(double, 2), pool.submit(double, 3)))).toEqual([4, 6]);
      expect(time()).toBeGreaterThan(3);
    }),
  );

  it(
    'does not count the time in which the client was cut off itself as silence of a worker',
    withNet(function* (net) {
      const worker = net.worker();
      const { pool, connection } = net.pool();
      const job = pool.submit(slow, 'a', 8);
      yield* s.wait(sleep(1.5));
      for (const one of [worker, connection]) one.disconnect();
      yield* s.wait(sleep(4.1));
      connection.reconnect();
      yield* s.wait(sleep(2));
      worker.reconnect();
      expect(yield* s.wait(job)).toBe('a');
      expect(pool.statistics().lost).toBe(0);
    }),
  );

  it(
    'does not take workers that answer slowly for none',
    withNet(function* (net) {
      const worker = net.worker();
      worker.slowness = 0.7;
      yield* s.wait(sleep(5));
      const { pool } = net.pool();
      expect(yield* s.wait(pool.submit(double, 1))).toBe(2);
    }),
  );

  it(
    'refuses the jobs that wait when the last worker is gone, and loses only the one that ran',
    withNet(function* (net) {
      const worker = net.worker();
      const { pool } = net.pool();
      const running = pool.submit(slow, 'a', 600);
      const waiting = Array.from({ length: 20 }, () => pool.submit(slow, 'b', 1));
      yield* s.wait(sleep(1));
      worker.kill();
      const outcomes = waiting.map((job) => job.catch((error: unknown) => error));
      const outcome = running.catch((error: unknown) => error);
      expect(yield* failure(s, waiting[0]!)).toBeInstanceOf(NotServed);
      expect(time()).toBeLessThan(4); // not only when its lease is over
      for (const refused of outcomes) expect(yield* s.wait(wrapPromise(refused))).toBeInstanceOf(NotServed);
      expect(yield* s.wait(wrapPromise(outcome))).toBeInstanceOf(WorkerLost);
      expect(time()).toBeLessThan(9);
      expect(work.started).toEqual(['a']);
    }),
  );

  it(
    'starts a worker although the connection is lost at that moment',
    withNet(function* (net) {
      net.worker();
      yield* s.wait(sleep(0));
      net.server.stop(1);
      yield* s.wait(sleep(3));
      const { pool } = net.pool();
      expect(yield* s.wait(pool.submit(double, 1))).toBe(2);
    }),
  );

  it(
    'says that NATS could not be reached when it stays away while a worker starts',
    withNet(function* (net) {
      const connection = net.server.connect();
      connection.disconnect();
      const served = createTask(() => serve(work, { engine: nats({ connection }), queue: 'q', signals: [] }));
      expect(yield* failure(s, served)).toMatchObject({
        name: 'RuntimeError',
        code: 'STORE_UNREACHABLE',
        message:
          "serve: the worker of the queue 'q' has no connection over nats, so it serves nothing: NATS could not be reached for 5 s",
      });
      expect(time()).toBeLessThan(12);
    }),
  );

  it(
    'drains a worker although the connection is lost at that moment',
    withNet(function* (net) {
      const connection = net.server.connect();
      const stop = new Event();
      const engine = nats({ connection });
      const served = createTask(() => serve(work, { engine, queue: 'q', lease: 4, signals: [], stop }));
      const { pool } = net.pool();
      yield* s.wait(sleep(0.1));
      const job = pool.submit(slow, 'a', 1);
      yield* s.wait(sleep(0.5));
      stop.set();
      const flush = connection.flush.bind(connection);
      connection.flush = () => {
        const flushed = flush();
        if (connection.isUp) net.server.stop(0.1);
        return flushed;
      };
      yield* s.wait(served);
      expect(work.started).toEqual(['a', 'end of a']);
      job.cancel();
    }),
  );

  it(
    'ends a worker whose server swallows everything, and does not wait for it for ever',
    withNet(function* (net) {
      const stop = new Event();
      const connection = net.server.connect();
      const engine = nats({ connection });
      const served = createTask(() => serve(work, { engine, queue: 'q', lease: 4, signals: [], stop }));
      yield* s.wait(sleep(1));
      connection.kill();
      stop.set();
      yield* s.wait(served);
      expect(time()).toBeLessThan(15);
    }),
  );

  it(
    'loses a job, and nothing else, when the program drains the connection of its worker',
    withNet(function* (net) {
      const worker = net.worker();
      const { pool } = net.pool();
      const job = pool.submit(slow, 'a', 0.5);
      yield* s.wait(sleep(0.1));
      worker.isDraining = true;
      expect(yield* failure(s, job)).toBeInstanceOf(WorkerLost);
      expect(work.started).toEqual(['a', 'end of a']);
    }),
  );

  it(
    'never starts a job that was cancelled while all workers were busy',
    withNet(function* (net) {
      net.worker();
      const { pool } = net.pool();
      const first = pool.submit(slow, 'first', 1);
      yield* s.wait(sleep(0.1));
      const second = pool.submit(slow, 'second', 1);
      yield* s.wait(sleep(0.1));
      expect(second.state).toBe('pending');
      second.cancel();
      expect(yield* failure(s, second)).toBeInstanceOf(CancelledError);
      expect([second.acknowledged, time() < 0.5]).toEqual([true, true]);
      yield* s.wait(first);
      yield* s.wait(sleep(3));
      expect(work.started).toEqual(['first', 'end of first']);
    }),
  );

  it(
    'gives the jobs of a worker that drains to others',
    withNet(function* (net) {
      const stop = new Event();
      net.worker({ stop });
      const { pool } = net.pool();
      const jobs = ['a', 'b', 'c'].map((name) => pool.submit(slow, name, 1));
      yield* s.wait(sleep(0.5));
      stop.set();
      net.worker();
      expect(yield* s.wait(gather(...jobs))).toEqual(['a', 'b', 'c']);
      expect(work.started.filter((line) => !line.startsWith('end'))).toEqual(['a', 'b', 'c']);
    }),
  );

  it(
    'refuses what it does not do: retries before a job is sent, progress where it is asked for',
    withNet(function* (net) {
      net.worker();
      const { pool, connection } = net.pool();
      yield* s.wait(pool.submit(double, 1));
      connection.published.clear();
      const error = yield* failure(s, pool.with({ retries: 1 }).submit(double, 1));
      expect(error).toMatchObject({ code: 'NO_RETRIES' });
      expect((error as Error).message).toBe(
        'double() was not sent: NATS delivers at most once, so that nothing is started again: leave out retries, or take bullmq(…)',
      );
      expect(connection.published.get('jobs')).toBeUndefined();
      const job = pool.submit(double, 1);
      expect(() => job.progress()).toThrow('progress cannot be reported over nats');
      yield* s.wait(job);
    }),
  );

  it(
    'ends no job of a client that is alive because its worker has come after its last sign',
    withNet(function* (net) {
      const first = net.worker({ lease: 1 });
      const { pool } = net.pool({ lease: 30, onClientLoss: 'cancel' });
      expect(yield* s.wait(pool.submit(double, 1))).toBe(2);
      net.worker({ lease: 1 });
      first.kill();
      yield* s.wait(sleep(3));
      expect(yield* s.wait(pool.submit(slow, 'a', 25))).toBe('a');
    }),
  );

  it(
    'ends no job of a client that is alive because the worker was cut off for longer than its lease',
    withNet(function* (net) {
      const worker = net.worker({ lease: 20 });
      const { pool } = net.pool({ lease: 2, onClientLoss: 'cancel' });
      const job = pool.submit(slow, 'a', 15);
      yield* s.wait(sleep(3));
      worker.disconnect();
      yield* s.wait(sleep(6));
      worker.reconnect();
      expect(yield* s.wait(job)).toBe('a');
    }),
  );

  it(
    'ends the jobs of a client that is lost when its lease is over, and only those that are to end with it',
    withNet(function* (net) {
      net.worker({ concurrency: 2 });
      const { pool, connection } = net.pool({ lease: 2 });
      const jobs = [
        pool.with({ onClientLoss: 'cancel' }).submit(slow, 'tied', 8),
        pool.with({ onClientLoss: 'finish' }).submit(slow, 'free', 8),
      ];
      for (const job of jobs) job.catch(() => {});
      yield* s.wait(sleep(1));
      connection.kill();
      yield* s.wait(sleep(12));
      expect(work.started).toEqual(['tied', 'free', 'end of free']);
    }),
  );

  /** Cuts a connection for a moment, again and again. */
  function* cutOften(connection: Connection, times: number): Generator<unknown, void, unknown> {
    for (let n = 0; n < times; n++) {
      yield* s.wait(sleep(2.5));
      connection.disconnect();
      yield* s.wait(sleep(0.1));
      connection.reconnect();
    }
  }

  it(
    'notices a worker that is lost although the connection is cut more often than the lease lasts',
    withNet(function* (net) {
      const worker = net.worker({ lease: 4 });
      const { pool, connection } = net.pool();
      const outcome = createTask(() => rejection(pool.submit(slow, 'a', 100)));
      yield* s.wait(sleep(1));
      worker.kill();
      yield* cutOften(connection, 6);
      expect(outcome.done()).toBe(true);
      expect(yield* s.wait(outcome)).toBeInstanceOf(WorkerLost);
    }),
  );

  it(
    'notices a client that is lost although the connection of the worker is cut more often than its lease lasts',
    withNet(function* (net) {
      const worker = net.worker({ lease: 4 });
      const { pool, connection } = net.pool({ lease: 4, onClientLoss: 'cancel', patience: 1 });
      pool.submit(slow, 'a', 30).catch(() => {});
      yield* s.wait(sleep(1));
      connection.kill();
      yield* cutOften(worker, 16);
      expect(work.started).toEqual(['a']);
    }),
  );

  it(
    'takes names of queues and keys of jobs that mean something in subjects',
    withNet(function* (net) {
      net.worker({ queue: 'a.b.*' });
      const { pool } = net.pool({ queue: 'a.b.*' });
      expect(yield* s.wait(pool.with({ key: 'a.png > b *' }).submit(slow, 'a', 0.1))).toBe('a');
      const { pool: other } = net.pool({ queue: 'a.b.c' });
      expect(yield* failure(s, other.submit(double, 1))).toBeInstanceOf(NotServed);
    }),
  );
});

describe('the engine nats()', () => {
  it('needs addresses or a connection, and says what to write', () => {
    const code = 'NO_SERVERS';
    expect(thrownBy(() => nats({}))).toMatchObject({
      message: "nats: either is required, got neither servers nor a connection; write nats('nats://127.0.0.1:4222')",
      code,
    });
    const connection = Object.create(null) as Connection;
    expect(thrownBy(() => nats({ servers: 'a', connection }))).toMatchObject({ code });
    expect(thrownBy(() => nats('nats://a b'))).toMatchObject({ code });
    expect(() => nats({ server: 'a' } as never)).toThrow(TypeError);
    for (const none of [undefined, null, { servers: [] }]) {
      expect(thrownBy(() => nats(none as never))).toMatchObject({
        message: "nats: the address of a server is required; write nats('nats://127.0.0.1:4222')",
        code,
      });
    }
    expect(thrownBy(() => nats(''))).toMatchObject({ code });
    expect(thrownBy(() => nats(new URL('http://token@h')))).toMatchObject({
      message:
        "nats: servers are addresses that begin with nats:// or tls://, got 'http://…@h/'; write nats('nats://127.0.0.1:4222')",
      code,
    });
    expect(nats(new URL('nats://h')).name).toBe('nats');
    expect(nats({ servers: [new URL('tls://h'), 'h'] }).name).toBe('nats');
    expect(thrownBy(() => nats('redis://user:secret@127.0.0.1'))).toMatchObject({
      message:
        "nats: servers are addresses that begin with nats:// or tls://, got 'redis://user:…@127.0.0.1'; write nats('nats://127.0.0.1:4222')",
      code,
    });
    expect(thrownBy(() => nats({ servers: 4222 as never }))).toMatchObject({ code });
    expect(nats('127.0.0.1:4222').name).toBe('nats');
  });

  it('refuses a server that takes only small messages', async () => {
    await runVirtual(async () => {
      const connection = Object.assign(new FakeNats().connect(), { info: { max_payload: 1_000 } });
      const opened = nats({ connection }).openClient('q', {} as ClientEvents);
      await expect(opened).rejects.toMatchObject({ code: 'PAYLOAD_TOO_SMALL' });
    });
  });
});
