import { Piscina } from 'piscina';
import { logger } from '../../kernel/lowlevel.ts';
import type { Engine } from './engine.ts';
import { argumentsForThreads } from './inherited-arguments.ts';
import type { Assignment, Reply } from './work.ts';
import { workerFile } from './worker-file.ts';

/** The memory that a worker thread may use, in megabytes. */
export interface ThreadLimits {
  readonly maxOldGenerationSizeMb?: number | undefined;
  readonly maxYoungGenerationSizeMb?: number | undefined;
  readonly stackSizeMb?: number | undefined;
}

export interface ThreadEngineOptions {
  readonly maxWorkers: number;
  /** In seconds. */
  readonly idleTimeout: number;
  readonly resourceLimits?: ThreadLimits | undefined;
}

/** Worker threads, kept by piscina. This module is loaded when there is a first job: piscina is the only dependency. */
export class ThreadEngine implements Engine {
  readonly #options: ThreadEngineOptions;
  #pool: Piscina<Assignment, Reply>;
  /** Why pools were given up. */
  readonly #failures = new WeakMap<Piscina<Assignment, Reply>, unknown>();

  constructor(options: ThreadEngineOptions) {
    this.#options = options;
    this.#pool = this.#newPool();
  }

  #newPool(): Piscina<Assignment, Reply> {
    const { maxWorkers, idleTimeout, resourceLimits } = this.#options;
    const execArgv = argumentsForThreads();
    const pool = new Piscina<Assignment, Reply>({
      filename: workerFile('worker'),
      name: 'perform',
      minThreads: 0,
      maxThreads: maxWorkers,
      idleTimeout: Math.min(idleTimeout * 1_000, LONGEST_TIMEOUT),
      // With it, an idle worker blocks, and what an earlier job has left behind fails the next one.
      atomics: 'disabled',
      recordTiming: false,
      ...(resourceLimits === undefined ? {} : { resourceLimits: resourceLimits as object }),
      ...(execArgv === undefined ? {} : { execArgv }),
    });
    pool.on('error', (error) => this.#failedIdle(pool, error));
    return pool;
  }

  /** A worker has died without a job: of something that an earlier one left behind, or before it was ready for its first. */
  #failedIdle(pool: Piscina<Assignment, Reply>, error: unknown): void {
    if (pool.queueSize === 0) {
      logger.error('A worker thread has died while it was idle', error);
    } else if (this.#pool === pool) {
      // Jobs wait for a worker that cannot be had; piscina would let them.
      this.#pool = this.#newPool();
      this.#failures.set(pool, error);
      pool.destroy();
    }
  }

  async run(assignment: Assignment, signal: AbortSignal): Promise<Reply> {
    const pool = this.#pool;
    try {
      return await pool.run(assignment, { signal });
    } catch (error) {
      throw this.#failures.get(pool) ?? error;
    }
  }

  get workers(): number {
    return this.#pool.threads.length;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** In milliseconds: what timers of the runtime can do. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;
