// A client in a process of its own: client.ts KIND ADDRESS QUEUE PLAN. Submits the jobs of a `ClientPlan`, writes their ids in one line, and waits.
import process from 'node:process';
import { run, sleep } from 'asyncio-ts';
import { DistributedExecutor, moduleFunctions } from 'asyncio-ts/distributed';
import { engineOf } from './engines.ts';
import { submitPlan } from './plan.ts';
import type { ClientPlan } from './stage.ts';

const [kind, address, queue, text] = process.argv.slice(2);
const plan = JSON.parse(text!) as ClientPlan;
const { stormy } = moduleFunctions<typeof import('./work.ts')>('app:work');

process.stdin.on('end', () => process.exit(1)).resume(); // whoever has started it is gone

await run(async () => {
  await using pool = new DistributedExecutor({ engine: engineOf(kind!, address!), queue: queue!, lease: plan.lease });
  console.log(submitPlan(pool, stormy, plan).join(' '));
  await sleep(3_600);
});
