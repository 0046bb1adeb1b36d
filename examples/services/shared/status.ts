// What a process is busy with: for operators, and for the tests.
import { allTasks } from 'asyncio-ts';
import type { Database } from './database.ts';

export function status({ pool }: Database): object {
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return {
    tasks: [...allTasks()].map((task) => task.getName()),
    connections: { all: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount },
    resources,
  };
}
