import type { Future, Library, Task } from '../library.ts';

type Awaited = Future<unknown> | Task<unknown>;

/** What typed code awaits: each await is that of a future, or of a task made for it. */
export class Running {
  readonly #api: Library;
  /** What is awaited, and whether its end was asked for. */
  readonly #awaited = new Map<Awaited, boolean>();

  constructor(api: Library) {
    this.#api = api;
  }

  /** What an `await` of typed code really awaits. */
  readonly of = (value: unknown): unknown => {
    const { isfuture, iscoroutine, getEventLoop, currentTask } = this.#api;
    // A function that was typed may run in a task later on, where its awaits are those of the task.
    if (currentTask() !== null) return value;
    if (isfuture(value)) return this.#add(value);
    return iscoroutine(value) ? this.#add(getEventLoop().createTask(value)) : value;
  };

  /**
   * Cancels what is awaited.
   *
   * @returns false when there is nothing that was not cancelled before
   */
  interrupt(): boolean {
    const fresh = [...this.#awaited].filter(([, isAsked]) => !isAsked).map(([one]) => one);
    for (const one of fresh) {
      this.#awaited.set(one, true);
      one.cancel('Ctrl-C');
    }
    return fresh.length > 0;
  }

  #add(awaited: Awaited): Awaited {
    if (awaited.done()) return awaited;
    this.#awaited.set(awaited, false);
    awaited.addDoneCallback(() => this.#awaited.delete(awaited));
    return awaited;
  }
}
