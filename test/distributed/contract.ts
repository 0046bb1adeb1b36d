// The promises of an executor whose workers are on other machines. Run over the engine in memory by test/unit/distributed, and over
// Redis, PostgreSQL and NATS by test/distributed/run.ts.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { CancelledError, createTask, gather, getRunningLoop, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { type DistributedJob, moduleFunctions, NotServed, StoreLost, WorkerLost } from 'asyncio-ts/distributed';
import type { Promised } from './stage.ts';
import { requestId } from './work.ts';

export const work = moduleFunctions<typeof import('./work.ts')>('app:work');

/** The lines of effects. */
export function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

/** Waits until something holds: on the clock of the loop. */
export async function until(what: string, holds: () => boolean, seconds = 15): Promise<void> {
  const end = getRunningLoop().time() + seconds;
  while (!holds()) {
    assert.ok(getRunningLoop().time() < end, `not within ${seconds} s: ${what}`);
    await sleep(0.02);
  }
}

function withHole(): number[] {
  const items = [1];
  items[2] = 3;
  return items;
}

async function rejection(promise: PromiseLike<unknown>): Promise<Error & { readonly code?: unknown }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new assert.AssertionError({ message: 'it did not reject' });
}

export const promises: readonly Promised[] = [
  {
    title: 'values of all kinds arrive as they were, in both directions',
    async check(stage) {
      await stage.worker();
      await using pool = stage.pool();
      const shared = { name: 'x' };
      const value = {
        ...{
          text: 'a\u0000b',
          lone: '\ud800',
          n: -0,
          nan: Number.NaN,
          big: 10n ** 30n,
          none: undefined,
          nothing: null,
        },
        ...{ date: new Date(5), re: /x/gi, map: new Map([[shared, new Set([1])]]), bytes: new Uint8Array([1, 2, 255]) },
        ...{ twice: [shared, shared], holes: withHole(), error: new RangeError('inside') },
      };
      const back = (await pool.submit(work.echo, value)) as typeof value;
      assert.deepEqual(back, value);
      assert.equal(back.twice[0], back.twice[1]);
      assert.ok(Object.is(back.n, -0));
      assert.ok(!(1 in back.holes));
      const circle: unknown[] = [];
      circle.push(circle);
      const round = (await pool.submit(work.echo, circle)) as unknown[];
      assert.equal(round[0], round);
    },
  },
  {
    title: 'an error keeps its class, code, cause and message',
    async check(stage) {
      await stage.worker();
      await using pool = stage.pool();
      const error = await rejection(pool.submit(work.fail, 'too far', 'FAR'));
      assert.ok(error instanceof RangeError);
      assert.deepEqual([error.message, error.code], ['too far', 'FAR']);
      assert.ok(error.cause instanceof TypeError);
    },
  },
  {
    title: 'what cannot be sent is refused by name, before it is sent',
    async check(stage) {
      await stage.worker();
      await using pool = stage.pool();
      assert.throws(() => pool.submit(() => 1), /only functions with a name/);
      const closure = await rejection(pool.submit(work.echo, () => 1));
      assert.match(closure.message, /argument 1 of echo\(\) of app:work cannot be sent/);
      const large = await rejection(pool.submit(work.echo, 'x'.repeat(1_100_000)));
      assert.equal(large.code, 'TOO_LARGE');
      const missing = moduleFunctions<{ other(): void }>('app:work').other;
      const unserved = await rejection(pool.submit(missing));
      assert.ok(unserved instanceof NotServed);
      assert.match(unserved.message, /other\(\) of app:work is served by no worker .* with add, /);
    },
  },
  {
    title: 'a result that cannot be sent, or is too large, is an error that says so',
    async check(stage) {
      await stage.worker();
      await using pool = stage.pool();
      assert.equal((await rejection(pool.submit(work.bad))).code, 'RESULT_NOT_CLONEABLE');
      assert.match((await rejection(pool.submit(work.large, 1_100_000))).message, /takes 11\d+ bytes/);
    },
  },
  {
    title: 'many jobs over several workers all end, each once',
    async check(stage) {
      const file = stage.file();
      await stage.worker({ concurrency: 5 });
      await stage.worker({ concurrency: 5 });
      await using pool = stage.pool({ maxPending: 30 });
      const jobs = Array.from({ length: 100 }, (_, n) => pool.submit(work.effect, file, String(n)));
      await gather(...jobs);
      assert.deepEqual(
        lines(file)
          .map(Number)
          .sort((a, b) => a - b),
        Array.from({ length: 100 }, (_, n) => n),
      );
      assert.equal(pool.statistics().finished, 100);
    },
  },
  {
    title: 'map gives the results in the order of the items',
    async check(stage) {
      await stage.worker({ concurrency: 4 });
      await using pool = stage.pool({ maxPending: 4 });
      const results: unknown[] = [];
      for await (const n of pool.map(work.echo, [3, 1, 2, 5, 4, 6])) results.push(n);
      assert.deepEqual(results, [3, 1, 2, 5, 4, 6]);
    },
  },
  {
    title: 'a job that waits in the store is removed by its cancellation, and never starts',
    durable: true,
    async check(stage) {
      const file = stage.file();
      await using pool = stage.pool();
      const job = pool.submit(work.effect, file, 'never');
      await sleep(0.5);
      assert.equal(job.cancel(), true);
      await until('it is cancelled', () => job.cancelled());
      assert.equal(job.acknowledged, true);
      await stage.worker();
      await pool.submit(work.effect, file, 'later');
      assert.deepEqual(lines(file), ['later']);
    },
  },
  {
    title: 'a job that runs is cancelled there, and the wait ends when its clean-up is over',
    async check(stage) {
      const file = stage.file();
      await stage.worker();
      await using pool = stage.pool({ grace: 20 });
      const job = pool.submit(work.slow, file, 'a', 600);
      await until('it has started', () => lines(file).length === 1);
      const error = await rejection(timeout(0.2, async () => await job));
      assert.ok(error instanceof TimeoutError);
      assert.deepEqual(lines(file), ['start a', 'clean a']);
      assert.deepEqual([job.state, job.acknowledged], ['cancelled', true]);
    },
  },
  {
    title: 'a cancellation that no worker answers ends after the grace, unacknowledged',
    async check(stage) {
      const file = stage.file();
      await stage.worker();
      await using pool = stage.pool({ grace: 0.5 });
      const job = pool.submit(work.stubborn, file, 3);
      // Not only that a worker has it: one that has not begun it yet would answer.
      await until('it has started', () => lines(file).length === 1);
      const began = getRunningLoop().time();
      job.cancel();
      const error = await rejection(job);
      assert.ok(error instanceof CancelledError);
      assert.equal((error as { acknowledged?: boolean }).acknowledged, false);
      assert.ok(getRunningLoop().time() - began < 2.8, 'it has waited for longer than the grace');
      assert.equal(pool.statistics().unacknowledged, 1);
    },
  },
  {
    title: 'a cancellation at any moment around the start ends the job, and none is half done',
    async check(stage) {
      const file = stage.file();
      await stage.worker({ concurrency: 10 });
      await using pool = stage.pool({ grace: 20 });
      const jobs: DistributedJob<string>[] = [];
      for (let n = 0; n < 20; n++) {
        const job = pool.submit(work.slow, file, String(n), 600, 0);
        jobs.push(job);
        createTask(async () => {
          await sleep(n / 200);
          job.cancel();
        });
      }
      for (const job of jobs) assert.ok((await rejection(job)) instanceof CancelledError);
      const seen = lines(file);
      for (const [n, job] of jobs.entries()) {
        assert.equal(job.acknowledged, true);
        assert.equal(seen.includes(`start ${n}`), seen.includes(`clean ${n}`), `job ${n}: ${seen}`);
      }
    },
  },
  {
    title: 'one of two tasks that wait for a job can give up without ending it',
    async check(stage) {
      await stage.worker();
      await using pool = stage.pool();
      const job = pool.submit(work.count, 3, 0.3);
      const one = createTask(async () => await job);
      const other = createTask(async () => await job);
      await sleep(0.1);
      one.cancel();
      assert.equal(await other, 3);
    },
  },
  {
    title: 'the deadline around the call travels, and ends the function in its worker',
    async check(stage) {
      const file = stage.file();
      await stage.worker();
      await using pool = stage.pool({ grace: 20 });
      await pool.submit(work.add, 1, 1);
      const error = await rejection(timeout(1, async () => await pool.submit(work.slow, file, 'a', 600)));
      assert.ok(error instanceof TimeoutError);
      await until('it has cleaned up', () => lines(file).includes('clean a'));
      assert.ok(!lines(file).includes('end a'));
    },
  },
  {
    title: 'a job is not started after its deadline',
    durable: true,
    async check(stage) {
      const file = stage.file();
      await using pool = stage.pool();
      const job = pool.with({ deadline: 0.3 }).submit(work.effect, file, 'late');
      assert.ok((await rejection(job)) instanceof TimeoutError);
      await stage.worker();
      await pool.submit(work.effect, file, 'later');
      assert.deepEqual(lines(file), ['later']);
    },
  },
  {
    title: 'without retries a lost worker is an error, and the function was started once',
    durable: true,
    async check(stage) {
      const file = stage.file();
      const first = await stage.worker();
      await using pool = stage.pool();
      const job = pool.submit(work.slow, file, 'a', 600);
      const outcome = createTask(() => rejection(job));
      await until('it has started', () => lines(file).length === 1);
      await first.kill();
      await stage.worker();
      const error = await timeout(stage.lease * 4 + 30, async () => await outcome);
      assert.ok(error instanceof WorkerLost, String(error));
      assert.match(error.message, /the worker \S+:\d+\/\d+ was lost while it ran slow\(\)/);
      await sleep(stage.lease * 2);
      assert.equal(lines(file).filter((line) => line === 'start a').length, 1);
    },
  },
  {
    title: 'a worker whose loop is blocked counts as lost, and what it finishes later is not taken',
    durable: true,
    processes: true,
    async check(stage) {
      const file = stage.file();
      await stage.worker();
      await using pool = stage.pool();
      const error = await rejection(pool.submit(work.block, file, 'a', stage.lease * 6));
      assert.ok(error instanceof WorkerLost, String(error));
      await sleep(stage.lease * 2);
      assert.deepEqual(lines(file), ['start a']);
    },
  },
  {
    title: 'with retries a job goes to another worker',
    durable: true,
    async check(stage) {
      const file = stage.file();
      const first = await stage.worker();
      await using pool = stage.pool();
      const job = pool.with({ retries: 1 }).submit(work.slow, file, 'a', 3);
      await until('it has started', () => lines(file).length === 1);
      await first.kill();
      await stage.worker();
      assert.equal(await timeout(stage.lease * 4 + 30, async () => await job), 'a');
      assert.equal(lines(file).filter((line) => line === 'start a').length, 2);
    },
  },
  {
    title: 'jobs of one key are one job',
    durable: true,
    async check(stage) {
      const file = stage.file();
      await stage.worker({ concurrency: 4 });
      await using pool = stage.pool();
      await using other = stage.pool();
      const keyed = { key: 'a@200' };
      const jobs = [pool, pool, other].map((one) => one.with(keyed).submit(work.slow, file, 'a', 0.3, 0));
      assert.equal(jobs[1]!.cancel(), true);
      assert.deepEqual([await jobs[0], await jobs[2]], ['a', 'a']);
      assert.equal(lines(file).filter((line) => line === 'start a').length, 1);
    },
  },
  {
    title: 'a job of a key that was lost with its worker is another one for whoever asks again',
    durable: true,
    async check(stage) {
      const file = stage.file();
      const first = await stage.worker();
      await using pool = stage.pool();
      await using other = stage.pool();
      const keyed = { key: 'lost' };
      const lost = createTask(() => rejection(pool.with(keyed).submit(work.slow, file, 'a', 600)));
      await until('it has started', () => lines(file).length === 1);
      await first.kill();
      const error = await timeout(stage.lease * 4 + 30, async () => await lost);
      assert.ok(error instanceof WorkerLost, String(error));
      const again = [pool, other].map((one) => one.with(keyed).submit(work.slow, file, 'a', 0.3, 0));
      await stage.worker();
      assert.deepEqual(await timeout(30, () => gather(...again)), ['a', 'a']);
      assert.equal(lines(file).filter((line) => line === 'start a').length, 2);
    },
  },
  {
    title: 'the retries of a key are those of its first job, for all who wait for it',
    durable: true,
    async check(stage) {
      const file = stage.file();
      const first = await stage.worker();
      await using pool = stage.pool();
      await using other = stage.pool();
      const keyed = { key: 'again' };
      const jobs = [pool.with({ ...keyed, retries: 1 }).submit(work.slow, file, 'a', 3)];
      await until('it has started', () => lines(file).length === 1);
      jobs.push(other.with(keyed).submit(work.slow, file, 'a', 3));
      for (const job of jobs) job.catch(() => {}); // told below
      await sleep(0.5);
      await first.kill();
      await sleep(stage.lease * 2.5); // long enough for two looks after its lease
      await stage.worker();
      assert.deepEqual(await timeout(stage.lease * 4 + 30, () => gather(...jobs)), ['a', 'a']);
      assert.equal(lines(file).filter((line) => line === 'start a').length, 2);
    },
  },
  {
    title: 'progress arrives in order, and the latest is not lost',
    progress: true,
    async check(stage) {
      await stage.worker();
      await using pool = stage.pool();
      const job = pool.submit(work.count, 4, 1.2);
      const seen: number[] = [];
      for await (const part of job.progress()) seen.push((part as { n: number }).n);
      assert.equal(await job, 4);
      assert.deepEqual(seen, [...seen].sort());
      assert.equal(seen.at(-1), 4);
      if (!stage.isFaulty) assert.deepEqual(seen, [1, 2, 3, 4]);
    },
  },
  {
    title: 'chosen context variables travel with a job',
    async check(stage) {
      await stage.worker();
      await using pool = stage.pool({ propagate: [requestId] });
      requestId.set('r-17');
      assert.equal(await pool.submit(work.who), 'r-17');
      await using other = stage.pool();
      assert.equal(await other.submit(work.who), 'nobody');
    },
  },
  {
    title: 'a client takes no more places than maxPending, and submitNowait says when there is none',
    async check(stage) {
      const file = stage.file();
      await stage.worker({ concurrency: 10 });
      await using pool = stage.pool({ maxPending: 2 });
      const jobs = [1, 2, 3].map((n) => pool.submit(work.slow, file, String(n), 1, 0));
      assert.throws(() => pool.submitNowait(work.add, 1, 2), /is full: 3 jobs/);
      await until('two have started', () => lines(file).length >= 2);
      await sleep(0.3);
      assert.ok(!lines(file).includes('start 3'));
      assert.deepEqual(await gather(...jobs), ['1', '2', '3']);
    },
  },
  {
    title: 'maxQueued holds jobs back while too many wait in the store',
    durable: true,
    async check(stage) {
      await using pool = stage.pool({ maxQueued: 2 });
      const jobs = Array.from({ length: 6 }, (_, n) => pool.submit(work.echo, n));
      await sleep(1.5);
      await stage.worker();
      assert.deepEqual(await gather(...jobs), [0, 1, 2, 3, 4, 5]);
    },
  },
  {
    title: 'a worker that drains takes nothing more, and finishes what runs',
    async check(stage) {
      const file = stage.file();
      const worker = await stage.worker();
      await using pool = stage.pool();
      const job = pool.submit(work.slow, file, 'a', 1);
      await until('it has started', () => lines(file).length === 1);
      await worker.drain();
      assert.ok(lines(file).includes('clean a'));
      assert.equal(await job, 'a');
    },
  },
  {
    title: 'a job that comes while a worker drains is left to another one, and has lost no start',
    durable: true,
    async check(stage) {
      const file = stage.file();
      const worker = await stage.worker({ concurrency: 2 });
      await using pool = stage.pool();
      const job = pool.submit(work.slow, file, 'a', 2);
      await until('it has started', () => lines(file).length === 1);
      const drained = createTask(() => worker.drain());
      await sleep(0.3); // it has a place, and may have asked the store for a job before
      const late = pool.submit(work.slow, file, 'late', 0.1);
      await drained;
      assert.equal(await job, 'a');
      assert.ok(!lines(file).includes('start late'));
      await stage.worker();
      assert.equal(await timeout(stage.lease * 4 + 30, async () => await late), 'late');
      assert.equal(lines(file).filter((line) => line === 'start late').length, 1);
    },
  },
  {
    title: 'jobs survive that the store is out of reach for a moment',
    durable: true,
    async check(stage) {
      await stage.worker({ concurrency: 5 });
      await using pool = stage.pool();
      await pool.submit(work.add, 0, 0);
      const jobs = Array.from({ length: 20 }, (_, n) => pool.with({ retries: 2 }).submit(work.count, 2, 0.2 + n / 50));
      await sleep(0.1);
      await stage.interrupt();
      const more = pool.submit(work.add, 1, 2);
      assert.deepEqual(new Set(await gather(...jobs)), new Set([2]));
      assert.equal(await more, 3);
    },
  },
  {
    title: 'jobs fail when the store stays out of reach for longer than the patience',
    durable: true,
    async check(stage) {
      await stage.worker();
      await using pool = stage.pool({ patience: 0.001 });
      await using steady = stage.pool();
      await steady.submit(work.add, 0, 0);
      const job = pool.submit(work.add, 1, 2);
      const outcome = await Promise.allSettled([job]).then(([settled]) => settled!);
      // Either it was fast enough, or it says that the store is out of reach; it never hangs.
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof StoreLost, String(outcome.reason));
      else assert.equal(outcome.value, 3);
    },
  },
  {
    title: 'shutdown waits for what was submitted, and then refuses',
    async check(stage) {
      await stage.worker();
      const pool = stage.pool();
      const job = pool.submit(work.count, 2, 0.2);
      await pool.shutdown();
      assert.equal(await job, 2);
      assert.throws(() => pool.submit(work.add, 1, 2), /cannot schedule new futures after shutdown/);
    },
  },
];
