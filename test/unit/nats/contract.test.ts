import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTask, Event, getRunningLoop, sleep, type Task } from 'asyncio-ts';
import { DistributedExecutor, type DistributedExecutorOptions, moduleFunctions, nats, serve } from 'asyncio-ts/nats';
import { runVirtual } from 'asyncio-ts/testing';
import { afterAll, beforeEach, describe, it, vi } from 'vitest';
import { promises } from '../../distributed/contract.ts';
import { submitPlan } from '../../distributed/plan.ts';
import type { ClientPlan, Stage, TestClient, TestWorker } from '../../distributed/stage.ts';
import { storm } from '../../distributed/storm.ts';
import { stormyOf } from '../../distributed/stormy.ts';
import * as work from '../../distributed/work.ts';
import { FakeNats, type FakeNatsOptions } from '../../support/fake-nats.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-nats-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  // Workers and clients compare clocks, which go with the simulated time of the loop here.
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => 1e12 + getRunningLoop().time() * 1_000);
  return () => clock.mockRestore();
});
let files = 0;
let workers = 0;

const { stormy } = moduleFunctions<typeof work>('app:work');

/** The engine over a server of NATS in memory, with workers that are tasks of the same loop. */
class FakeStage implements Stage, AsyncDisposable {
  readonly queue = 'work';
  readonly lease = 5;
  readonly isFaulty: boolean;
  readonly #server: FakeNats;
  readonly engine;
  readonly #workers: Task<unknown>[] = [];
  readonly #clients: DistributedExecutor[] = [];

  constructor(options: FakeNatsOptions) {
    this.#server = new FakeNats(options);
    this.isFaulty = options.delay !== undefined;
    this.engine = nats({ connection: this.#server.connect() });
  }

  file(): string {
    return path.join(folder, String(++files));
  }

  async worker({ concurrency = 1 } = {}): Promise<TestWorker> {
    const stop = new Event();
    const ready = new Event();
    const connection = this.#server.connect();
    const place = `worker${++workers}`;
    const task = createTask(() =>
      serve(
        { ...work, stormy: stormyOf(place) },
        {
          ...{ engine: nats({ connection }), queue: this.queue, concurrency, lease: this.lease, stop, signals: [] },
          propagate: [work.requestId],
          onReady: () => ready.set(),
        },
      ),
    );
    this.#workers.push(task);
    await ready.wait();
    return {
      place,
      kill: async () => connection.kill(),
      drain: async () => {
        stop.set();
        await task;
      },
    };
  }

  pool(options: Partial<DistributedExecutorOptions> = {}): DistributedExecutor {
    return new DistributedExecutor({ engine: this.engine, queue: this.queue, ...options });
  }

  async interrupt(): Promise<void> {
    this.#server.stop(2);
    await sleep(0.1);
  }

  async client(plan: ClientPlan): Promise<TestClient> {
    const connection = this.#server.connect();
    const engine = nats({ connection });
    const pool = new DistributedExecutor({ engine, queue: this.queue, lease: plan.lease, patience: 5 });
    this.#clients.push(pool);
    return { ids: submitPlan(pool, stormy, plan), kill: async () => connection.kill() };
  }

  async restart({ seconds = 0 }: { readonly seconds?: number }): Promise<void> {
    this.#server.stop(0.5 + seconds);
    await sleep(0.5 + seconds);
  }

  check(): void {
    // All of it is on this loop, where an accident is an error of the test.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.shutdown({ cancelFutures: true });
    for (const task of this.#workers) task.cancel();
    for (const task of this.#workers) await Promise.allSettled([task]);
  }
}

describe.each([
  ['as it usually is', {}],
  ['with slow messages', { delay: [0.001, 0.05], seed: 7 } as const],
])('an executor over NATS %s', (_name, options: FakeNatsOptions) => {
  it.each(promises.filter(({ durable, progress }) => !(durable || progress)))('$title', async ({ check }) => {
    await runVirtual(async () => {
      await using stage = new FakeStage(options);
      await check(stage);
    });
  });
});

describe('a storm over NATS, with workers and clients killed, the server restarted and cancellations at random', () => {
  it.each([1, 2, 3])('loses no job, hangs at none, and starts none twice: seed %i', async (seed) => {
    await runVirtual(
      async () => {
        await using stage = new FakeStage({ delay: [0.001, 0.02], seed });
        await storm(stage, { jobs: 200, seed });
      },
      { patience: 0 }, // all of it is on this loop: nothing comes from outside it
    );
  });
});
