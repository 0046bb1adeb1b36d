import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CancelledError,
  createTask,
  type EventLoop,
  ExceptionGroup,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  run,
  sleep,
  ValueError,
  wrapPromise,
} from 'asyncio-ts';
import {
  BrokenExecutor,
  BrokenProcessPool,
  BrokenThreadPool,
  CalledProcessError,
  FileNotFoundError,
  IncompleteReadError,
  moduleFunctions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from 'asyncio-ts/node';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { runInProcess } from '../../../support/processes.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { failureOf, flags, kinds, newPool, work } from './support.ts';

// On a busy machine, a process or a thread takes its time to start.
vi.setConfig({ testTimeout: 20_000 });

const Broken = { threads: BrokenThreadPool, processes: BrokenProcessPool };

for (const kind of kinds) {
  describeBoth(`an executor of ${kind}`, (s) => {
    test('runs functions of modules and inline ones, elsewhere', async () => {
      const pool = newPool(kind);
      const main = s.fn(function* () {
        const loop = getRunningLoop();
        const elsewhere = () => [process.pid, process.getBuiltinModule('node:worker_threads').threadId];
        const sum = yield* s.wait(loop.runInExecutor(pool, (a: number, b: number) => a + b, 1, 2));
        return [
          yield* s.wait(loop.runInExecutor(pool, work.fib, 10)),
          sum,
          yield* s.wait(loop.runInExecutor(pool, elsewhere)),
        ];
      });
      const [fib, sum, place] = await run(main);
      expect([fib, sum]).toEqual([55, 3]);
      expect(place).not.toEqual([process.pid, 0]);
      expect((place as number[])[0] === process.pid).toBe(kind === 'threads');
    });

    test('is shut down, and its workers are ended, by coroutines of either spelling', async () => {
      const main = s.fn(function* () {
        const [orderly, abrupt] = [newPool(kind), newPool(kind)];
        const job = orderly.submit(() => 1);
        yield* s.wait(orderly.shutdown());
        // No code asks for the result of the job: that it ends in this way is not a mistake of the program.
        abrupt.submit(() => {
          for (;;);
        });
        yield* s.wait(abrupt.terminateWorkers());
        return [job.state, abrupt.statistics().workers];
      });
      expect(await run(main)).toEqual(['finished', 0]);
    });

    test('can be waited for to shut down within a limit', async () => {
      const pool = newPool(kind);
      const { buffer, begun, release } = flags();
      const threadsOnly = kind === 'threads';
      const job = threadsOnly ? pool.submit(work.waitForFlag, buffer) : pool.submit(work.fib, 30);
      const main = s.fn(function* () {
        if (threadsOnly) yield* s.wait(wrapPromise(begun()));
        const task = createTask(
          s.fn(function* () {
            yield* s.wait(pool.shutdown());
          }),
        );
        yield* s.wait(sleep(0));
        task.cancel();
        return yield* failure(s, task);
      });
      expect(await run(main)).toBeInstanceOf(CancelledError);
      expect([pool.statistics().isShutDown, job.state]).toEqual([true, 'running']);
      release();
      await pool.shutdown();
      expect(job.state).toBe('finished');
    });

    test('carries errors over with class, message, code, stack and cause', async () => {
      const pool = newPool(kind);
      const main = s.fn(function* () {
        return yield* failure(s, getRunningLoop().runInExecutor(pool, work.failWithCause));
      });
      const error = await run(main);
      expect(error).toBeInstanceOf(ValueError);
      expect(error).toMatchObject({ name: 'ValueError', message: 'too small', code: 'TOO_SMALL' });
      expect((error as Error).cause).toBeInstanceOf(RangeError);
      expect((error as Error).stack).toContain('failWithCause');
    });

    test('drops a job that waits when the task that waits for it is cancelled', async () => {
      const pool = newPool(kind);
      const main = s.fn(function* () {
        const loop = getRunningLoop();
        const first = loop.runInExecutor(pool, () => 'first');
        const waiting = loop.runInExecutor(pool, work.count);
        const task = createTask(
          s.fn(function* () {
            return yield* s.wait(waiting);
          }),
        );
        expect(pool.statistics()).toMatchObject({ running: 1, queued: 1 });
        yield* s.wait(sleep(0));
        waiting.cancel();
        expect(pool.statistics()).toMatchObject({ running: 1, queued: 0 });
        expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
        return [yield* s.wait(first), yield* s.wait(loop.runInExecutor(pool, work.count))];
      });
      expect(await run(main)).toEqual(['first', 1]); // the cancelled one would have counted
    });
  });

  describe(`an executor of ${kind}`, () => {
    const inLoop = <T>(body: (loop: EventLoop) => Promise<T>) => run(async () => body(getRunningLoop()));

    test('clones arguments and results', async () => {
      const value = { map: new Map([[1, new Date(0)]]), big: 10n, bytes: new Uint8Array([1, 2]), nothing: undefined };
      expect(await newPool(kind).submit((x: typeof value) => x, value)).toEqual(value);
    });

    test('gives an error of an unknown class its name', async () => {
      const error = await failureOf(newPool(kind).submit(work.failWithOwn));
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ name: 'OwnError', code: 'OWN', message: 'of a class that nobody else knows' });
    });

    test('carries over thrown values that are not errors, groups of errors, and a CancelledError as an ordinary error', async () => {
      const pool = newPool(kind);
      const thrown = await failureOf(
        pool.submit(() => {
          throw 'a text';
        }),
      );
      expect(thrown).toBe('a text');
      const group = await failureOf(
        pool.submit(() => {
          throw new AggregateError([new TypeError('one')], 'several');
        }),
      );
      expect(group).toBeInstanceOf(AggregateError);
      expect((group as AggregateError).errors[0]).toBeInstanceOf(TypeError);
      const cancelled = await failureOf(
        pool.submit(() => {
          throw Object.assign(new Error('there'), { name: 'CancelledError' });
        }),
      );
      expect(cancelled).not.toBeInstanceOf(CancelledError);
      expect(cancelled).toMatchObject({ name: 'CancelledError', message: 'there' });
    });

    test('names the argument that cannot be cloned, and still works', async () => {
      const pool = newPool(kind);
      const error = await failureOf(pool.submit((_a: number, _b: object) => 1, 1, { items: [1, { f() {} }] }));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({
        code: 'ARGUMENT_NOT_CLONEABLE',
        message: expect.stringMatching(/^argument 2 of <anonymous>\(\) .*it\.items\[1\]\.f is a function$/),
      });
      expect(await pool.submit(() => 'next')).toBe('next');
    });

    test('says which part of the result cannot be cloned, and still works', async () => {
      const pool = newPool(kind);
      for (const [fn, path] of [
        [() => ({ then_: [() => 1] }), 'result.then_[0] is a function'],
        [() => new Map([[1, Symbol('s')]]), 'result: an entry of the map is a symbol'],
        [() => Symbol('s'), 'result is a symbol'],
        [() => [new WeakMap()], 'result[0] is a WeakMap, which cannot be cloned'],
        [() => ({ to: new URL('http://a.b') }), 'result.to is a URL, which cannot be cloned'],
        [() => [...Array.from({ length: 10_000 }, () => ({})), () => 1], 'result[10000] is a function'],
      ] as const) {
        expect(await failureOf(pool.submit(fn as () => unknown))).toMatchObject({
          name: 'TypeError',
          code: 'RESULT_NOT_CLONEABLE',
          message: expect.stringContaining(path),
        });
      }
      expect(await pool.submit(work.count)).toBe(1);
    });

    test('refuses arguments that would arrive as something else, by name', async () => {
      const pool = newPool(kind);
      for (const [value, why] of [
        [new URL('http://a.b'), 'a URL'],
        [new Headers(), 'a Headers'],
        [[Promise.resolve()], 'a Promise'],
        [new Proxy({}, {}), 'a Proxy'],
      ] as const) {
        const error = await failureOf(pool.submit((x: unknown) => x, value));
        expect(error).toMatchObject({ name: 'TypeError', code: 'ARGUMENT_NOT_CLONEABLE' });
        expect((error as Error).message).toMatch(/^argument 1 of <anonymous>\(\) cannot be sent/);
        expect((error as Error).message).toContain(why);
      }
      expect(pool.statistics()).toMatchObject({ workers: 0, finished: 4 }); // nobody was bothered
    });

    test('brings errors of the library back as themselves, thrown or within a result', async () => {
      const pool = newPool(kind);
      const missing = await failureOf(pool.submit(work.failWithFile));
      expect(missing).toBeInstanceOf(FileNotFoundError);
      expect(missing).toMatchObject({ code: 'ENOENT', path: '/nope', syscall: 'open' });
      const group = (await failureOf(pool.submit(work.failWithGroup))) as ExceptionGroup;
      expect(group).toBeInstanceOf(ExceptionGroup);
      expect(group.errors[0]).toBeInstanceOf(CalledProcessError);
      expect(group.errors[0]).toMatchObject({ returncode: 3, command: ['false'], cause: group });
      const result = (await pool.submit(work.settledErrors, [new ValueError('sent')])) as Error[];
      expect(result.map((error) => [error.constructor, error.message])).toEqual([
        [IncompleteReadError, expect.stringContaining('2 bytes')],
        [ValueError, 'sent'],
      ]);
    });

    test('brings back whatever a job throws', async () => {
      const pool = newPool(kind);
      const thrown = [undefined, null, { code: 1, inner: { a: ['b'] } }, [1, 2]];
      for (const value of thrown) expect(await failureOf(pool.submit(work.throwIt, value))).toEqual(value);
      expect(await failureOf(pool.submit(work.throwHostile, 'symbol'))).toBe('Symbol(thrown)');
      expect(await failureOf(pool.submit(work.throwHostile, 'proxy'))).toBe('<Proxy>');
      expect(await failureOf(pool.submit(work.throwHostile, 'frozen'))).toMatchObject({ message: 'frozen' });
      expect(await failureOf(pool.submit(work.throwHostile, 'getters'))).toBeInstanceOf(Error);
      expect(await pool.submit(() => 'next')).toBe('next');
    });

    test('makes a new worker for the next job when a module could not be loaded', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-ts-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const file = path.join(folder, 'late.mjs');
      const late = moduleFunctions<{ f(): string }>(pathToFileURL(file));
      const pool = newPool(kind);
      expect(await failureOf(pool.submit(late.f))).toMatchObject({ code: 'MODULE_NOT_LOADED' });
      writeFileSync(file, "export const f = () => 'there';");
      expect(await pool.submit(late.f)).toBe('there');
    });

    test('tries a failed initializer again, in a new worker, for the next job', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-ts-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const file = path.join(folder, 'flag');
      const pool = newPool(kind, { initializer: work.needFile as never, initargs: [file] });
      const error = await failureOf(pool.submit(work.count));
      expect(error).toMatchObject({ code: 'INITIALIZER_FAILED', message: expect.stringContaining('ENOENT') });
      writeFileSync(file, '');
      expect(await pool.submit(work.count)).toBe(1);
    });

    test('adds no listener of its own to the process for each worker or executor', async () => {
      const before = process.listenerCount('exit');
      const pools = [newPool(kind), newPool(kind)];
      await Promise.all(pools.map((pool) => pool.submit(work.fib, 3)));
      expect(process.listenerCount('exit')).toBeLessThanOrEqual(before + 1);
      await Promise.all(pools.map((pool) => pool.shutdown()));
      expect(process.listenerCount('exit')).toBe(before);
    });

    test('names the variable that an inline function captures, and says what to do', async () => {
      const factor = 2;
      const error = await failureOf(newPool(kind).submit((n: number) => n * factor, 1));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'FUNCTION_CAPTURES', cause: expect.any(ReferenceError) });
      expect((error as Error).message).toMatch(/uses factor, .*Pass factor as an argument.*moduleFunctions\(\)/);
    });

    test('leaves a ReferenceError of a called module as it is', async () => {
      const load = async (url: string) => await import(url);
      expect(await failureOf(newPool(kind).submit(load, 'data:text/javascript,elsewhere'))).toMatchObject({
        name: 'ReferenceError',
        message: expect.stringMatching(/elsewhere/),
      });
    });

    test('fails a job whose worker dies, and continues with another worker', async () => {
      const pool = newPool(kind);
      const dies = pool.submit(() => process.exit(3));
      const next = pool.submit(() => 'next');
      const error = await failureOf(dies);
      expect(error).toBeInstanceOf(Broken[kind]);
      expect(error).toBeInstanceOf(BrokenExecutor);
      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({ code: 'WORKER_DIED', message: expect.stringMatching(/exited with code:? 3$/) });
      expect(await next).toBe('next');
    });

    test('runs maxWorkers jobs at once, in order of submission', async () => {
      const pool = newPool(kind, { maxWorkers: 2 });
      const jobs = [1, 2, 3, 4].map((n) => pool.submit((x: number) => x, n));
      expect(jobs.map((job) => job.state)).toEqual(['running', 'running', 'pending', 'pending']);
      expect(pool.statistics()).toMatchObject({ maxWorkers: 2, running: 2, queued: 2, finished: 0 });
      expect(await Promise.all(jobs)).toEqual([1, 2, 3, 4]);
      expect(pool.statistics()).toMatchObject({ workers: 2, running: 0, queued: 0, finished: 4 });
      expect(pool.statistics()).toMatchObject({ peakRunning: 2, peakQueued: 2 });
      expect(String(pool)).toMatch(/^<(Thread|Process)PoolExecutor maxWorkers=2 running=0 queued=0>$/);
    });

    test('calls the initializer once in each worker, before its first job', async () => {
      const pool = newPool(kind, { initializer: work.setCount, initargs: [10] });
      expect([await pool.submit(work.count), await pool.submit(work.count)]).toEqual([11, 12]);
    });

    test('fails the jobs of a worker whose initializer fails', async () => {
      const pool = newPool(kind, {
        initializer: () => {
          throw new Error('no database');
        },
      });
      const error = await failureOf(pool.submit(work.count));
      expect(error).toBeInstanceOf(Broken[kind]);
      expect(error).toMatchObject({ code: 'INITIALIZER_FAILED', message: expect.stringContaining('no database') });
    });

    test('accepts no work after shutdown, which waits for the submitted jobs and for the workers', async () => {
      const pool = newPool(kind);
      const jobs = [pool.submit(() => 1), pool.submit(() => 2)];
      await pool.shutdown();
      expect(jobs.map((job) => job.state)).toEqual(['finished', 'finished']);
      expect(pool.statistics()).toMatchObject({ workers: 0, isShutDown: true });
      const error = await failureOf(() => pool.submit(() => 3));
      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({
        code: 'EXECUTOR_SHUT_DOWN',
        message: expect.stringContaining('cannot schedule new futures after shutdown'),
      });
      await pool.shutdown();
    });

    test('shut down with cancelFutures drops the jobs that wait', async () => {
      const pool = newPool(kind);
      const [first, second] = [pool.submit(() => 1), pool.submit(() => 2)];
      await pool.shutdown({ cancelFutures: true });
      expect([await first, second.cancelled()]).toEqual([1, true]);
      expect(await failureOf(second)).toBeInstanceOf(CancelledError);
    });

    test('shut down with wait: false does not wait', async () => {
      const pool = newPool(kind);
      const job = pool.submit(() => 1);
      const waiting = pool.submit(() => 2);
      await pool.shutdown({ wait: false });
      await pool.shutdown(false, { cancelFutures: true }); // as Python writes it
      expect([job.running(), waiting.cancelled()]).toEqual([true, true]);
      expect(await job).toBe(1);
      await pool.shutdown(true);
    });

    test('that was never used can be shut down', async () => {
      const pool = newPool(kind);
      await pool.shutdown();
      expect(pool.statistics()).toMatchObject({ workers: 0, isShutDown: true });
    });

    test('terminateWorkers fails what runs and cancels what waits', async () => {
      const pool = newPool(kind);
      const running = pool.submit(() => {
        for (;;);
      });
      const waiting = pool.submit(() => 1);
      const failed = failureOf(running);
      await pool.terminateWorkers();
      expect(await failed).toBeInstanceOf(Broken[kind]);
      expect(await failed).toMatchObject({ code: 'TERMINATED' });
      expect([waiting.cancelled(), pool.statistics().workers]).toEqual([true, 0]);
    });

    test('is shut down by `await using`', async () => {
      let pool: ReturnType<typeof newPool>;
      {
        await using scoped = newPool(kind);
        pool = scoped;
        scoped.submit(() => 1);
      }
      expect(pool.statistics()).toMatchObject({ workers: 0, finished: 1, isShutDown: true });
    });

    test('is shut down by the loop whose default executor it is', async () => {
      const pool = newPool(kind);
      const result = await inLoop(async (loop) => {
        loop.setDefaultExecutor(pool);
        return await loop.runInExecutor(null, work.fib, 5);
      });
      expect([result, pool.statistics().workers, pool.statistics().isShutDown]).toEqual([5, 0, true]);
    });

    test('ends a worker that has had nothing to do', async () => {
      const pool = newPool(kind, { idleTimeout: 0 });
      const pids = [await pool.submit(work.count), await pool.submit(work.setCount, 0)];
      expect(pids[0]).toBe(1);
      while (pool.statistics().workers > 0) await new Promise(setImmediate);
      expect(await pool.submit(work.count)).toBe(1); // in a new one
    });

    test('says that a module is missing, and which', async () => {
      const missing = moduleFunctions<{ f(): void }>(new URL('./nowhere.ts', import.meta.url));
      const error = await failureOf(newPool(kind).submit(missing.f));
      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({
        code: 'MODULE_NOT_LOADED',
        message: expect.stringMatching(/^f\(\) of file:.*nowhere\.ts cannot be called: .*nowhere\.ts/),
        cause: expect.any(Error),
      });
    });

    test('says that an export is missing, and which there are', async () => {
      for (const name of ['fob', 'notAFunction']) {
        const error = await failureOf(newPool(kind).submit((work as never as Record<string, () => void>)[name]!));
        expect(error).toBeInstanceOf(TypeError);
        expect(error).toMatchObject({
          code: 'EXPORT_NOT_FOUND',
          message: expect.stringMatching(
            new RegExp(`^${name}\\(\\) of file:.*work\\.ts .*does not export this function, it exports .*fib`),
          ),
        });
      }
    });

    test('does not keep a program alive that has nothing more to do', () => {
      const name = kind === 'threads' ? 'ThreadPoolExecutor' : 'ProcessPoolExecutor';
      const { stdout } = runInProcess(`
        import { ${name} } from 'asyncio-ts/node';
        const pool = new ${name}({ maxWorkers: 1 });
        console.log(await pool.submit(() => 'done'), pool.statistics().workers);
      `);
      expect(stdout).toBe('done 1');
    });
  });
}

