import type { Instrument, Task } from '../index.ts';

type AnyTask = Task<unknown>;

/** How many failures are remembered, including those that the program has handled. */
const MOST_FAILURES = 1_000;

/** A task that an error came through. */
export interface TrailNode {
  readonly task: AnyTask;
  /** The task that started it, where that is known. */
  readonly startedBy: AnyTask | null;
  /** Whether the error is its own, and did not come from another task. */
  readonly isOrigin: boolean;
  /** The tasks that the error came from. */
  readonly from: readonly TrailNode[];
}

/**
 * Remembers which tasks failed and which tasks waited for them, to show through which tasks an error came. It does not read a task's error
 * before it is needed, because an error that was read once is no longer reported as never retrieved; and it holds tasks
 * weakly, because that report is made when they are collected.
 */
export class FailureTrail implements Instrument {
  /** In the order in which they failed: the first task with an error is the one that threw it. */
  readonly #failed: WeakRef<AnyTask>[] = [];
  readonly #startedBy = new WeakMap<AnyTask, WeakRef<AnyTask>>();
  readonly #awaitedBy = new WeakMap<object, WeakSet<AnyTask>>();
  readonly #taskClass: typeof Task;
  #sawTasks = false;

  /** @param taskClass the class of tasks of the program's copy of the library */
  constructor(taskClass: typeof Task) {
    this.#taskClass = taskClass;
  }

  /** Whether any task was made. */
  get sawTasks(): boolean {
    return this.#sawTasks;
  }

  taskSpawned(task: AnyTask, parent: AnyTask | null): void {
    this.#sawTasks = true;
    if (parent !== null) this.#startedBy.set(task, new WeakRef(parent));
  }

  waitBegin(task: AnyTask, on: object): void {
    if (!(on instanceof this.#taskClass)) return;
    const awaiters = this.#awaitedBy.get(on);
    if (awaiters === undefined) this.#awaitedBy.set(on, new WeakSet([task]));
    else awaiters.add(task);
  }

  taskFinished(task: AnyTask): void {
    // Of the tasks that are done, only those that failed with an error have a stack.
    if (task.getStack({ limit: 1 }).length === 0) return;
    this.#failed.push(new WeakRef(task));
    if (this.#failed.length > MOST_FAILURES) this.#failed.shift();
  }

  /** The tasks that an error came through, as a tree from the last one to the first; `null` when there are none. */
  of(error: unknown): TrailNode | null {
    const nodes = this.#failedWith(error).map((task, i) => ({
      task,
      startedBy: this.#startedBy.get(task)?.deref() ?? null,
      isOrigin: i === 0,
      from: [] as TrailNode[],
    }));
    // An error goes to a task that failed later: one that waited for this one or, when it did so through something else
    // (gather, say), the one that started it.
    for (const [i, node] of nodes.entries()) {
      const later = nodes.slice(i + 1);
      const awaitedBy = this.#awaitedBy.get(node.task);
      const next =
        later.find(({ task }) => awaitedBy?.has(task)) ?? later.find(({ task }) => task === node.startedBy) ?? later[0];
      next?.from.push(node);
    }
    return nodes.at(-1) ?? null;
  }

  #failedWith(error: unknown): AnyTask[] {
    const alive = this.#failed.map((ref) => ref.deref()).filter((task) => task !== undefined);
    return alive.filter((task) => task.exception() === error);
  }
}
