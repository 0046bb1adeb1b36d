import { threadId } from 'node:worker_threads';
import { createTask, Event, type Executor, gather, run, sleep } from 'asyncio-ts';
import { DistributedExecutor, MemoryEngine, moduleFunctions, serve } from 'asyncio-ts/distributed';
import { ThreadPoolExecutor } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { ConcurrentFuture } from '../../../src/node/concurrent-future.ts';
import { now, rejection, withNetwork } from './network.ts';

type Work = typeof import('./worker-threads.ts');

const file = new URL('./worker-threads.ts', import.meta.url);
const work = moduleFunctions<Work>('app:work');

/** A call that has begun, and cannot be interrupted. */
class Begun<T> extends ConcurrentFuture<T> {
  readonly args: readonly unknown[];

  constructor(args: readonly unknown[]) {
    super('by hand');
    this.args = args;
    this.markRunning();
  }

  override cancel(): boolean {
    return this.cancelled();
  }
}

/** A call that waits for a thread until the test begins it, and cannot be interrupted then. */
class Queued<T> extends ConcurrentFuture<T> {
  constructor() {
    super('by hand');
  }

  override cancel(): boolean {
    if (this.state === 'pending') this.markCancelled();
    return this.cancelled();
  }
}

/** An executor whose calls begin, and end, when the test says so. */
class Queue implements Executor {
  readonly calls: Queued<unknown>[] = [];

  submit<A extends unknown[], R>(_fn: (...args: A) => R, ..._args: A): Queued<Awaited<R>> {
    const call = new Queued<Awaited<R>>();
    this.calls.push(call as Queued<unknown>);
    return call;
  }
}

/** An executor whose calls end when the test says so. */
class ByHand implements Executor {
  readonly calls: Begun<unknown>[] = [];

  submit<A extends unknown[], R>(_fn: (...args: A) => R, ...args: A): Begun<Awaited<R>> {
    const call = new Begun<Awaited<R>>(args);
    this.calls.push(call as Begun<unknown>);
    return call;
  }
}

