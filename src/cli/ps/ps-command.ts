import { TaskGraph } from '../../inspect/task-tree.ts';
import type { Look } from '../attach/target.ts';
import type { LookCommand } from '../look-arguments.ts';
import { type Output, printLook } from './print-look.ts';
import { drawTable } from './table.ts';
import {
  cyclesText,
  detailsText,
  framesText,
  moreText,
  namesText,
  nameText,
  stateText,
  waitsText,
} from './task-text.ts';

/** `asyncio ps PID`: a table of the tasks of a process. */
export function ps(command: LookCommand, output: Output): Promise<number> {
  return printLook(command, output, tableOf);
}

/** The tasks as a table, the oldest first. */
export function tableOf({ tasks, total }: Look, columns: number | null): string[] {
  const graph = new TaskGraph(tasks);
  const rows = tasks.map((task) => [
    nameText(task),
    stateText(task),
    framesText(task),
    waitsText(task, graph) || '-',
    namesText(
      graph.awaitersOf(task.id).map(({ id }) => id),
      graph,
    ) || '-',
  ]);
  const heading = ['TASK', 'STATE', 'IN', 'WAITS FOR', 'AWAITED BY'];
  const table = drawTable(heading, rows, columns, (row) => detailsText(tasks[row]!));
  return [...table, ...cyclesText(graph), ...moreText(tasks.length, total)];
}
