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
 * The path of piscina, the only dependency. It is resolved when this module is loaded, and loaded for the first job, with `require`:
 * some runtimes cache the failure of a resolution or an `import` for ever, even if it was only a lack of file descriptors.
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
      // With this setting an idle worker blocks, and errors of code that an earlier job has left behind would fail the next job.
      atomics: 'disabled',
      recordTiming: false,
      ...(resourceLimits === undefined ? {} : { resourceLimits: resourceLimits as object }),
      ...(execArgv === undefined ? {} : { execArgv }),
    });
  return (onGone) => new WorkerThread(newPool(), onGone);
}

/**
 * One worker thread, with its own instance of piscina: one instance for many threads would not say which job waits for a thread that could
 * not be started, so all jobs would have to fail.
 */
export class WorkerThread implements EngineWorker {
  readonly #pool: Pool;
  readonly #idleTimer = new IdleTimer();
  readonly #onGone: () => void;
  #hasStarted = false;
  /** The reason for its end, if it has failed. */
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

  /** The thread has died without a job: because of code that an earlier job left behind, or before it was ready for its first job. */
  #failed(error: unknown): void {
    if (this.#gone !== null) return;
    if (this.#pool.queueSize === 0) logger.error('A worker thread has died while it was idle', error);
    // Otherwise a job that waits for it would wait for ever.
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