describe('serve() with an executor', () => {
  it(
    'leaves open whether a function runs that cannot be interrupted, until it has ended',
    withNetwork(async (net) => {
      const executor = new ByHand();
      await net.worker({ executor, concurrency: 5 }, file);
      const jobs = [work.double, work.double].map((fn, n) => net.pool({ grace: 5 }).submit(fn, n));
      const late = net.pool({ grace: 5, deadline: 1 }).submit(work.double, 2);
      const errors = [...jobs, late].map((job) => createTask(() => rejection(job)));
      await sleep(0.5);
      expect(executor.calls.map(({ args }) => args)).toEqual([[0], [1], [2]]);
      const began = now();
      for (const job of jobs) job.cancel();
      await sleep(2);
      expect([...jobs, late].map((job) => job.done())).toEqual([false, false, false]);
      executor.calls[0]!.succeed(0);
      expect(await errors[0]!).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(now() - began).toBeLessThan(3.5);
      expect(await errors[1]!).toMatchObject({ name: 'CancelledError', acknowledged: false });
      expect(now() - began).toBeCloseTo(5, 1);
      expect((await errors[2]!).message).toContain('may still run');
      for (const call of executor.calls) call.fail(new RangeError('after its cancellation'));
      await sleep(1);
    }),
  );

  it(
    'keeps the place of a function that cannot be interrupted until it has ended',
    withNetwork(async (net) => {
      const executor = new ByHand();
      const worker = await net.worker({ executor, concurrency: 1 }, file);
      const pool = net.pool({ grace: 1 });
      const [first, second] = [pool.submit(work.double, 1), pool.submit(work.double, 2)];
      first.catch(() => {});
      await sleep(0.5);
      first.cancel();
      await sleep(5);
      expect(executor.calls).toHaveLength(1);
      executor.calls[0]!.succeed(2);
      await sleep(1);
      expect(executor.calls).toHaveLength(2);
      executor.calls[1]!.succeed(4);
      expect(await second).toBe(4);
      expect((await worker.drain()).abandoned).toEqual([]);
    }),
  );

  it(
    'ends a job at once that is cancelled, or too late, while it waits for a thread, and never starts it',
    withNetwork(async (net) => {
      const executor = new Queue();
      await net.worker({ executor, concurrency: 5 }, file);
      const pool = net.pool({ grace: 5 });
      const [runs, waits] = [pool.submit(work.double, 1), pool.submit(work.double, 2)];
      const late = pool.with({ deadline: 1 }).submit(work.double, 3);
      const [cancelled, tooLate] = [createTask(() => rejection(waits)), createTask(() => rejection(late))];
      await sleep(0.5);
      executor.calls[0]!.markRunning();
      const began = now();
      waits.cancel();
      expect(await cancelled).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(now() - began).toBeLessThan(0.2);
      expect(await tooLate).toMatchObject({ name: 'TimeoutError' });
      expect(now()).toBeLessThan(1.2);
      expect(executor.calls.map(({ state }) => state)).toEqual(['running', 'cancelled', 'cancelled']);
      executor.calls[0]!.succeed(2);
      expect(await runs).toBe(2);
    }),
  );

  for (const durable of [true, false]) {
    it(
      `gives back what waits for a thread when the worker stops, as jobs that were not started (${durable ? 'at least once' : 'at most once'})`,
      withNetwork(
        async (net) => {
          const executor = new Queue();
          const worker = await net.worker({ executor, concurrency: 5, drain: 2 }, file);
          const jobs = [1, 2, 3].map((n) => net.pool().submit(work.double, n));
          const lost = createTask(() => rejection(jobs[0]!));
          await sleep(0.5);
          executor.calls[0]!.markRunning();
          const drained = worker.drain();
          await sleep(1);
          executor.calls[1]!.markRunning();
          executor.calls[1]!.succeed(4); // what gets a thread in time is done
          const other = await net.worker({ executor: new Queue(), concurrency: 5 }, file);
          await sleep(1.5);
          executor.calls[0]!.succeed(2); // it could not be interrupted
          expect(await drained).toMatchObject({ finished: 1, abandoned: ['double'] });
          expect(await jobs[1]).toBe(4);
          expect(await lost).toMatchObject({ code: 'WORKER_LOST', worker: worker.name });
          expect(executor.calls.map(({ state }) => state)).toEqual(['finished', 'finished', 'cancelled']);
          await net.worker({}, { double: (n: number) => 2 * n });
          other.task.cancel();
          expect(await jobs[2]).toBe(6);
        },
        { durable },
      ),
    );
  }

  it(
    'fails the job when the executor refuses the call',
    withNetwork(async (net) => {
      const executor: Executor = {
        submit() {
          throw new RangeError('no more threads');
        },
      };
      await net.worker({ executor }, file);
      expect(await rejection(net.pool().submit(work.double, 1))).toMatchObject({
        name: 'RangeError',
        message: 'no more threads',
      });
    }),
  );

  it('runs the functions of a module in threads, with values, errors and refusals as without', () =>
    run(async () => {
      await using threads = new ThreadPoolExecutor(2);
      const engine = new MemoryEngine();
      const ready = new Event();
      const stop = new Event();
      const options = { engine, queue: 'q', executor: threads, concurrency: 4, signals: [], stop };
      const worker = createTask(() => serve(file, { ...options, onReady: () => ready.set() }));
      await ready.wait();
      await using pool = new DistributedExecutor({ engine, queue: 'q' });
      const places = await gather(...Array.from({ length: 4 }, () => pool.submit(work.where)));
      expect(places).not.toContain(threadId);
      expect(await pool.submit(work.later, 4)).toBe(8);
      const doubled: number[] = [];
      for await (const n of pool.map(work.double, [1, 2, 3])) doubled.push(n);
      expect(doubled).toEqual([2, 4, 6]);
      const error = await rejection(pool.submit(work.fail));
      expect(error).toMatchObject({ name: 'RangeError', message: 'too much', code: 'TOO_MUCH' });
      expect(error.cause).toMatchObject({ name: 'TypeError', message: 'inner' });
      expect(await rejection(pool.submit(work.unsendable))).toMatchObject({ code: 'RESULT_NOT_CLONEABLE' });
      stop.set();
      expect(await worker).toMatchObject({ finished: 10, abandoned: [] });
    }));

  it('interrupts a function that computes when the executor ends its worker for that', () =>
    run(async () => {
      await using threads = new ThreadPoolExecutor(1);
      const engine = new MemoryEngine();
      const ready = new Event();
      const executor = threads.with({ terminate: true });
      const worker = createTask(() =>
        serve(file, { engine, queue: 'q', executor, signals: [], onReady: () => ready.set() }),
      );
      await ready.wait();
      await using pool = new DistributedExecutor({ engine, queue: 'q' });
      const job = pool.submit(work.compute);
      while (threads.statistics().running === 0) await sleep(0.001);
      job.cancel();
      expect(await rejection(job)).toMatchObject({ name: 'CancelledError', acknowledged: true });
      expect(await pool.submit(work.double, 2)).toBe(4);
      worker.cancel();
      await Promise.allSettled([worker]);
    }));
});
