import type { Library } from '../library.ts';

/** What typed code awaits: each await is a task, or something else that can be cancelled. */
export class Running {
  readonly #api: Library;
  readonly #tasks = new Set<{ cancel(): unknown; done(): boolean }>();
  /** Wakes whoever waits for the end of all of them. */
  #onEnd: () => void = () => {};

  constructor(api: Library) {
    this.#api = api;
  }

  /** What an `await` of typed code really awaits. */
  readonly of = (value: unknown): unknown => {
    const { isfuture, iscoroutine, getEventLoop, currentTask } = this.#api;
    // A function that was typed may run in a task later on, where its awaits are those of the task.
    if (currentTask() !== null) return value;
    if (isfuture(value)) return this.#add(value);
    if (!iscoroutine(value)) return value;
    return this.#add(getEventLoop().createTask(value));
  };

  /** Cancels what is awaited, and waits for the end of it, but not for ever. */
  async cancel(patience: number): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve;
    });
    for (const task of this.#tasks) task.cancel();
    if (this.#tasks.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience * 1_000);
    });
    await Promise.race([ended, late]);
    clearTimeout(timer);
    this.#tasks.clear();
  }

  #add<T extends { cancel(): unknown; done(): boolean; addDoneCallback(callback: () => void): void }>(task: T): T {
    this.#tasks.add(task);
    task.addDoneCallback(() => {
      this.#tasks.delete(task);
      if (this.#tasks.size === 0) this.#onEnd();
    });
    return task;
  }
}
