import type { Engine, EngineWorker } from './engine.ts';
import { type Assignment, isSpoilt, type Reply } from './work.ts';

/** Makes a worker. `onGone` is to be called when it will do nothing more. */
export type NewWorker = (onGone: () => void) => EngineWorker;

/**
 * Workers, made when they are needed. The worker that became idle last works next, so that workers that are not needed stay idle and end.
 */
export class Crew implements Engine {
  readonly #newWorker: NewWorker;
  /** In seconds. */
  readonly #idleTimeout: number;
  readonly #idle: EngineWorker[] = [];
  readonly #all = new Set<EngineWorker>();

  constructor(newWorker: NewWorker, idleTimeout: number) {
    this.#newWorker = newWorker;
    this.#idleTimeout = idleTimeout;
  }

  async run(assignment: Assignment, signal: AbortSignal): Promise<Reply> {
    const worker = this.#takeIdle() ?? this.#hire();
    const end = () => worker.kill();
    signal.addEventListener('abort', end, { once: true });
    let isSound = false;
    try {
      const reply = await worker.run(assignment);
      isSound = !isSpoilt(reply);
      return reply;
    } finally {
      signal.removeEventListener('abort', end);
      if (!isSound) {
        worker.kill();
      } else if (worker.isAlive) {
        this.#idle.push(worker);
        worker.rest(this.#idleTimeout);
      }
    }
  }

  #takeIdle(): EngineWorker | undefined {
    let worker = this.#idle.pop();
    while (worker !== undefined && !worker.isAlive) worker = this.#idle.pop(); // it is being ended because it was idle too long
    return worker;
  }

  #hire(): EngineWorker {
    const worker = this.#newWorker(() => this.#gone(worker));
    this.#all.add(worker);
    return worker;
  }

  #gone(worker: EngineWorker): void {
    this.#all.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  get workers(): number {
    return this.#all.size;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.kill()));
  }
}
