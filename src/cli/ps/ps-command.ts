import { TaskGraph } from '../../inspect/task-tree.ts';
import { lookOnce, type Output } from '../attach/look-once.ts';
import type { Look } from '../attach/target.ts';
import { SUCCESS } from '../exit-codes.ts';
import type { LookCommand } from '../look-arguments.ts';
import { safeJson } from '../terminal/display.ts';
import { asData } from './as-data.ts';
import { drawTable } from './table.ts';
import { cyclesText, detailsText, framesText, namesText, nameText, stateText, waitsText } from './task-text.ts';

/** `asyncio ps PID`: a table of the tasks of a process. */
export async function ps(command: LookCommand, output: Output): Promise<number> {
  await lookOnce(command, (look) => {
    const text = command.json ? safeJson(asData(command.pid, look)) : tableOf(look, output.columns).join('\n');
    output.tell(`${text}\n`);
  });
  return SUCCESS;
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

/** A line about the tasks that a limit has left out. */
export function moreText(shown: number, total: number): string[] {
  return total > shown ? [`and about ${total - shown} more tasks: --limit shows more`] : [];
}
