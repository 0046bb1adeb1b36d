import type { TaskSnapshot } from '../../inspect/lens.ts';
import { TaskGraph } from '../../inspect/task-tree.ts';
import type { Look } from '../attach/target.ts';

/** What `--json` prints: the tasks of a process, the tree as numbers, and circles of tasks that wait for each other. */
export function asData(pid: number, { tasks, total }: Look) {
  const graph = new TaskGraph(tasks);
  const idsOf = (some: readonly TaskSnapshot[]): number[] => some.map(({ id }) => id);
  return {
    pid,
    total,
    tasks: tasks.map(({ awaiters: _, ...task }) => ({
      ...task,
      awaits: idsOf(graph.awaitedBy(task.id)),
      awaitedBy: idsOf(graph.awaitersOf(task.id)),
    })),
    cycles: graph.cycles(),
  };
}
