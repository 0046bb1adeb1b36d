// The main thread has one loop, made when it is first asked for. A worker thread has none until one is set.

import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';
import * as asyncio from 'asyncio-ts';

async function inWorker(): Promise<string[]> {
  const log: string[] = [];
  try {
    asyncio.getEventLoop();
  } catch (error) {
    if (!(error instanceof asyncio.RuntimeError)) throw error;
    log.push(error.name);
  }
  const loop = asyncio.newEventLoop();
  asyncio.setEventLoop(loop);
  log.push(asyncio.getEventLoop() === loop ? 'the new loop is the one of this thread' : 'another loop');
  log.push(await loop.runUntilComplete(() => asyncio.sleep(0.01, 'and it works')));
  loop.close();
  return log;
}

/** As long as it takes to start a thread. */
export async function main(): Promise<string[]> {
  const loop = asyncio.getEventLoop();
  const log = [asyncio.getEventLoop() === loop ? 'one and the same loop' : 'two loops'];
  console.log('main thread:', log[0]);
  const worker = new Worker(new URL(import.meta.url));
  const [lines] = (await once(worker, 'message')) as [string[]];
  for (const line of lines) console.log('worker thread:', line);
  return [...log, ...lines];
}

// In the worker thread, this file is the program.
if (parentPort !== null) parentPort.postMessage(await inWorker());
