import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { EventLoop } from 'asyncio-ts';
import { exposeLoop, type LoopFunctions } from 'asyncio-ts/node';
import { onTestFinished } from 'vitest';
import { fromSource } from '../../../support/processes.ts';

/**
 * Runs a program in a worker thread that is connected to a loop of this one, as `remote`. `post` sends something here; what the program
 * throws is sent as `{ name, code, message }`.
 */
export function workerWith(loop: EventLoop, functions: LoopFunctions, program: string) {
  const door = exposeLoop(loop, functions);
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    import * as asyncio from 'asyncio-ts';
    import { connectLoop, RemoteLoop } from 'asyncio-ts/node';
    const remote = connectLoop(workerData.port);
    const post = (message) => parentPort.postMessage(message);
    const failureOf = async (what) => {
      try {
        await (typeof what === 'function' ? what() : what);
      } catch (error) {
        const { name, code, message } = error;
        return { name, code, message };
      }
    };
    ${program}
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    execArgv: ['--import', fromSource],
    workerData: { port: door.port },
    transferList: [door.port],
  });
  onTestFinished(async () => {
    await worker.terminate();
  });
  return {
    door,
    worker,
    /** The next thing that the program posts. */
    next: async (): Promise<unknown> => (await once(worker, 'message'))[0],
    /** Its end. */
    exit: async (): Promise<unknown> => (await once(worker, 'exit'))[0],
  };
}