describeBoth('cancelling a job that runs', (s) => {
  test('leaves it alone, and its worker is busy until it ends', async () => {
    const pool = newPool('threads');
    const { buffer, view, begun, release } = flags();
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const future = loop.runInExecutor(pool, work.waitForFlag, buffer);
      yield* s.wait(wrapPromise(begun()));
      future.cancel();
      expect(yield* failure(s, future)).toBeInstanceOf(CancelledError);
      expect(pool.statistics()).toMatchObject({ running: 1 });
      release();
      yield* s.wait(loop.runInExecutor(pool, () => {})); // the same worker's next job
      return view[2];
    });
    expect(await run(main)).toBe(1);
  });

  test('ends its worker when it was asked for, and the next job has another one', async () => {
    const pool = newPool('threads');
    const { buffer, begun } = flags();
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      expect(yield* s.wait(loop.runInExecutor(pool, work.count))).toBe(1);
      const future = loop.runInExecutor(pool.with({ terminate: true }), work.begin, buffer);
      yield* s.wait(wrapPromise(begun()));
      future.cancel();
      return yield* s.wait(loop.runInExecutor(pool, work.count));
    });
    expect(await run(main)).toBe(1); // a new worker counts anew
  });

  test('is what cancelling a task does that awaits the job itself', async () => {
    const pool = newPool('processes', { terminate: true });
    const main = s.fn(function* () {
      const job = pool.submit(() => {
        for (;;);
      });
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(job);
        }),
      );
      yield* s.wait(sleep(0));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      return job.cancelled();
    });
    expect(await run(main)).toBe(true);
  });
});

