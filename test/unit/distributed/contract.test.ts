import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTask, Event, logger, sleep, type Task } from 'asyncio-ts';
import {
  DistributedExecutor,
  MemoryEngine,
  type MemoryEngineOptions,
  moduleFunctions,
  type ServeOptions,
  serve,
} from 'asyncio-ts/distributed';
import { runVirtual } from 'asyncio-ts/testing';
import { afterAll, beforeEach, describe, it, vi } from 'vitest';
import { promises } from '../../distributed/contract.ts';
import { submitPlan } from '../../distributed/plan.ts';
import type { ClientPlan, Stage, TestClient, TestWorker } from '../../distributed/stage.ts';
import { storm } from '../../distributed/storm.ts';
import { stormyOf } from '../../distributed/stormy.ts';
import * as work from '../../distributed/work.ts';
import { Cord } from './network.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-distributed-'));
afterAll(() => rmSync(folder, { recursive: true }));
// Workers tell of what the tests do to them.
beforeEach(() => {
  vi.spyOn(logger, 'warn').mockImplementation(() => {});
});
let files = 0;
let workers = 0;

const { stormy } = moduleFunctions<typeof work>('app:work');

/** The engine in memory, with workers that are tasks of the same loop. */
class MemoryStage implements Stage, AsyncDisposable {
  readonly engine: MemoryEngine;
  readonly queue = 'work';
  readonly lease = 5;
  readonly isFaulty: boolean;
  readonly #workers: { task: Task<unknown>; stop: Event }[] = [];
  readonly #clients: DistributedExecutor[] = [];

  constructor(options: MemoryEngineOptions) {
    this.engine = new MemoryEngine(options);
    this.isFaulty = options.faults !== undefined;
  }

  file(): string {
    return path.join(folder, String(++files));
  }

  async worker({ concurrency = 1 } = {}): Promise<TestWorker> {
    const stop = new Event();
    const ready = new Event();
    let name = '';
    const options: ServeOptions = {
      ...{ engine: this.engine, queue: this.queue, concurrency, lease: this.lease, stop, signals: [] },
      propagate: [work.requestId],
      onReady: (worker) => {
        name = worker;
        ready.set();
      },
    };
    const place = `worker${++workers}`;
    const task = createTask(() => serve({ ...work, stormy: stormyOf(place) }, options));
    this.#workers.push({ task, stop });
    await ready.wait();
    return {
      place,
      kill: async () => this.engine.kill(name),
      drain: async () => {
        stop.set();
        await task;
      },
    };
  }

  pool(options: Partial<ConstructorParameters<typeof DistributedExecutor>[0]> = {}): DistributedExecutor {
    return new DistributedExecutor({ engine: this.engine, queue: this.queue, ...options });
  }

  /** One whose calls do not arrive any more once it is killed. */
  async client(plan: ClientPlan): Promise<TestClient> {
    const cord = new Cord(this.engine);
    const pool = new DistributedExecutor({ engine: cord.engine, queue: this.queue, lease: plan.lease, patience: 5 });
    this.#clients.push(pool);
    return { ids: submitPlan(pool, stormy, plan), kill: async () => cord.cut() };
  }

  async interrupt(): Promise<void> {
    this.engine.stop(2);
  }

  async restart({ seconds = 0 }: { readonly seconds?: number }): Promise<void> {
    this.engine.stop(0.5 + seconds);
    await sleep(0.5 + seconds);
  }

  check(): void {
    // All of it is on this loop, where an accident is an error of the test.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.shutdown({ cancelFutures: true });
    for (const { task } of this.#workers) task.cancel();
    for (const { task } of this.#workers) while (!task.done()) await sleep(0.1);
  }
}

const STAGES: Record<string, MemoryEngineOptions> = {
  'without faults': {},
  'with messages that are late, doubled, lost and overtake each other': {
    faults: { delay: [0, 0.05], lose: 0.3, duplicate: 0.3 },
    seed: 7,
  },
  'with no events at all': { faults: { lose: 1, delay: [0.001, 0.002] } },
  'with calls whose answers are lost': { faults: { fail: 0.15, delay: [0, 0.01] }, seed: 3 },
};

const EVERYTHING: MemoryEngineOptions = {
  faults: { delay: [0, 0.05], lose: 0.3, duplicate: 0.3, fail: 0.1 },
  seed: 11,
};

for (const [name, options] of Object.entries(STAGES)) {
  describe(`an executor over the engine in memory ${name}`, () => {
    for (const { title, check, processes } of promises) {
      if (processes === true) continue;
      it(title, async () => {
        await runVirtual(
          async () => {
            await using stage = new MemoryStage(options);
            await check(stage);
          },
          { failOnLeaks: true, patience: 0 }, // all of it is on this loop: nothing comes from outside it
        );
      });
    }
  });
}

describe('a storm over the engine in memory, with workers killed, the store interrupted and cancellations at random', () => {
  const all = { ...STAGES, 'with everything at once': EVERYTHING };
  // STORM=10000 for the whole of it.
  const jobs = Number(process.env['STORM'] ?? 300);
  for (const [name, options] of Object.entries(all)) {
    it(`loses no job, hangs at none, and starts none too often, ${name}`, { timeout: 600_000 }, async () => {
      await runVirtual(
        async () => {
          await using stage = new MemoryStage(options);
          await storm(stage, { jobs, seed: 5 });
        },
        { patience: 0 },
      );
    });
  }
});
