import type { Engine } from './engine.ts';
import type { Assignment, Reply } from './work.ts';
import { WorkerProcess } from './worker-process.ts';

export interface ProcessEngineOptions {
  /** In seconds. */
  readonly idleTimeout: number;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly execArgv?: readonly string[] | undefined;
}

/** Worker processes. The one that became idle last works next, so that those too many become old and end. */
export class ProcessEngine implements Engine {
  readonly #options: ProcessEngineOptions;
  readonly #idle: WorkerProcess[] = [];
  readonly #all = new Set<WorkerProcess>();
  /** An idle worker ends with this process by itself; one that works would not notice. */
  readonly #killAll = (): void => {
    for (const worker of this.#all) worker.kill();
  };

  constructor(options: ProcessEngineOptions) {
    this.#options = options;
  }

  async run(assignment: Assignment, signal: AbortSignal): Promise<Reply> {
    const worker = this.#takeIdle() ?? this.#newWorker();
    const end = () => worker.kill();
    signal.addEventListener('abort', end, { once: true });
    try {
      return await worker.run(assignment);
    } finally {
      signal.removeEventListener('abort', end);
      if (worker.isAlive) {
        this.#idle.push(worker);
        worker.rest(this.#options.idleTimeout);
      }
    }
  }

  #takeIdle(): WorkerProcess | undefined {
    let worker = this.#idle.pop();
    while (worker !== undefined && !worker.isAlive) worker = this.#idle.pop(); // being killed for its age
    return worker;
  }

  #newWorker(): WorkerProcess {
    if (this.#all.size === 0) process.once('exit', this.#killAll);
    const worker = new WorkerProcess(this.#options, () => {
      this.#all.delete(worker);
      if (this.#all.size === 0) process.off('exit', this.#killAll);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    this.#all.add(worker);
    return worker;
  }

  get workers(): number {
    return this.#all.size;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.kill()));
  }
}
