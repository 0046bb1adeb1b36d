import { stuckTasks } from './circles.ts';
import { harmless } from './text.ts';
import { describeWait, placeText, type WaitEdge, type WaitGraph, type WaitNode } from './wait-graph.ts';

/** So many tasks are shown: a report is to be read. */
const MOST_SHOWN = 100;

/**
 * What waits for what, as a tree: below each task those that it waits for. A task that others wait for too is shown once; an arrow back says
 * that tasks wait for each other in a circle; where none of them can go on, it is a deadlock.
 *
 * @example
 * const lock = new Lock();
 * await lock.acquire();
 * createTask(() => lock.acquire(), { name: 'second' });
 * await sleep(0);
 * console.log(formatWaitTree(captureWaitGraph(getRunningLoop())));
 */
export function formatWaitTree(graph: WaitGraph): string {
  const tree = new Tree(graph);
  for (const task of graph.tasks) if (!tree.isNeeded(task.name)) tree.draw(task);
  // What is left are circles that nobody outside waits for.
  for (const task of graph.tasks) tree.draw(task);
  return tree.text();
}

class Tree {
  readonly #nodes: ReadonlyMap<string, WaitNode>;
  readonly #needed: ReadonlySet<string>;
  readonly #drawn = new Set<string>();
  readonly #lines: string[] = [];
  readonly #cycles: WaitGraph['cycles'];
  /** The tasks that cannot go on: circles of others are no deadlocks. */
  readonly #stuck: ReadonlySet<string>;

  constructor({ tasks, cycles }: WaitGraph) {
    this.#nodes = new Map(tasks.map((task) => [task.name, task]));
    this.#needed = new Set(tasks.flatMap(({ waits }) => waits.flatMap(({ needs }) => needs)));
    this.#cycles = cycles;
    this.#stuck = stuckTasks(new Map(tasks.map((task) => [task.name, task.waits])));
  }

  isNeeded(name: string): boolean {
    return this.#needed.has(name);
  }

  draw(root: WaitNode): void {
    if (!this.#drawn.has(root.name)) this.#draw(root, '  ', '  ', new Set());
  }

  /** @param above the names of the tasks that the lines above lead through */
  #draw(task: WaitNode, first: string, rest: string, above: ReadonlySet<string>): void {
    if (this.#drawn.size >= MOST_SHOWN) return;
    this.#drawn.add(task.name);
    const waits =
      task.waits.length === 0 ? ['does not wait'] : task.waits.map((wait) => `waits for ${this.#textOf(wait)}`);
    this.#lines.push(`${first}${harmless(task.name)} ${waits.join(', and ')}`);
    const within = new Set([...above, task.name]);
    const needs = [...new Set(task.waits.flatMap((wait) => wait.needs))];
    for (const [at, name] of needs.entries()) {
      const isLast = at === needs.length - 1;
      const branch = `${rest}${isLast ? '└─ ' : '├─ '}`;
      const node = this.#nodes.get(name);
      const isDeadlock = this.#stuck.has(name) && this.#stuck.has(task.name);
      if (within.has(name))
        this.#lines.push(`${branch}⟲ ${harmless(name)}${isDeadlock ? ': a deadlock' : ', see above'}`);
      else if (node === undefined || this.#drawn.has(name)) this.#lines.push(`${branch}${harmless(name)}, see above`);
      else this.#draw(node, branch, `${rest}${isLast ? '   ' : '│  '}`, within);
    }
  }

  #textOf(wait: WaitEdge): string {
    return `${harmless(describeWait(wait))}${placeText(wait)}`;
  }

  text(): string {
    const deadlocks = this.#cycles.map((cycle) => {
      return `  deadlock: ${[...cycle, cycle[0]!].map(harmless).join(' → ')}`;
    });
    const more = this.#nodes.size - this.#drawn.size;
    return [...deadlocks, ...this.#lines, ...(more > 0 ? [`  and ${more} more tasks`] : [])].join('\n');
  }
}