describe('threads', () => {
  const threadsOfThisProcess = () => readdirSync('/proc/self/task').length;

  test.runIf(process.platform === 'linux')('are gone after shutdown', async () => {
    const use = async () => {
      const pool = newPool('threads', { maxWorkers: 3 });
      await Promise.all([1, 2, 3].map((n) => pool.submit(work.fib, n)));
      const most = threadsOfThisProcess();
      await pool.shutdown();
      return [most, threadsOfThisProcess()] as const;
    };
    const [, before] = await use(); // the runtime's own threads are there now
    const [most, after] = await use();
    expect(most).toBeGreaterThan(before);
    expect(after).toBe(before);
  });
});

describe('closing a loop', () => {
  test('shuts its default executor down', async () => {
    const loop = newEventLoop();
    const pool = newPool('threads');
    loop.setDefaultExecutor(pool);
    expect(await loop.runUntilComplete(loop.runInExecutor(null, work.fib, 5))).toBe(5);
    loop.close();
    expect(pool.statistics().isShutDown).toBe(true);
    await pool.shutdown();
    expect(pool.statistics().workers).toBe(0);
  });
});

describe('a thread that uses up its memory', () => {
  test('fails its job', async () => {
    const pool = new ThreadPoolExecutor({ maxWorkers: 1, resourceLimits: { maxOldGenerationSizeMb: 16 } });
    const error = await failureOf(
      pool.submit(() => {
        const all: number[][] = [];
        for (;;) all.push(new Array(10_000).fill(1));
      }),
    );
    expect(error).toMatchObject({ name: 'BrokenThreadPool', message: expect.stringContaining('memory') });
    expect(await pool.submit(() => 'next')).toBe('next');
    await pool.shutdown();
  });
});

