import { isCancelledError } from '../../errors/errors.ts';
import { allTasks, Future, Task } from '../../index.ts';
import { waitersOf, waitsOfTask } from '../../kernel/lowlevel.ts';

/** A task that may be hit by the cancellation of another one. */
interface Suspect {
  readonly task: Task<unknown>;
  /** What it waits for. */
  readonly waits: ReadonlySet<object>;
  /** What the cancelled task waits for as well. */
  readonly shared: Future<unknown>;
}

/**
 * Finds the tasks that a cancellation hits though nobody has asked for theirs: they wait for the same thing as the cancelled task, and a
 * request goes on to what is waited for. Those that belong to the cancelled task, because it or its children have made them, are not meant.
 */
export class Bystanders {
  readonly #target: Task<unknown>;
  readonly #isOwned: (task: Task<unknown>) => boolean;
  readonly #live: readonly Task<unknown>[];
  readonly #carried = new Set<Future<unknown>>();
  #suspects: Suspect[] = [];

  /**
   * To be made before the request: afterwards nothing tells any more who has waited for what.
   *
   * @param isOwned whether a task belongs to the cancelled one
   */
  constructor(target: Task<unknown>, isOwned: (task: Task<unknown>) => boolean) {
    this.#target = target;
    this.#isOwned = isOwned;
    this.#live = [...allTasks(target.getLoop())];
    const queue: Task<unknown>[] = [target];
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      for (const { on } of waitsOfTask(task)) if (on !== null) this.#carry(on, queue);
    }
  }

  /** The request goes on to something that is waited for. */
  #carry(on: Future<unknown>, queue: Task<unknown>[]): void {
    if (on.done() || this.#carried.has(on)) return;
    this.#carried.add(on);
    for (const task of awaitersOf(on)) {
      if (task === this.#target || this.#isOwned(task)) continue;
      const waits = new Set(waitsOfTask(task).flatMap((wait) => wait.on ?? []));
      this.#suspects.push({ task, waits, shared: on });
    }
    if (on instanceof Task) queue.push(on);
    // What stands for several tasks, as that of `gather`, hands the request on to them.
    else for (const task of this.#live) if (waitersOf(task).includes(on)) this.#carry(task, queue);
  }

  /** The request was made. Some constructs do not hand it on: `shield` */
  requested(): void {
    this.#suspects = this.#suspects.filter(
      ({ shared }) => !(shared instanceof Task) || shared.done() || shared.cancelling() > 0,
    );
  }

  /** A task goes on from a wait. Returns what it has been hit through; `null` when it has not. */
  hit(task: Task<unknown>, on: object): Future<unknown> | null {
    if (!(on instanceof Future) || !on.done() || !isCancellation(on)) return null;
    const shared = this.#suspects.find((one) => one.task === task && one.waits.has(on))?.shared ?? null;
    return shared?.done() === true && isCancellation(shared) ? shared : null;
  }
}

function isCancellation(future: Future<unknown>): boolean {
  return future.cancelled() || isCancelledError(future.exception());
}

/** The tasks that wait for a future, directly or through others that stand for it. */
function awaitersOf(future: Future<unknown>, seen = new Set<object>()): Set<Task<unknown>> {
  const found = new Set<Task<unknown>>();
  for (const awaiter of waitersOf(future)) {
    if (seen.has(awaiter)) continue;
    seen.add(awaiter);
    if (awaiter instanceof Task) found.add(awaiter);
    else if (awaiter instanceof Future) for (const task of awaitersOf(awaiter, seen)) found.add(task);
  }
  return found;
}
