import { allTasks } from '../index.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { type EventLoop, Task, type WaitView, waitersOf, waitsOfTask } from '../kernel/lowlevel.ts';

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
  /** Where it waits, as `file:line:column`; `null` when places are not recorded. */
  readonly place: string | null;
  /** Whether the outside world ends it. */
  readonly isForeign: boolean;
}

/** A task that is not done. */
export interface WaitNode {
  readonly name: string;
  /** The coroutine that it runs. */
  readonly coroutine: string;
  /** Empty when it does not wait. */
  readonly waits: readonly WaitEdge[];
}

/** Which task waits for what, and for whom. */
export interface WaitGraph {
  readonly tasks: readonly WaitNode[];
  /** Circles of tasks that wait for each other, each by names from one to the next. */
  readonly cycles: readonly (readonly string[])[];
}

/** Takes the wait-for graph of a loop as plain data. */
export function captureWaitGraph(loop: EventLoop): WaitGraph {
  const live = [...allTasks(loop)];
  const awaited = awaitedTasks(live);
  const tasks = live.map((task) => ({
    name: task.getName(),
    coroutine: nameOfCoroutine(task),
    waits: waitsOfTask(task).map((wait) => edgeOf(wait, awaited)),
  }));
  return { tasks, cycles: cyclesOf(tasks) };
}

/** Of each future that tasks are awaited through (by `gather`, `shield`, `wait`): those tasks. */
function awaitedTasks(live: readonly Task<unknown>[]): Map<object, Task<unknown>[]> {
  const found = new Map<object, Task<unknown>[]>();
  for (const task of live) {
    for (const awaiter of waitersOf(task)) {
      if (awaiter instanceof Task) continue;
      const known = found.get(awaiter);
      if (known === undefined) found.set(awaiter, [task]);
      else known.push(task);
    }
  }
  return found;
}

function edgeOf(wait: WaitView, awaited: ReadonlyMap<object, readonly Task<unknown>[]>): WaitEdge {
  const { on, purpose, place, isForeign } = wait;
  if (on === null || purpose?.operation === 'promise') {
    return { operation: 'promise', object: null, kind: null, needs: [], place, isForeign: true };
  }
  if (on instanceof Task) {
    return { operation: 'task', object: on.getName(), kind: 'Task', needs: [on.getName()], place, isForeign };
  }
  const object = purpose === null ? on : purpose.object;
  const through = [...(purpose?.holders ?? []), ...(awaited.get(on) ?? [])];
  return {
    operation: purpose?.operation ?? 'result',
    object: object === null ? null : describe(object),
    kind: object === null ? null : nameOfClass(object),
    needs: [...new Set(through.filter((task) => !task.done()).map((task) => task.getName()))],
    place,
    isForeign,
  };
}

function nameOfCoroutine(task: Task<unknown>): string {
  const { name } = task.getCoro() as { readonly name?: unknown };
  return typeof name === 'string' && name !== '' ? name : String(task.getCoro());
}

/** Circles, each told once, beginning with the task that was made first. */
function cyclesOf(tasks: readonly WaitNode[]): string[][] {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const found: string[][] = [];
  const done = new Set<string>();
  for (const { name } of tasks) {
    const path: string[] = [];
    const onPath = new Set<string>();
    const visit = (at: string): void => {
      if (onPath.has(at)) {
        found.push(path.slice(path.indexOf(at)));
        return;
      }
      if (done.has(at)) return;
      done.add(at);
      onPath.add(at);
      path.push(at);
      for (const { needs } of byName.get(at)?.waits ?? []) for (const next of needs) visit(next);
      path.pop();
      onPath.delete(at);
    };
    visit(name);
  }
  return found;
}

/**
 * The graph as text, one line for each wait; circles come first.
 *
 * @param never whether to say that nothing will ever end the waits: the graph is of a program that has come to a standstill
 */
export function formatWaitGraph(graph: WaitGraph, never = false): string {
  const lines: string[] = [];
  for (const cycle of graph.cycles) lines.push(...formatCycle(cycle, graph));
  const told = new Set(graph.cycles.flat());
  for (const task of graph.tasks) {
    if (task.waits.length === 0) lines.push(`${titleOf(task)} does not wait`);
    else if (!told.has(task.name)) for (const wait of task.waits) lines.push(formatWait(task, wait, never));
  }
  return lines.map((line) => `  ${line}`).join('\n');
}

/** The circle, with what each of its tasks holds, and an arrow back to the first one. */
function formatCycle(cycle: readonly string[], graph: WaitGraph): string[] {
  const nodes = cycle.map((name) => graph.tasks.find((task) => task.name === name)!);
  const edges = nodes.map((node, at) => {
    const next = cycle[(at + 1) % cycle.length]!;
    return node.waits.find(({ needs }) => needs.includes(next))!;
  });
  const lines = nodes.map((node, at) => {
    const wait = edges[at]!;
    const before = edges[(at + edges.length - 1) % edges.length]!;
    const holds = before.operation === 'task' || before.object === null ? '' : ` holds ${before.object} and`;
    const next = nodes[(at + 1) % nodes.length]!;
    const what =
      wait.operation === 'task' || wait.object === null ? titleOf(next) : `${wait.object}, held by ${titleOf(next)}`;
    const mark = nodes.length === 1 ? '⟲' : at === 0 ? '┌▶' : at === nodes.length - 1 ? '└─' : '│ ';
    return `${mark} ${titleOf(node)}${holds} waits for ${what}${placeText(wait)}`;
  });
  return [`deadlock: ${[...cycle, cycle[0]!].join(' → ')}`, ...lines];
}

function formatWait(task: WaitNode, wait: WaitEdge, never: boolean): string {
  const who = titleOf(task);
  const at = placeText(wait);
  if (wait.operation === 'task') return `${who} waits for ${wait.object}${at}`;
  if (wait.isForeign) return `${who} waits for a promise that is not of this library${at}`;
  if (wait.needs.length > 0) {
    const what = wait.object === null ? wait.operation : `${wait.object}, held by`;
    const holders = wait.needs.join(', ');
    return `${who} waits for ${wait.object === null ? `${holders} in ${what}()` : `${what} ${holders}`}${at}`;
  }
  const object = wait.object ?? `${wait.operation}()`;
  if (!never) return `${who} waits for ${object}${wait.object === null ? '' : ` in ${wait.operation}()`}${at}`;
  return `nothing will ever ${ENDS[`${wait.kind}.${wait.operation}`] ?? ENDS[wait.operation] ?? 'end the wait for'} ${object}; ${who} waits for it${at}`;
}

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
};

function titleOf({ name, coroutine }: WaitNode): string {
  return coroutine.startsWith('<') || name === coroutine ? name : `${name} (${coroutine})`;
}

function placeText({ place }: WaitEdge): string {
  return place === null ? '' : ` at ${place}`;
}
