import { BrokenProcessPool } from '../../errors/executor-errors.ts';
import { Crew } from './crew.ts';
import { PoolExecutor, type PoolExecutorOptions } from './pool-executor.ts';
import { WorkerProcess } from './worker-process.ts';

/** Options of process pools. */
export interface ProcessPoolExecutorOptions extends PoolExecutorOptions {
  /** Additional environment variables of the processes. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The runtime's own options for the processes; those of this process when absent. */
  readonly execArgv?: readonly string[] | undefined;
}

/**
 * Runs functions in child processes of the same runtime. Starting them and communicating with them is slower than with threads, but a
 * process that crashes, leaks or uses up its memory does not affect the rest of the program.
 *
 * Processes are started when they are needed, write to this one's output, and do not keep it alive when they have nothing to do.
 *
 * Follows CPython's `concurrent.futures.ProcessPoolExecutor`.
 *
 * @example
 * await using pool = new ProcessPoolExecutor({ maxWorkers: 2 });
 * const pid = await getRunningLoop().runInExecutor(pool, () => process.pid);
 */
export class ProcessPoolExecutor extends PoolExecutor {
  /**
   * @param maxWorkers how many jobs may run at the same time, or all options
   * @throws {ValueError} when `maxWorkers` is not a whole number of 1 or more, or `idleTimeout` is negative
   * @throws {TypeError} when they are not numbers, an option is unknown, or `initializer` or its arguments cannot be sent to a worker
   */
  constructor(maxWorkers: number | ProcessPoolExecutorOptions = {}, options: ProcessPoolExecutorOptions = {}) {
    const { env, execArgv } = (typeof maxWorkers === 'object' ? maxWorkers : options) ?? {};
    super(maxWorkers, options, {
      border: 'process',
      Broken: BrokenProcessPool,
      options: ['env', 'execArgv'],
      newEngine: (idleTimeout) => new Crew((onGone) => new WorkerProcess({ env, execArgv }, onGone), idleTimeout),
    });
  }
}