describe('a job in a process that sends its own messages', () => {
  test('disturbs neither its executor nor itself', async () => {
    const pool = newPool('processes');
    for (const message of ['ready', null, 42, { type: 'ready' }, { id: 'mine', bytes: new Uint8Array([1, 2]) }]) {
      expect(
        await pool.submit((message: unknown) => {
          process.send?.(message);
          process.send?.(new Uint8Array([1, 2, 3]));
          return 'result';
        }, message),
      ).toBe('result');
    }
    const replaced = pool.submit(() => {
      process.send = () => true;
      process.removeAllListeners('message');
      return 'sent all the same';
    });
    expect(await replaced).toBe('sent all the same');
    expect(await pool.submit(() => 'next')).toBe('next');
  });
});

describe('a process that cannot be started', () => {
  test('fails its job, and the next one runs when it can', async () => {
    const execPath = process.execPath;
    onTestFinished(() => {
      process.execPath = execPath;
    });
    const pool = newPool('processes');
    process.execPath = '/nowhere/node';
    const error = await failureOf(pool.submit(work.fib, 1));
    expect(error).toBeInstanceOf(BrokenProcessPool);
    expect(error).toMatchObject({
      code: 'WORKER_NOT_STARTED',
      message: expect.stringMatching(/^no worker could be started for fib\(\) of .*ENOENT/),
    });
    process.execPath = execPath;
    expect(await pool.submit(work.fib, 7)).toBe(13);
  });
});

