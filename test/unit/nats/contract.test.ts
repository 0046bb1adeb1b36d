import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTask, Event, getRunningLoop, sleep, type Task } from 'asyncio-ts';
import { DistributedExecutor, type DistributedExecutorOptions, nats, serve } from 'asyncio-ts/nats';
import { runVirtual } from 'asyncio-ts/testing';
import { afterAll, beforeEach, describe, it, vi } from 'vitest';
import { promises } from '../../distributed/contract.ts';
import type { Stage, TestWorker } from '../../distributed/stage.ts';
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

/** The engine over a server of NATS in memory, with workers that are tasks of the same loop. */
class FakeStage implements Stage, AsyncDisposable {
  readonly queue = 'work';
  readonly lease = 5;
  readonly isFaulty: boolean;
  readonly #server: FakeNats;
  readonly engine;
  readonly #workers: Task<unknown>[] = [];

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
    const task = createTask(() =>
      serve(work, {
        ...{ engine: nats({ connection }), queue: this.queue, concurrency, lease: this.lease, stop, signals: [] },
        propagate: [work.requestId],
        onReady: () => ready.set(),
      }),
    );
    this.#workers.push(task);
    await ready.wait();
    return {
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

  async [Symbol.asyncDispose](): Promise<void> {
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
