import type { DistributedExecutor } from 'asyncio-ts/distributed';
import type { ClientPlan } from './stage.ts';
import type { Stormy } from './stormy.ts';

/** Submits the jobs of a client that is to be killed. Returns their ids, in order. */
export function submitPlan(
  pool: DistributedExecutor,
  stormy: Stormy,
  { file, jobs }: Pick<ClientPlan, 'file' | 'jobs'>,
): string[] {
  return jobs.map(({ name, seconds, retries, isTied }) => {
    const job = pool.with({ retries, onClientLoss: isTied ? 'cancel' : 'finish' }).submit(stormy, file, name, seconds);
    job.catch(() => {}); // what becomes of it is seen from outside
    return job.id;
  });
}
