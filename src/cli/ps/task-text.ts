import type { TaskSnapshot, WaitSnapshot } from '../../inspect/lens.ts';
import { isForTasks, type TaskGraph } from '../../inspect/task-tree.ts';
import { taskTitle } from '../../internal/task-title.ts';
import { shownFile } from '../attach/shown-file.ts';
import type { SeenTask } from '../attach/target.ts';
import { safeText } from '../terminal/display.ts';

/** So many tasks are named where one waits for many. */
const MOST_NAMES = 3;
/** So many different branches or waits of one task are shown. */
const MOST_SIDE_BY_SIDE = 10;

/** A task's name, as it may be shown, such as `load#17`. */
export function nameText(task: TaskSnapshot): string {
  return safeText(taskTitle(task.name, functionOf(task)));
}

/** The function that a task runs; empty where it is not known. */
function functionOf(task: TaskSnapshot & Partial<Pick<SeenTask, 'generators'>>): string {
  return namesOfFrames(task)[0] ?? '';
}

/**
 * The names of the frames: those that the library knows, otherwise those that the inspector gives. In a minified program the inspector has
 * only the short names.
 */
function namesOfFrames({ frames, generators = [] }: TaskSnapshot & Partial<Pick<SeenTask, 'generators'>>): string[] {
  let at = 0;
  return frames.map(({ name, kind }) => {
    const known = kind === 'generator' ? (generators[at++]?.name ?? '') : '';
    return name === '' ? known : name;
  });
}

/** The functions that a task is in, where its name does not tell them already. */
export function moreFramesText(task: SeenTask): string {
  const frames = framesText(task);
  return nameText(task) !== safeText(task.name) && task.frames.length === 1 ? '' : frames;
}

/** The functions that a task is in, the outermost first: `main() → load()`; with branches, `main() → load(); save()`. */
export function framesText(task: SeenTask): string {
  const names = namesOfFrames(task);
  const branches: string[] = [];
  for (const [at, { kind, isBeside = false }] of task.frames.entries()) {
    const text =
      names[at] === '' ? (kind === 'generator' ? '(generator)' : '<anonymous>()') : `${safeText(names[at]!)}()`;
    if (at === 0 || isBeside) branches.push(text);
    else branches.push(`${branches.pop()} → ${text}`);
  }
  return listText(branches);
}

/** A list of texts. Equal ones are written once, with their number; after the first few different ones only the number of the others. */
function listText(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const different = [...counts];
  const shown = different
    .slice(0, MOST_SIDE_BY_SIDE)
    .map(([text, count]) => (count === 1 ? text : `${count} × ${text}`));
  const more = different.slice(MOST_SIDE_BY_SIDE).reduce((sum, [, count]) => sum + count, 0);
  if (more > 0) shown.push(`and ${more} more`);
  return shown.join('; ');
}

/** What a task waits for, in words; empty when it waits for nothing. */
export function waitsText(task: SeenTask, graph: TaskGraph): string {
  return listText(task.waits.map((wait) => waitText(wait, graph)));
}

function waitText(wait: WaitSnapshot, graph: TaskGraph): string {
  const { operation, needs } = wait;
  const object = wait.object === null ? null : safeText(wait.object);
  if (operation === 'promise') return 'a promise from outside the library';
  if (wait.isForeign) return `${call(operation)}${object === null ? '' : ` of ${object}`}, from outside`;
  if (isForTasks(wait)) return `${namesText(needs, graph)}${VIA[operation] ?? ` in ${call(operation)}`}`;
  if (needs.length > 0) return `${object}, held by ${namesText(needs, graph)}`;
  if (object === null) return call(operation);
  return operation === 'result' ? object : `${call(operation)} of ${object}`;
}

function call(operation: string): string {
  return `${safeText(operation)}()`;
}

const VIA: Readonly<Record<string, string>> = {
  task: '',
  tasks: ' of its task group',
  shielded: ' in shield()',
  shared: ' in a call of shared()',
  next: ' in asCompleted()',
  'end of cancelled': ', which it has cancelled',
};

/** Tasks by name: the first few, and how many more. */
export function namesText(ids: readonly number[], graph: TaskGraph): string {
  const names = ids.slice(0, MOST_NAMES).map((id) => {
    const task = graph.find(id);
    return task === null ? 'a task that has ended' : nameText(task);
  });
  if (ids.length > MOST_NAMES) names.push(`${ids.length - MOST_NAMES} more`);
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** The state in one word. */
export function stateText({ state, cancelling }: SeenTask): string {
  return cancelling > 0 ? 'cancelling' : STATES[state];
}

const STATES: Readonly<Record<SeenTask['state'], string>> = {
  running: 'running',
  scheduled: 'ready',
  waiting: 'waiting',
  detached: 'outside', // at a promise that is not of this library
  unknown: '?',
};

/** Circles of tasks that wait for each other, one line each. */
export function cyclesText(graph: TaskGraph): string[] {
  return graph.cycles().map((cycle) => {
    const names = [...cycle, cycle[0]!].map((id) => nameText(graph.find(id)!));
    return `deadlock: ${names.join(' → ')}`;
  });
}

/** A line about the tasks that a limit has left out. */
export function moreText(shown: number, total: number): string[] {
  return total > shown ? [`and about ${total - shown} more tasks: --limit shows more`] : [];
}

/** Where a task is suspended, and the variables there; nothing where that is not known. */
export function detailsText(task: SeenTask): string[] {
  const places = task.waits.flatMap(({ place }) => (place === null ? [] : [`at ${safeText(shownFile(place))}`]));
  // Equal places are not left out here: two branches of one function are at the same place, each with its own variables.
  const names = namesOfFrames(task).filter((_, at) => task.frames[at]!.kind === 'generator');
  const ofGenerators = task.generators.flatMap(({ name: told, place, locals }, at) => {
    const name = names[at] ?? told;
    return [
      ...(place === null ? [] : [`${name === '' ? '' : `${safeText(name)}() `}at ${safeText(place)}`]),
      ...Object.entries(locals ?? {}).map(([variable, value]) => `  ${safeText(variable)} = ${safeText(value)}`),
    ];
  });
  return [...new Set(places), ...ofGenerators];
}
