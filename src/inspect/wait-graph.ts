import { allTasks } from '../index.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import {
  type EventLoop,
  type Future,
  nameOfCoroutine,
  Task,
  titleOf,
  type WaitView,
  waitersOf,
  waitsOfTask,
} from '../kernel/lowlevel.ts';
import { circlesOf, type EndsBy } from './circles.ts';
import { harmless } from './text.ts';

/** What one wait of a task is for. */
export interface WaitEdge {
  /** Such as `acquire`, `get`, `sleep`; `task` for another task, `promise` for a promise that is not of this library. */
  readonly operation: string;
  /** The lock, queue, task … that is waited for, described; `null` when there is none. */
  readonly object: string | null;
  /** The class of the object, such as `Lock`; `null` when there is none. */
  readonly kind: string | null;
  /** The names of the tasks whose progress would end the wait: those that hold the object, or are awaited. */
  readonly needs: readonly string[];
  /** Whether `all` of these tasks are needed, `any` of them is enough, or `others` may end the wait as well. */
  readonly endsBy: EndsBy;
  /** How many futures are waited for that no task is known to belong to, as by `gather` and `wait`. */
  readonly futures: number;
  /** Where it waits, as `file:line:column`; `null` when places are not recorded. */
  readonly place: string | null;
  /** Whether the outside world ends it. */
  readonly isForeign: boolean;
}

/** A task that is not done. */
export interface WaitNode {
  /** The task as tools name it, such as `load#17`; of several with one name, the second one has `#2` after it, and so on. */
  readonly name: string;
  /** The function that it runs; empty where that has no name. */
  readonly coroutine: string;
  /** Empty when it does not wait. */
  readonly waits: readonly WaitEdge[];
}

/** Which task waits for what, and for whom. */
export interface WaitGraph {
  readonly tasks: readonly WaitNode[];
  /** Deadlocks: circles of tasks that wait for each other and of which none can go on, each by names from one to the next. */
  readonly cycles: readonly (readonly string[])[];
}

/** Takes the wait-for graph of a loop as plain data. */
export function captureWaitGraph(loop: EventLoop): WaitGraph {
  const live = [...allTasks(loop)];
  const nameOf = namesOf(live);
  const awaited = awaitedTasks(live);
  const tasks = live.map((task) => ({
    name: nameOf(task),
    coroutine: nameOfCoroutine(task),
    waits: waitsOfTask(task).map((wait) => edgeOf(wait, awaited, nameOf)),
  }));
  return { tasks, cycles: circlesOf(new Map(tasks.map((task) => [task.name, task.waits]))) };
}

/** Names that are told apart: nothing keeps a program from giving two tasks the same one. */
function namesOf(live: readonly Task<unknown>[]): (task: Task<unknown>) => string {
  const names = new Map<Task<unknown>, string>();
  const count = new Map<string, number>();
  for (const task of live) {
    const name = titleOf(task);
    const number = (count.get(name) ?? 0) + 1;
    count.set(name, number);
    names.set(task, number === 1 ? name : `${name}#${number}`);
  }
  return (task) => names.get(task) ?? titleOf(task);
}

/** Of each future that tasks are awaited through (by `gather`, `shield`, `wait`, and these inside each other): those tasks. */
export function awaitedTasks(live: readonly Task<unknown>[]): Map<object, Task<unknown>[]> {
  const found = new Map<object, Task<unknown>[]>();
  for (const task of live) {
    // A set goes on with what is added to it.
    const open = new Set<object>(waitersOf(task));
    for (const awaiter of open) {
      if (awaiter instanceof Task) continue;
      const known = found.get(awaiter);
      if (known === undefined) found.set(awaiter, [task]);
      else known.push(task);
      for (const further of waitersOf(awaiter)) open.add(further);
    }
  }
  return found;
}

function edgeOf(
  wait: WaitView,
  awaited: ReadonlyMap<object, readonly Task<unknown>[]>,
  nameOf: (task: Task<unknown>) => string,
): WaitEdge {
  const { on, purpose, place, isForeign } = wait;
  const nothing = { object: null, kind: null, needs: [], endsBy: 'all' as const, futures: 0, place, isForeign };
  if (on === null || purpose?.operation === 'promise') return { ...nothing, operation: 'promise', isForeign: true };
  if (on instanceof Task) {
    const name = nameOf(on);
    return { ...nothing, operation: 'task', object: name, kind: 'Task', needs: [name] };
  }
  const object = purpose === null ? on : purpose.object;
  const futures = partsOf(wait).filter((part) => !(part instanceof Task) && !awaited.has(part)).length;
  return {
    operation: purpose?.operation ?? 'result',
    object: object === null ? null : describe(object),
    kind: object === null ? null : nameOfClass(object),
    needs: [...new Set(neededTasks(wait, awaited).map(nameOf))],
    endsBy: endsBy(wait, futures),
    futures,
    place,
    isForeign,
  };
}

