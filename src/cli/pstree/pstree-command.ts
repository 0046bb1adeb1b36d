import { TaskGraph, type TaskRow } from '../../inspect/task-tree.ts';
import type { Look, SeenTask } from '../attach/target.ts';
import type { LookCommand } from '../look-arguments.ts';
import { type Output, printLook } from '../ps/print-look.ts';
import { cyclesText, detailsText, moreFramesText, moreText, nameText, stateText, waitsText } from '../ps/task-text.ts';
import { cutTo } from '../terminal/display.ts';

/** `asyncio pstree PID`: the tasks of a process, below each one those that it awaits. */
export function pstree(command: LookCommand, output: Output): Promise<number> {
  return printLook(command, output, treeOf);
}

/** The tasks as a tree. */
export function treeOf({ tasks, total }: Look, columns: number | null): string[] {
  const graph = new TaskGraph(tasks);
  const lines = graph.rows().flatMap((row) => {
    const task = row.task as SeenTask;
    const indent = branchesOf(row);
    const rest = `${restOf(row)}${graph.awaitedBy(task.id).length > 0 && !row.isRepeated ? '│  ' : '   '}`;
    const details = row.isRepeated ? [] : detailsText(task).map((text) => `${rest}${text}`);
    return [`${indent}${titleOf(row, graph)}`, ...details];
  });
  const cut = (line: string): string => (columns === null ? line : cutTo(line, columns));
  return [...lines.map(cut), ...cyclesText(graph).map(cut), ...moreText(tasks.length, total)];
}

function titleOf(row: TaskRow, graph: TaskGraph): string {
  const task = row.task as SeenTask;
  if (row.isRepeated) return `${nameText(task)}  (see above)`;
  const state = task.state === 'waiting' && task.cancelling === 0 ? '' : `  [${stateText(task)}]`;
  // Whoever waits only for those that stand below needs no words about it.
  const below = new Set(graph.awaitedBy(task.id).map(({ id }) => id));
  const [wait, ...others] = task.waits;
  const isClear = below.size > 0 && others.length === 0 && (wait?.needs ?? []).every((one) => below.has(one));
  const waits = waitsText(task, graph);
  const frames = moreFramesText(task);
  return [
    nameText(task),
    frames === '' ? '' : `  ${frames}`,
    state,
    isClear || waits === '' ? '' : `  waits for ${waits}`,
  ].join('');
}

/** `│  ├─ ` before a row of a tree. */
export function branchesOf({ last }: TaskRow): string {
  if (last.length === 0) return '';
  return `${last.slice(0, -1).map(barOf).join('')}${last.at(-1) === true ? '└─ ' : '├─ '}`;
}

/** `│  │  ` before further lines of the row. */
function restOf({ last }: TaskRow): string {
  return last.map(barOf).join('');
}

function barOf(isLast: boolean): string {
  return isLast ? '   ' : '│  ';
}
