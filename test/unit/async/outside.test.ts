import { CancelledError, createTask, currentTask, type EventLoop, Future, getEventLoop, sleep } from 'asyncio-ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { virtualLoop } from '../../support/loops.ts';
import { runInProcess } from '../../support/processes.ts';
import { describeBoth } from '../../support/spellings.ts';

/** Starts a loop that goes on until the function which is returned is called. */
function running(): { loop: EventLoop; stop: () => Promise<void> } {
  const { loop } = virtualLoop();
  const run = loop.runForever();
  const stop = async () => {
    loop.stop();
    await run;
    loop.close();
  };
  return { loop, stop };
}

describeBoth('awaiting from outside any task', (s) => {
  test('gives the result of a task', async () => {
    const { loop, stop } = running();
    const body = s.fn(function* () {
      return yield* s.wait(sleep(3, 'result'));
    });
    expect(await loop.createTask(body)).toBe('result');
    expect(currentTask()).toBe(null);
    await stop();
  });

  test('rejects with the error of a task, which counts as seen', async () => {
    const { loop, stop } = running();
    const reports: unknown[] = [];
    loop.setExceptionHandler((_loop, context) => reports.push(context));
    const error = new Error('failed');
    const body = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw error;
    });
    await expect(loop.createTask(body)).rejects.toBe(error);
    await stop();
    expect(reports).toEqual([]);
  });

  test('rejects with a CancelledError when the task is cancelled', async () => {
    const { loop, stop } = running();
    const body = s.fn(function* () {
      yield* s.wait(sleep(60));
    });
    const task = loop.createTask(body);
    loop.callLater(1, () => task.cancel('why'));
    await expect(task).rejects.toMatchObject({ name: 'CancelledError', message: 'why' });
    await stop();
  });

  test('is possible several times, before and after the end', async () => {
    const { loop, stop } = running();
    const body = s.fn(function* () {
      return yield* s.wait(sleep(1, 'result'));
    });
    const task = loop.createTask(body);
    expect(await Promise.all([task, task])).toEqual(['result', 'result']);
    expect(await task).toBe('result');
    await stop();
  });
});

describe('awaiting from outside any task', () => {
  test('gives the result of a future, wherever it is set', async () => {
    const { loop, stop } = running();
    const future = new Future<string>({ loop });
    setImmediate(() => future.setResult('set by a host callback'));
    expect(await future).toBe('set by a host callback');
    await stop();
  });

  test('never cancels the awaited task', async () => {
    const { loop, stop } = running();
    const future = new Future<string>({ loop });
    await Promise.race([future, Promise.resolve()]);
    expect(future.done()).toBe(false);
    await stop();
  });

  test("runs a coroutine as a task of the thread's loop, which runs without being started", async () => {
    expect(await sleep(0, 'slept')).toBe('slept');
    const task = createTask(async () => {
      await sleep(0);
      return getEventLoop().isRunning();
    });
    expect(await task).toBe(true);
  });

  test('knows the usual methods of promises', async () => {
    const { loop, stop } = running();
    const [succeeding, failing] = [new Future<number>({ loop }), new Future<number>({ loop })];
    loop.callSoon(() => succeeding.setResult(1));
    loop.callSoon(() => failing.setException(new RangeError('failed')));
    const trace: string[] = [];
    expect(await succeeding.then((value) => value + 1)).toBe(2);
    expect(await succeeding.finally(() => trace.push('finally'))).toBe(1);
    expect(await failing.catch((error: Error) => error.name)).toBe('RangeError');
    expect(trace).toEqual(['finally']);
    await stop();
  });

  test('rejects for a cancelled future', async () => {
    const { loop, stop } = running();
    const future = new Future({ loop });
    loop.callSoon(() => future.cancel());
    await expect(future).rejects.toBeInstanceOf(CancelledError);
    await stop();
  });
});

describe('an unhandled rejection', () => {
  const failing = `createTask(async () => { await sleep(0); throw new Error('of the task'); })`;
  const cases: [what: string, program: string, unhandled: string[]][] = [
    [
      'is unhandled once where a promise awaits a task',
      `const task = ${failing}; (async () => { await task; })();`,
      ['of the task'],
    ],
    ['is not unhandled where the error is caught', `const task = ${failing}; try { await task; } catch {}`, []],
    ['is none of the task itself', `${failing};`, []],
    [
      'is none of a task that is cancelled',
      `const task = createTask(() => sleep(60)); await sleep(0); task.cancel();`,
      [],
    ],
    [
      'is none of an await in a task',
      `const task = ${failing}; const waiter = createTask(async () => { await task; }); try { await waiter; } catch {}`,
      [],
    ],
    [
      'is none of the awaits that a cancellation ends',
      `const f = async () => await sleep(60);
       const task = createTask(async () => { await Promise.all([f(), f()]); });
       await sleep(0);
       task.cancel();
       try { await task; } catch {}`,
      [],
    ],
  ];

  // All in one separate process, because these rejections are reported to the whole process.
  const unhandled: string[][] = [];
  beforeAll(() => {
    const { stdout } = runInProcess(`
      import { setImmediate as macrotask } from 'node:timers/promises';
      import { createTask, sleep } from 'asyncio-ts';
      let unhandled = [];
      process.on('unhandledRejection', (error) => unhandled.push(error.message));
      const results = [];
      for (const run of [${cases.map(([, program]) => `async () => { ${program} }`)}]) {
        unhandled = [];
        await run();
        for (let i = 0; i < 5; i++) await macrotask();
        results.push(unhandled);
      }
      console.log(JSON.stringify(results));
    `);
    unhandled.push(...JSON.parse(stdout));
  });

  test.each(cases)('%s', (what, _program, expected) => {
    expect(unhandled[cases.findIndex(([name]) => name === what)]).toEqual(expected);
  });
});
