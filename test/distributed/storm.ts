import assert from 'node:assert/strict';
import { CancelledError, createTask, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { type DistributedJob, NotServed, StoreLost, WorkerLost } from 'asyncio-ts/distributed';
import { lines, work } from './contract.ts';
import type { Stage, TestWorker } from './stage.ts';

/** The parameters of a storm. */
export interface StormOptions {
  readonly jobs: number;
  readonly seed: number;
}

/** Numbers from 0 to 1, the same for the same seed. */
function chance(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}

/** How many workers there are at a time. */
const WORKERS = 3;
/** How many jobs each takes. */
const CONCURRENCY = 20;

/**
 * Many jobs, while workers are killed and replaced, the store is interrupted, and jobs are cancelled, at random. None may be lost or hang, and
 * none may have started more often than its retries allow.
 *
 * @returns what has happened, for a person
 */
export async function storm(stage: Stage, { jobs, seed }: StormOptions): Promise<string> {
  const random = chance(seed);
  const file = stage.file();
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => stage.worker({ concurrency: CONCURRENCY })));
  let isOver = false;
  const happened = { killed: 0, drained: 0, interrupted: 0 };
  const trouble = createTask(async () => {
    for (let round = 0; !isOver; round++) {
      await sleep(0.3 + random() * 0.7);
      if (isOver) break;
      if (round % 4 === 3) {
        happened.interrupted++;
        await stage.interrupt();
        continue;
      }
      const at = Math.floor(random() * WORKERS);
      const victim = workers[at] as TestWorker;
      if (random() < 0.7) {
        happened.killed++;
        await victim.kill();
      } else {
        happened.drained++;
        await victim.drain();
      }
      workers[at] = await stage.worker({ concurrency: CONCURRENCY });
    }
  });
  const { durable } = stage.engine.features;
  const outcomes = { done: 0, cancelled: 0, lost: 0, late: 0, unserved: 0, unknown: 0 };
  const hasDeadline = (n: number): boolean => n % 50 === 7;
  const retries = (n: number): number => (durable ? n % 3 : 0);
  {
    await using pool = stage.pool({ maxPending: 200, grace: 10 });
    const all: DistributedJob<string>[] = [];
    const cancelled = new Set<number>();
    for (let n = 0; n < jobs; n++) {
      const options = { retries: retries(n), ...(hasDeadline(n) ? { deadline: 30 } : {}) };
      const job = pool.with(options).submit(work.slow, file, String(n), random() * 1.5, 0);
      all.push(job);
      job.catch(() => {});
      if (random() < 0.1) {
        const pause = random() * 3;
        createTask(async () => {
          await sleep(pause);
          cancelled.add(n);
          job.cancel();
        });
      }
      if (n % 20 === 19) await sleep(0.05);
    }
    for (const [n, job] of all.entries()) {
      try {
        // A bound of its own, so that a job that hangs is named.
        assert.equal(await timeout(stage.lease * 10 + 120, async () => await job), String(n));
        outcomes.done++;
      } catch (error) {
        if (error instanceof TimeoutError && error.code !== 'TIMED_OUT' && hasDeadline(n)) outcomes.late++;
        else if (error instanceof CancelledError && cancelled.has(n)) outcomes.cancelled++;
        else if (error instanceof WorkerLost) outcomes.lost++;
        // Where nothing is stored, a job can find nobody in that moment, or be on its way when the connection is cut.
        else if (!durable && error instanceof NotServed) outcomes.unserved++;
        else if (!durable && error instanceof StoreLost) outcomes.unknown++;
        else throw new Error(`job ${n} (${job.id}) has ended as nothing that was promised`, { cause: error });
      }
    }
    assert.equal(all.filter((job) => !job.done()).length, 0, 'a job hangs');
  }
  isOver = true;
  await trouble;
  const starts = new Map<string, number>();
  for (const line of lines(file)) {
    const [what, n] = line.split(' ') as [string, string];
    if (what === 'start') starts.set(n, (starts.get(n) ?? 0) + 1);
  }
  for (const [n, times] of starts)
    assert.ok(
      times <= retries(Number(n)) + 1,
      `job ${n} was started ${times} times, and ${retries(Number(n)) + 1} is the most`,
    );
  assert.equal(
    Object.values(outcomes).reduce((sum, count) => sum + count),
    jobs,
  );
  assert.ok(outcomes.done > jobs / 2, `only ${outcomes.done} of ${jobs} jobs were done`);
  return `${JSON.stringify(outcomes)} with ${JSON.stringify(happened)}`;
}
