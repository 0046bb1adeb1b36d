import type { Task } from '../kernel/lowlevel.ts';

/**
 * Which tasks hold units, for tools. Any task may give a unit back, so this is only a guess: a task gives back
 * its own unit when it holds one, otherwise the unit of the task that has held one longest.
 */
export class Holders {
  readonly #units = new Map<Task<unknown>, number>();
  /** Whether somebody has given a unit back without having one: then it is not known whose it was. */
  isGuess = false;

  took(task: Task<unknown> | null): void {
    if (task !== null) this.#units.set(task, (this.#units.get(task) ?? 0) + 1);
  }

  gaveBack(task: Task<unknown> | null): void {
    const isOwn = task !== null && this.#units.has(task);
    if (!isOwn) this.isGuess = true;
    const holder = isOwn ? task : this.#units.keys().next().value;
    if (holder === undefined) return;
    const left = this.#units.get(holder)! - 1;
    if (left > 0) this.#units.set(holder, left);
    else this.#units.delete(holder);
  }

  /** The tasks, the first to take a unit first. */
  get tasks(): readonly Task<unknown>[] {
    return [...this.#units.keys()];
  }
}
