// A worker: node examples/thumbnails/worker.ts redis://127.0.0.1:6379
//
// Does the same as: npx asyncio-ts worker examples/thumbnails/work.ts --queue thumbnails --bullmq redis://127.0.0.1:6379

import process from 'node:process';
import { run } from 'asyncio-ts';
import { serve } from 'asyncio-ts/distributed';
import { engineOf, QUEUE } from './engine.ts';
import * as work from './work.ts';

const address = process.argv[2] ?? 'redis://127.0.0.1:6379';

async function main(): Promise<void> {
  await serve(work, {
    engine: await engineOf(address),
    queue: QUEUE,
    // One picture at a time: it computes, so that a second one would only share the processor.
    concurrency: 1,
    // After so many seconds without a sign it counts as lost.
    lease: 3,
    // Ctrl-C reaches all processes of the terminal. The client then cancels its jobs, and ends its workers.
    signals: ['SIGTERM', 'SIGINT'],
    onReady: (name) => console.log(`ready ${name}`),
  });
}

try {
  await run(main, { signals: [] });
} catch (error) {
  console.error((error as Error).message); // most often that there is no server at this address
  process.exitCode = 1;
}