describe('a process that is killed', () => {
  test('fails its job, and names the signal', async () => {
    const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
    const error = await failureOf(
      pool.submit(() => {
        process.kill(process.pid, 'SIGKILL');
        return new Promise(() => {});
      }),
    );
    expect(error).toMatchObject({ name: 'BrokenProcessPool', message: expect.stringContaining('SIGKILL') });
    await pool.shutdown();
  });

  test('is gone after shutdown', async () => {
    const pool = new ProcessPoolExecutor({ maxWorkers: 2, env: { FROM_THE_PARENT: 'set' } });
    const pids = await Promise.all([1, 2].map(() => pool.submit(() => process.pid)));
    expect(await pool.submit(() => process.env['FROM_THE_PARENT'])).toBe('set');
    await pool.shutdown();
    for (const pid of new Set(pids)) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  test('is gone after the program has ended in the middle of its job', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-ts-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { stdout } = runInProcess(`
      import { existsSync, writeFileSync } from 'node:fs';
      import { ProcessPoolExecutor } from 'asyncio-ts/node';
      const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
      const file = ${JSON.stringify(path.join(folder, 'begun'))};
      console.log(await pool.submit(() => process.pid));
      pool.submit((file) => {
        process.getBuiltinModule('node:fs').writeFileSync(file, '');
        for (;;);
      }, file);
      while (!existsSync(file)) await new Promise(setImmediate);
      process.exit();
    `);
    const pid = Number(stdout);
    expect(pid).toBeGreaterThan(0);
    const isThere = () => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    while (isThere()) await new Promise(setImmediate);
  });
});
