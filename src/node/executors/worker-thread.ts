import { createRequire } from 'node:module';
import type { Piscina } from 'piscina';
import { logger } from '../../kernel/lowlevel.ts';
import { guarded, messageOf } from '../border/index.ts';
import { type EngineWorker, NotStarted } from './engine.ts';
import { IdleTimer } from './idle-timer.ts';
import { argumentsForThreads } from './inherited-arguments.ts';
import type { Assignment, Reply } from './work.ts';
import { workerFile } from './worker-file.ts';

/** The memory that a worker thread may use, in megabytes. */
export interface ThreadLimits {
  readonly maxOldGenerationSizeMb?: number | undefined;
  readonly maxYoungGenerationSizeMb?: number | undefined;
  readonly stackSizeMb?: number | undefined;
}

type Pool = Piscina<Assignment, Reply>;

/**
 * Where piscina is, the only dependency. It is looked for when this module is loaded and loaded itself at the first job, by `require`:
 * some runtimes keep it for ever when a search or an `import` has failed, be it for want of a file descriptor.
 */
const requireHere = createRequire(import.meta.url);
const PISCINA = guarded(() => requireHere.resolve('piscina'), 'piscina');

/** Makes worker threads. Not to be called before there is a job: it loads piscina. */
export function threadFactory(resourceLimits: ThreadLimits | undefined): (onGone: () => void) => WorkerThread {
  const file = workerFile('worker');
  const { Piscina: PiscinaClass } = requireHere(PISCINA) as { readonly Piscina: typeof Piscina };
  const execArgv = argumentsForThreads();
  const newPool = (): Pool =>
    new PiscinaClass<Assignment, Reply>({
      filename: file,
      name: 'performInThread',
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // With it, an idle worker blocks, and what an earlier job has left behind fails the next one.
      atomics: 'disabled',
      recordTiming: false,
      ...(resourceLimits === undefined ? {} : { resourceLimits: resourceLimits as object }),
      ...(execArgv === undefined ? {} : { execArgv }),
    });
  return (onGone) => new WorkerThread(newPool(), onGone);
}

/**
 * One worker thread, kept by a piscina of its own: one for many would not tell which job waits for the thread that could not be
 * started, so that all would have to fail.
 */
export class WorkerThread implements EngineWorker {
  readonly #pool: Pool;
  readonly #idleTimer = new IdleTimer();
  readonly #onGone: () => void;
  #hasStarted = false;
  /** Why it is ended, when it has failed by itself. */
  #failure: { readonly error: unknown } | null = null;
  #gone: Promise<void> | null = null;

  /** @param onGone called when the thread has ended, or will answer no more */
  constructor(pool: Pool, onGone: () => void) {
    this.#pool = pool;
    this.#onGone = onGone;
    this.#pool.on('workerCreate', () => {
      this.#hasStarted = true;
    });
    this.#pool.on('error', (error) => this.#failed(error));
  }

  /** The thread has died without a job: of something that an earlier one left behind, or before it was ready for its first. */
  #failed(error: unknown): void {
    if (this.#gone !== null) return;
    if (this.#pool.queueSize === 0) logger.error('A worker thread has died while it was idle', error);
    // A job that waits for it waits for ever otherwise.
    this.#failure = { error };
    this.kill();
  }

  get isAlive(): boolean {
    return this.#gone === null;
  }

  async run(assignment: Assignment): Promise<Reply> {
    this.#idleTimer.stop();
    try {
      return await this.#pool.run(assignment);
    } catch (error) {
      const reason = this.#failure === null ? error : this.#failure.error;
      if (this.#hasStarted) throw reason;
      throw new NotStarted(messageOf(reason), { cause: reason });
    }
  }

  rest(seconds: number): void {
    this.#idleTimer.start(seconds, () => this.kill());
  }

  kill(): Promise<void> {
    this.#idleTimer.stop();
    this.#gone ??= this.#pool.destroy().then(this.#onGone, this.#onGone);
    return this.#gone;
  }
}
