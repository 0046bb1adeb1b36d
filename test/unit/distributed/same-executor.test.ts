import { createTask, type Executor, getRunningLoop, run } from 'asyncio-ts';
import { DistributedExecutor, MemoryEngine, serve } from 'asyncio-ts/distributed';
import {
  type ConcurrentFuture,
  type ExecutorStatistics,
  moduleFunctions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from 'asyncio-ts/node';
import { describe, expect, it, vi } from 'vitest';
import * as work from '../node/executors/work.ts';

// Processes and threads take their time to start.
vi.setConfig({ testTimeout: 30_000 });

type Work = typeof work;
interface Pool extends Executor {
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): ConcurrentFuture<Awaited<R>>;
  shutdown(): PromiseLike<void>;
  statistics(): ExecutorStatistics;
}

/** The kinds of executors: each gives one, and the functions of the module by their names there. */
const KINDS: Record<
  string,
  (use: (pool: Pool, functions: ReturnType<typeof named>) => Promise<void>) => Promise<void>
> = {
  threads: async (use) => {
    await using pool = new ThreadPoolExecutor(1);
    await use(pool, named(new URL('../node/executors/work.ts', import.meta.url)));
  },
  processes: async (use) => {
    await using pool = new ProcessPoolExecutor(1);
    await use(pool, named(new URL('../node/executors/work.ts', import.meta.url)));
  },
  'other machines': async (use) => {
    const engine = new MemoryEngine();
    const worker = createTask(() => serve(work, { engine, queue: 'work', signals: [] }));
    {
      await using pool = new DistributedExecutor({ engine, queue: 'work' });
      await use(pool, named('app:work'));
    }
    worker.cancel();
    await Promise.allSettled([worker]);
  },
};

function named(module: URL | string) {
  return moduleFunctions<Work>(module);
}

describe.each(Object.entries(KINDS))('an executor of %s', (_kind, withPool) => {
  it('gives results, through submit and runInExecutor', async () => {
    await run(() =>
      withPool(async (pool, { fib }) => {
        const job = pool.submit(fib, 10);
        expect(await job).toBe(55);
        expect([job.state, job.done(), job.cancelled()]).toEqual(['finished', true, false]);
        expect(await getRunningLoop().runInExecutor(pool, fib, 5)).toBe(5);
        expect(pool.statistics()).toMatchObject({ finished: 2, running: 0, queued: 0, isShutDown: false });
      }),
    );
  });

  it('names an argument that cannot be sent, and the place in it', async () => {
    await run(() =>
      withPool(async (pool, { fib }) => {
        const wrong = { items: [1, () => 2] } as never;
        await expect(pool.submit(fib, wrong)).rejects.toMatchObject({
          code: 'ARGUMENT_NOT_CLONEABLE',
          message: expect.stringMatching(
            /argument 1 of fib\(\) of \S+ cannot be sent to a worker.* it\.items\[1\] is a function/,
          ),
        });
      }),
    );
  });

  it('refuses jobs after its shutdown, and has done those before it', async () => {
    await run(() =>
      withPool(async (pool, { fib }) => {
        const job = pool.submit(fib, 10);
        await pool.shutdown();
        expect(job.state).toBe('finished');
        expect(() => pool.submit(fib, 1)).toThrow(/cannot schedule new futures after shutdown/);
        expect(pool.statistics().isShutDown).toBe(true);
      }),
    );
  });

  it('cancels a job that nobody has begun', async () => {
    await run(() =>
      withPool(async (pool, { fib }) => {
        const first = pool.submit(fib, 20);
        const second = pool.submit(fib, 20);
        expect(second.cancel()).toBe(true);
        await expect(second).rejects.toMatchObject({ name: 'CancelledError' });
        expect([second.state, second.cancelled()]).toEqual(['cancelled', true]);
        expect(await first).toBe(6_765);
      }),
    );
  });
});
