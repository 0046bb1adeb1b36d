import { Worker } from 'node:worker_threads';
import { getEventLoop } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { fromSource } from '../../support/processes.ts';

/** Runs a program in a worker thread; gives what it posts. */
function runInWorker(program: string): Promise<unknown> {
  const source = `
    import { parentPort } from 'node:worker_threads';
    import * as asyncio from 'asyncio-ts';
    const { getEventLoop, newEventLoop, run, setEventLoop, sleep } = asyncio;
    const attempt = (fn) => {
      try {
        return fn();
      } catch ({ name, code, message }) {
        return { name, code, message };
      }
    };
    parentPort.postMessage(await (${program})());
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    execArgv: ['--import', fromSource],
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('getEventLoop', () => {
  test('in the main thread makes one loop, and returns the same on each call', () => {
    expect(getEventLoop()).toBe(getEventLoop());
    expect(getEventLoop().isClosed()).toBe(false);
  });

  test('in a worker thread throws, and says how to get one', async () => {
    const error = await runInWorker('async () => attempt(() => getEventLoop())');
    expect(error).toMatchObject({ name: 'RuntimeError', code: 'NO_LOOP' });
    expect(error).toMatchObject({ message: expect.stringContaining('setEventLoop(newEventLoop())') });
    expect(error).toMatchObject({ message: expect.stringContaining('worker thread') });
  });

  test('in a worker thread returns what setEventLoop has set', async () => {
    const program = `async () => {
      const loop = newEventLoop();
      setEventLoop(loop);
      const slept = await loop.runUntilComplete(sleep(0.001, 'slept'));
      return [getEventLoop() === loop, slept];
    }`;
    expect(await runInWorker(program)).toEqual([true, 'slept']);
  });

  test('in a worker thread needs nothing inside run()', async () => {
    const program = `async () => {
      const found = await run(async () => {
        await sleep(0);
        return getEventLoop().isRunning();
      });
      return [found, attempt(() => getEventLoop()).code];
    }`;
    expect(await runInWorker(program)).toEqual([true, 'NO_LOOP']);
  });

  test('in a worker thread throws for every way of using the loop implicitly', async () => {
    const program = `async () => [
      attempt(() => asyncio.createTask(async () => {})),
      attempt(() => new asyncio.Future()),
      attempt(() => asyncio.gather()),
      attempt(() => asyncio.ensureFuture(async () => {})),
      attempt(() => asyncio.allTasks()),
    ].map(({ code }) => code)`;
    expect(await runInWorker(program)).toEqual(Array(5).fill('NO_LOOP'));
  });
});
