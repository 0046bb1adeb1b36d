import { CancelledError, createTask, run, sleep, ValueError, wrapPromise } from 'asyncio-ts';
import { BrokenThreadPool, ProcessPoolExecutor, ThreadPoolExecutor } from 'asyncio-ts/node';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { muteLog } from '../../../support/loops.ts';
import { failureOf, flags, newPool, work } from './support.ts';

// On a busy machine, a process or a thread takes its time to start.
vi.setConfig({ testTimeout: 20_000 });

describe('the options of an executor', () => {
  test.each([
    [{ maxWorkers: 0 }, ValueError, /maxWorkers must be a whole number of at least 1, got 0/],
    [{ maxWorkers: 1.5 }, ValueError, /got 1\.5/],
    [{ maxWorkers: '2' }, TypeError, /maxWorkers must be a number, got '2'/],
    [{ idleTimeout: -1 }, ValueError, /idleTimeout must not be negative/],
    [{ idleTimeout: Number.NaN }, ValueError, /NaN/],
    [{ initializer: 42 }, TypeError, /expected by initializer, got 42/],
    [{ initializer: Math.max }, TypeError, /cannot be sent/],
    [
      { initializer: () => 1, initargs: [1, () => 2] },
      TypeError,
      /^argument 2 of initializer\(\).*: it is a function$/,
    ],
    [{ max_workers: 4 }, TypeError, /has no option max_workers, but maxWorkers,.*write new \w+\(\{ maxWorkers: 4/],
    [{ env_: {} }, TypeError, /has no option env_/],
    ['4', TypeError, /maxWorkers must be a number, got '4'/],
  ])('%o is refused at once', async (options, Class, message) => {
    for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
      const error = await failureOf(() => new Executor(options as never));
      expect(error).toBeInstanceOf(Class);
      expect((error as Error).message).toMatch(message);
    }
  });

  test('may come behind the number of workers, as in Python, or with it', () => {
    for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
      for (const pool of [new Executor(3), new Executor(3, { idleTimeout: 1 }), new Executor({ maxWorkers: 3 })])
        expect(pool.statistics().maxWorkers).toBe(3);
      expect(new Executor().statistics().maxWorkers).toBeGreaterThan(0);
      expect(() => new Executor(3, 'prefix' as never)).toThrow(/options are one object at the end, got 'prefix'/);
    }
  });

  test('submit needs a function, and nothing is submitted', async () => {
    const pool = newPool('threads');
    expect(await failureOf(() => pool.submit('fib' as never))).toMatchObject({ code: 'NOT_CALLABLE' });
    expect(pool.statistics()).toMatchObject({ running: 0, queued: 0 });
  });
});

describe('a thread that cannot be made ready', () => {
  test('fails the jobs that wait for it, and says why', async () => {
    const options = ['--input-type=module', '--import', 'file:///nowhere.mjs'];
    process.execArgv.push(...options);
    onTestFinished(() => {
      process.execArgv.splice(-options.length);
    });
    const error = await failureOf(newPool('threads').submit(work.fib, 1));
    expect(error).toBeInstanceOf(BrokenThreadPool);
    expect(error).toMatchObject({ code: 'WORKER_NOT_STARTED', message: expect.stringContaining('nowhere.mjs') });
  });
});

describe('what a job has left behind in its worker', () => {
  test('ends the worker when it fails later, which is reported, and fails no other job', async () => {
    const log = muteLog('error');
    const pool = newPool('threads');
    const reported = new Promise<void>((resolve) => log.mockImplementation(() => resolve()));
    // The error of a worker and the result of a job come by different ports: it fails when it gets the message that the result is here.
    const leave = () => {
      const told = new BroadcastChannel('pool-executor.test: fail now');
      told.onmessage = () => {
        told.close();
        setImmediate(() => {
          throw new Error('left behind');
        });
      };
      return 'done';
    };
    expect(await pool.submit(leave)).toBe('done');
    const tell = new BroadcastChannel('pool-executor.test: fail now');
    tell.postMessage(null);
    await reported;
    tell.close();
    expect(log.mock.calls[0]).toEqual([
      expect.stringContaining('idle'),
      expect.objectContaining({ message: 'left behind' }),
    ]);
    expect(await pool.submit(() => 'next')).toBe('next');
  });
});

describe('a job', () => {
  test('shows its state, and is a promise', async () => {
    const pool = newPool('threads');
    const [first, second] = [pool.submit(work.fib, 5), pool.submit(work.fib, 6)];
    expect([String(first), String(second)]).toEqual(['<Job running fn=fib()>', '<Job pending fn=fib()>']);
    let isOver = false;
    const over = first.finally(() => {
      isOver = true;
    });
    expect([first.running(), first.done(), second.running()]).toEqual([true, false, false]);
    expect(await first.then((n) => n * 2)).toBe(10);
    await over;
    expect([isOver, first.done(), first.cancelled(), first.cancel()]).toEqual([true, true, false, false]);
    expect(await second).toBe(8);
  });

  test('that was cancelled stays cancelled, and is not reported as unhandled', async () => {
    const pool = newPool('threads');
    const running = pool.submit(work.fib, 5);
    const waiting = pool.submit(work.fib, 6);
    expect([running.cancel(), waiting.cancel(), waiting.cancel()]).toEqual([false, true, true]);
    expect(await waiting.catch((error) => error)).toBeInstanceOf(CancelledError);
    expect(await running).toBe(5);
    expect(String(waiting)).toBe('<Job cancelled fn=fib()>');
  });

  test('that several tasks wait for ends with the last of them, not with the first', async () => {
    const pool = newPool('threads', { terminate: true });
    const { buffer, begun, release } = flags();
    await run(async () => {
      const job = pool.submit(work.waitForFlag, buffer);
      const [first, second] = [createTask(async () => await job), createTask(async () => await job)];
      await wrapPromise(begun());
      first.cancel();
      expect(await first.catch((error) => error)).toBeInstanceOf(CancelledError);
      expect(job.state).toBe('running');
      release();
      expect(await second).toBe('waited');
      const dropped = pool.submit(work.begin, flags().buffer);
      const both = [createTask(async () => await dropped), createTask(async () => await dropped)];
      await sleep(0);
      for (const task of both) task.cancel();
      await Promise.allSettled(both);
      expect(dropped.cancelled()).toBe(true);
    });
  });

  test('is not cancelled by a look at its `then`', async () => {
    const pool = newPool('threads');
    const { buffer, begun, release } = flags();
    await run(async () => {
      const job = pool.submit(work.waitForFlag, buffer);
      const task = createTask(async () => {
        expect(typeof job.then).toBe('function');
        job.then(undefined, () => {});
        await sleep(60);
      });
      await wrapPromise(begun());
      task.cancel();
      await Promise.allSettled([task]);
      expect(job.state).toBe('running');
      release();
      expect(await job).toBe('waited');
    });
  });

  test('can be awaited by a task', async () => {
    const pool = newPool('threads');
    expect(await run(async () => await pool.submit(work.fib, 7))).toBe(13);
    expect(
      await run(function* () {
        return yield* pool.submit(work.fib, 8);
      }),
    ).toBe(21);
  });
});
