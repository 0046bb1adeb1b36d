// A worker in a process of its own: worker.ts KIND ADDRESS QUEUE CONCURRENCY LEASE. Writes a line when it takes jobs; SIGTERM drains it.
import process from 'node:process';
import { run } from 'asyncio-ts';
import { serve } from 'asyncio-ts/distributed';
import { engineOf } from './engines.ts';
import * as work from './work.ts';

const [kind, address, queue, concurrency, lease] = process.argv.slice(2);

process.stdin.on('end', () => process.exit(1)).resume(); // whoever has started it is gone

await run(() =>
  serve(work, {
    engine: engineOf(kind!, address!),
    queue: queue!,
    concurrency: Number(concurrency),
    lease: Number(lease),
    propagate: [work.requestId],
    onReady: (name) => console.log(`ready ${name}`),
  }),
);
process.exit(0); // its input is still open