/** One unit, or the end of one task, is enough. */
const ANY_IS_ENOUGH = ['acquire', 'next', 'wait'];

function endsBy({ purpose }: WaitView, futures: number): EndsBy {
  if (purpose === null || !ANY_IS_ENOUGH.includes(purpose.operation)) return 'all';
  const { isCounter = false } = (purpose.object ?? {}) as { readonly isCounter?: boolean };
  return isCounter || futures > 0 ? 'others' : 'any';
}

/** The tasks whose progress would end a wait: those that hold its object, or are awaited. */
export function neededTasks(
  wait: WaitView,
  awaited: ReadonlyMap<object, readonly Task<unknown>[]>,
): readonly Task<unknown>[] {
  const { on, purpose } = wait;
  if (on === null) return [];
  if (on instanceof Task) return [on];
  const through = [...(purpose?.holders ?? []), ...(awaited.get(on) ?? []), ...tasksAmong(partsOf(wait), awaited)];
  if (purpose?.object instanceof Task) through.push(purpose.object);
  return through.filter((task) => !task.done());
}

/** The futures that are waited for at once and are not done. */
function partsOf({ purpose }: WaitView): Future<unknown>[] {
  return [...(purpose?.parts ?? [])].filter((part) => !part.done());
}

function tasksAmong(
  parts: readonly Future<unknown>[],
  awaited: ReadonlyMap<object, readonly Task<unknown>[]>,
): Task<unknown>[] {
  return parts.flatMap((part) => (part instanceof Task ? part : (awaited.get(part) ?? [])));
}

/** So many lines are shown of a graph: a message is to be read. */
const MOST_LINES = 100;

/**
 * The graph as text, one line for each wait; circles come first.
 *
 * @param never whether to say that nothing will ever end the waits: the graph is of a program that has come to a standstill
 */
export function formatWaitGraph(graph: WaitGraph, never = false): string {
  const nodes = new Map(graph.tasks.map((task) => [task.name, task]));
  const lines: string[] = [];
  const told = new Set<string>();
  const toldWaits = new Set<WaitEdge>();
  for (const cycle of graph.cycles) {
    // Each task once: those who wait for a circle that is told already say so in lines of their own.
    if (cycle.some((name) => told.has(name))) continue;
    const circle = formatCycle(cycle, nodes);
    lines.push(...circle.lines);
    for (const wait of circle.waits) toldWaits.add(wait);
    for (const name of cycle) told.add(name);
  }
  for (const task of graph.tasks) {
    if (task.waits.length === 0) lines.push(`${harmless(task.name)} does not wait`);
    // A task may have branches that wait for something else than what closes the circle.
    for (const wait of task.waits) if (!toldWaits.has(wait)) lines.push(formatWait(task, wait, never));
  }
  if (lines.length > MOST_LINES) {
    const more = lines.length - MOST_LINES;
    lines.splice(MOST_LINES, more, `and ${more} more lines`);
  }
  return lines.map((line) => `  ${line}`).join('\n');
}

/** A circle in words, and the waits of which it is made. */
interface Circle {
  readonly lines: readonly string[];
  readonly waits: readonly WaitEdge[];
}

/** The circle, with what each of its tasks holds, and an arrow back to the first one. */
function formatCycle(cycle: readonly string[], graph: ReadonlyMap<string, WaitNode>): Circle {
  const nodes = cycle.map((name) => graph.get(name)!);
  const title = `deadlock: ${[...cycle, cycle[0]!].map(harmless).join(' → ')}`;
  if (nodes.length === 1) {
    const waits = nodes[0]!.waits.filter(({ needs }) => needs.includes(cycle[0]!));
    return { lines: [title, ...waits.map((wait, at) => formatOwnWait(nodes[0]!, wait, at, waits.length))], waits };
  }
  const edges = nodes.map((node, at) => {
    const next = cycle[(at + 1) % cycle.length]!;
    return node.waits.find(({ needs }) => needs.includes(next))!;
  });
  const lines = nodes.map((node, at) => {
    const wait = edges[at]!;
    const before = edges[(at + edges.length - 1) % edges.length]!;
    const holds = isHeld(before) ? ` holds ${before.object} and` : '';
    const next = harmless(nodes[(at + 1) % nodes.length]!.name);
    const what = isHeld(wait) ? `${wait.object}, held by ${next}` : `${next}${viaOf(wait) ?? ''}`;
    const mark = at === 0 ? '┌▶' : at === nodes.length - 1 ? '└─' : '│ ';
    return `${mark} ${harmless(node.name)}${holds} waits for ${what}${placeText(wait)}`;
  });
  return { lines: [title, ...lines], waits: edges };
}

