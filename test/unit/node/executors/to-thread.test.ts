import {
  CancelledError,
  createTask,
  getRunningLoop,
  newEventLoop,
  run,
  sleep,
  toThread as toThreadOfCore,
  wrapPromise,
} from 'asyncio-ts';
import { ThreadPoolExecutor, toThread } from 'asyncio-ts/node';
import { describe, expect, test, vi } from 'vitest';
import { runInProcess } from '../../../support/processes.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { failureOf, flags, newPool, work } from './support.ts';

// On a busy machine, a process or a thread takes its time to start.
vi.setConfig({ testTimeout: 20_000 });

const threadId = () => process.getBuiltinModule('node:worker_threads').threadId;

describeBoth('toThread', (s) => {
  test('runs a function in another thread, whose executor ends with run()', async () => {
    const main = s.fn(function* () {
      const result = yield* s.wait(toThread(work.fib, 10));
      const first = yield* s.wait(toThread(threadId));
      const executed = yield* s.wait(getRunningLoop().runInExecutor(null, threadId));
      return [result, first > 0, executed > 0];
    });
    expect(await run(main)).toEqual([55, true, true]);
  });

  test('uses the default executor that the program has set', async () => {
    const pool = newPool('processes');
    const main = s.fn(function* () {
      getRunningLoop().setDefaultExecutor(pool);
      return yield* s.wait(toThread(() => process.pid));
    });
    expect(await run(main)).not.toBe(process.pid);
    expect(pool.statistics()).toMatchObject({ finished: 1, isShutDown: true });
  });

  test('and runInExecutor(null, …) and the toThread of the core share one executor, in either order', async () => {
    const main = s.fn(function* () {
      const first = yield* s.wait(getRunningLoop().runInExecutor(null, work.count));
      return [first, yield* s.wait(toThread(work.count)), yield* s.wait(toThreadOfCore(work.count))];
    });
    const loop = newEventLoop();
    loop.setDefaultExecutor(newPool('threads'));
    expect(await run(main, { loopFactory: () => loop })).toEqual([1, 2, 3]);
    const elsewhere = s.fn(function* () {
      const threads = [
        yield* s.wait(toThreadOfCore(threadId)),
        yield* s.wait(getRunningLoop().runInExecutor(null, threadId)),
      ];
      return threads.map((thread) => thread !== threadId());
    });
    expect(await run(elsewhere)).toEqual([true, true]);
  });

  test('can be cancelled: the wait ends, the function goes on', async () => {
    const { buffer, view, begun, release } = flags();
    const main = s.fn(function* () {
      const task = createTask(
        s.fn(function* () {
          return yield* s.wait(toThread(work.waitForFlag, buffer));
        }),
      );
      yield* s.wait(wrapPromise(begun()));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      release();
    });
    await run(main); // waits for the function at its end
    expect(view[2]).toBe(1);
  });

  test('can end the thread when the executor was made so', async () => {
    const { buffer, begun } = flags();
    const main = s.fn(function* () {
      getRunningLoop().setDefaultExecutor(new ThreadPoolExecutor({ maxWorkers: 1, terminate: true }));
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(toThread(work.begin, buffer));
        }),
      );
      yield* s.wait(wrapPromise(begun()));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      return yield* s.wait(toThread(work.count));
    });
    expect(await run(main)).toBe(1);
  });

  test('does nothing before it is awaited, and fails after the default executor is shut down', async () => {
    const main = s.fn(function* () {
      toThread(work.fib, 40);
      yield* s.wait(sleep(0));
      yield* s.wait(getRunningLoop().shutdownDefaultExecutor());
      return yield* failure(s, toThread(work.fib, 1));
    });
    expect(await run(main)).toMatchObject({ name: 'RuntimeError', code: 'EXECUTOR_SHUT_DOWN' });
  });
});

describe('toThread', () => {
  test('needs a function', async () => {
    for (const fn of [42, null, undefined, 'f'])
      expect(await failureOf(() => toThread(fn as never))).toMatchObject({ name: 'TypeError', code: 'NOT_CALLABLE' });
  });

  test('leaves no thread behind in the thread’s own loop, and does not keep a program alive', () => {
    const { stdout } = runInProcess(`
      import { toThread } from 'asyncio-ts/node';
      console.log(await toThread((n) => n * 2, 21));
    `);
    expect(stdout).toBe('42');
  });
});

describe('importing asyncio-ts/node', () => {
  test('does not load the library of the worker pool', () => {
    const { stdout } = runInProcess(`
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({
        resolve(specifier, context, next) {
          return next(specifier, context);
        },
        load(url, context, next) {
          if (url.includes('/piscina/dist/')) loaded.push(url);
          return next(url, context);
        },
      });
      const { ThreadPoolExecutor } = await import('asyncio-ts/node');
      const pool = new ThreadPoolExecutor();
      console.log(loaded.length > 0);
      await pool.submit(() => 1);
      console.log(loaded.length > 0);
    `);
    expect(stdout.split('\n')).toEqual(['false', 'true']);
  });
});

describe('without asyncio-ts/node', () => {
  const attempt = (body: string) =>
    runInProcess(`
      import { getRunningLoop, run, toThread } from 'asyncio-ts';
      await run(async () => {
        try {
          console.log(await (${body}));
        } catch (error) {
          console.log(error.name, error.code, error.message);
        }
      });
    `).stdout;

  test.each(['toThread(function work() {})', 'getRunningLoop().runInExecutor(null, function work() {})'])(
    '%s refuses, and names the import',
    (body) => {
      expect(attempt(body)).toMatch(
        /^RuntimeError NO_EXECUTOR there is no thread for work\(\): .*write import \{ toThread \} from 'asyncio-ts\/node'/,
      );
    },
  );

  test('both work when the program has set an executor, or imports asyncio-ts/node later', () => {
    const own = 'getRunningLoop().setDefaultExecutor({ submit: (fn, ...args) => Promise.resolve(fn(...args)) })';
    expect(attempt(`(${own}, toThread((n) => n + 1, 1))`)).toBe('2');
    expect(attempt("import('asyncio-ts/node').then(() => toThread((n) => n + 1, 1))")).toBe('2');
  });
});
