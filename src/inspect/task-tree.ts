import type { TaskPage, TaskSnapshot, WaitSnapshot } from './lens.ts';

/** A row of a tree of tasks, drawn from the top. */
export interface TaskRow {
  readonly task: TaskSnapshot;
  /** 0 for a task that no other one awaits. */
  readonly depth: number;
  /** For each level below the top: whether this row, or the one above it at that level, is the last of its kind. */
  readonly last: readonly boolean[];
  /** Whether the task, with those below it, is shown further up: two await it, or the row closes a circle. */
  readonly isRepeated: boolean;
}

/** Operations that wait for tasks themselves, and not for what tasks hold. */
const OF_TASKS = ['task', 'tasks', 'shielded', 'shared', 'next', 'end of cancelled'];

/** Whether a wait is for the end of other tasks, and not for something that they hold, such as a lock. */
export function isForTasks({ operation, object, needs }: WaitSnapshot): boolean {
  return needs.length > 0 && (object === null || OF_TASKS.includes(operation));
}

/** The tasks of all pages, each with everything that it needs. */
export function joinPages(pages: readonly TaskPage[]): TaskSnapshot[] {
  const more = new Map<string, number[]>();
  for (const { task, on, needs } of pages.flatMap((page) => page.needs)) {
    const known = more.get(`${task} ${on}`);
    if (known === undefined) more.set(`${task} ${on}`, [...needs]);
    else for (const need of needs) known.push(need);
  }
  const tasks = pages.flatMap((page) => page.tasks);
  if (more.size === 0) return tasks;
  return tasks.map((task) => ({
    ...task,
    waits: task.waits.map((wait) => ({
      ...wait,
      needs: [...wait.needs, ...(more.get(`${task.id} ${wait.on}`) ?? [])],
    })),
  }));
}

/**
 * Who is awaited by whom: the tree that CPython's `python -m asyncio pstree` shows, and the circles that are no tree.
 *
 * @example
 * await run(async function main() {
 *   const idle = createTask(sleep(10), { name: 'idle' });
 *   createTask(async () => await idle, { name: 'waiting' });
 *   await sleep(1);
 *   for (const { task, depth } of new TaskGraph(captureTasks()).rows()) console.log('  '.repeat(depth) + task.name);
 *   // Task-1
 *   // waiting
 *   //   idle
 * });
 */
export class TaskGraph {
  readonly tasks: readonly TaskSnapshot[];
  readonly #byId: Map<number, TaskSnapshot>;
  readonly #below = new Map<number, Set<number>>();
  readonly #above = new Map<number, Set<number>>();

  /** @param tasks of one look: `captureTasks()`, or `joinPages()` of pages */
  constructor(tasks: readonly TaskSnapshot[]) {
    this.tasks = tasks;
    this.#byId = new Map(tasks.map((task) => [task.id, task]));
    const waitersOn = new Map<number, number[]>();
    for (const { id, waits } of tasks) {
      for (const { on } of waits) {
        if (on === null) continue;
        const known = waitersOn.get(on);
        if (known === undefined) waitersOn.set(on, [id]);
        else known.push(id);
      }
      for (const wait of waits) if (isForTasks(wait)) for (const need of wait.needs) this.#join(id, need);
    }
    for (const { id, awaiters } of tasks) {
      for (const awaiter of awaiters) {
        for (const above of waitersOn.get(awaiter) ?? []) this.#join(above, id);
      }
    }
  }

  #join(above: number, below: number): void {
    if (!this.#byId.has(above) || !this.#byId.has(below)) return;
    addTo(this.#below, above, below);
    addTo(this.#above, below, above);
  }

  find(id: number): TaskSnapshot | null {
    return this.#byId.get(id) ?? null;
  }

  /** The tasks that a task awaits, through `gather` and groups as well. */
  awaitedBy(id: number): TaskSnapshot[] {
    return [...(this.#below.get(id) ?? [])].map((one) => this.#byId.get(one)!);
  }

  /** The tasks that await a task. */
  awaitersOf(id: number): TaskSnapshot[] {
    return [...(this.#above.get(id) ?? [])].map((one) => this.#byId.get(one)!);
  }

  /**
   * The rows of the tree: below each task those that it awaits. A task that several await is shown whole under the first of them. Without
   * recursion, since chains of tasks may be long.
   *
   * @param order of tasks side by side; the order of their making when absent
   */
  rows(order: ((a: TaskSnapshot, b: TaskSnapshot) => number) | null = null): TaskRow[] {
    const rows: TaskRow[] = [];
    const shown = new Set<number>();
    const sorted = (tasks: readonly TaskSnapshot[]): readonly TaskSnapshot[] =>
      order === null ? tasks : [...tasks].sort(order);
    const draw = (root: TaskSnapshot): void => {
      const open: { task: TaskSnapshot; last: readonly boolean[] }[] = [{ task: root, last: [] }];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const { task, last } = next;
        const isRepeated = shown.has(task.id);
        shown.add(task.id);
        rows.push({ task, depth: last.length, last, isRepeated });
        if (isRepeated) continue;
        const below = sorted(this.awaitedBy(task.id));
        // Of very deep trees only so many levels are told apart, or a chain of tasks would take quadratic space.
        const levels = last.length >= DEEPEST ? last.slice(1) : last;
        for (let i = below.length - 1; i >= 0; i--)
          open.push({ task: below[i]!, last: [...levels, i === below.length - 1] });
      }
    };
    const all = sorted(this.tasks);
    for (const task of all) if (!this.#above.has(task.id)) draw(task);
    // What is left stands in circles.
    for (const task of all) if (!shown.has(task.id)) draw(task);
    return rows;
  }

  /** Circles of tasks that wait for each other, also for what the others hold: each by numbers, from one to the next. */
  cycles(): number[][] {
    const needsOf = (id: number): number[] => [
      ...new Set([
        ...(this.#below.get(id) ?? []),
        ...this.#byId.get(id)!.waits.flatMap(({ needs }) => needs.filter((need) => this.#byId.has(need))),
      ]),
    ];
    const found: number[][] = [];
    const done = new Set<number>();
    for (const { id } of this.tasks) {
      if (done.has(id)) continue;
      const placeOf = new Map<number, number>([[id, 0]]);
      const path = [{ id, needs: needsOf(id), next: 0 }];
      while (path.length > 0) {
        const at = path.at(-1)!;
        const next = at.needs[at.next++];
        if (next === undefined) {
          done.add(at.id);
          placeOf.delete(at.id);
          path.pop();
        } else if (placeOf.has(next)) {
          found.push(path.slice(placeOf.get(next)!).map((one) => one.id));
        } else if (!done.has(next)) {
          placeOf.set(next, path.length);
          path.push({ id: next, needs: needsOf(next), next: 0 });
        }
      }
    }
    return found;
  }
}

/** So many levels are told apart. */
const DEEPEST = 64;

function addTo(map: Map<number, Set<number>>, key: number, value: number): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Set([value]));
  else known.add(value);
}