/** What a task waits for that it holds itself. Of several branches of a task, which wait for what the others hold, each has a line. */
function formatOwnWait(node: WaitNode, wait: WaitEdge, at: number, count: number): string {
  const holds = isHeld(wait) ? ` holds ${wait.object} and` : '';
  const itself = isHeld(wait) ? 'it' : `itself${viaOf(wait) ?? ''}`;
  const branch = count === 1 ? '' : at === 0 ? ', in one of its branches,' : ', in another one,';
  return `⟲ ${harmless(node.name)}${holds} waits for ${itself}${branch}${placeText(wait)}`;
}

/** Whether what is waited for is held by tasks, as locks are. */
function isHeld(edge: WaitEdge): boolean {
  return edge.object !== null && viaOf(edge) === null;
}

function formatWait(task: WaitNode, wait: WaitEdge, never: boolean): string {
  const who = harmless(task.name);
  const at = placeText(wait);
  const { operation, object } = wait;
  const what = describeWait(wait);
  const isLasting = !wait.isForeign && wait.needs.length === 0;
  if (!never || !isLasting) return `${who} waits for ${what}${at}`;
  if (wait.futures > 0) return `nothing will ever set the result of ${what}; ${who} waits for it${at}`;
  return `nothing will ever ${endOf(wait) ?? 'end the wait for'} ${object ?? `${operation}()`}; ${who} waits for it${at}`;
}

/** What a wait is for, in words that stand after "waits for". */
export function describeWait(wait: WaitEdge): string {
  const { operation, object, needs, futures } = wait;
  if (operation === 'promise') return 'a promise that is not of this library';
  if (wait.isForeign) {
    return `${operation}()${object === null ? '' : ` of ${object}`}, which comes from outside the program`;
  }
  if (needs.length > 0) {
    const via = viaOf(wait);
    const others = futures === 0 ? '' : ` and ${futures === 1 ? 'a future' : `${futures} futures`}`;
    return via === null ? `${object}, held by ${needs.join(', ')}` : `${needs.join(', ')}${others}${via}`;
  }
  if (futures > 0) {
    const by = operation === 'next' ? 'asCompleted()' : `${operation}()`;
    return `${futures === 1 ? 'the future' : `the ${futures} futures`} that ${by} waits for`;
  }
  if (object === null) return `${operation}()`;
  return endOf(wait) === undefined ? `${object} in ${operation}()` : object;
}

/** ` at file:line:column`, where it is known. */
export function placeText({ place }: WaitEdge): string {
  return place === null ? '' : ` at ${place}`;
}

/** What would have to happen for a wait to end; `undefined` where no words are known. */
function endOf({ kind, operation }: WaitEdge): string | undefined {
  return ENDS[`${kind}.${operation}`] ?? ENDS[operation];
}

/** How a wait for tasks is told; `null` for what tasks hold, as locks are. */
function viaOf({ operation, object }: WaitEdge): string | null {
  const known = VIA[operation];
  return known ?? (object === null ? ` in ${operation}()` : null);
}

const VIA: Readonly<Record<string, string>> = {
  task: '',
  tasks: ' of its task group',
  shielded: ' in shield()',
  shared: ' in a call of shared()',
  next: ' in asCompleted()',
  'end of cancelled': ', which it has cancelled',
};

/** What would have to happen for a wait to end. */
const ENDS: Readonly<Record<string, string>> = {
  'Event.wait': 'set',
  'Condition.wait': 'notify',
  'Barrier.wait': 'complete',
  acquire: 'release',
  get: 'put an item into',
  put: 'take an item out of',
  join: 'call taskDone() for the last item of',
  result: 'set the result of',
  step: 'begin',
  'end of a step': 'end',
};
