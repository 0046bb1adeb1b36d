import { BrokenThreadPool } from '../../errors/executor-errors.ts';
import { Crew } from './crew.ts';
import { PoolExecutor, type PoolExecutorOptions } from './pool-executor.ts';
import { type ThreadLimits, threadFactory } from './worker-thread.ts';

/** Options of thread pools. */
export interface ThreadPoolExecutorOptions extends PoolExecutorOptions {
  /** The memory that each thread may use, in megabytes: a thread that needs more ends, and its job fails. */
  readonly resourceLimits?: ThreadLimits | undefined;
}

/**
 * Runs functions in worker threads, for long computations: the loop is not blocked, and several processors can be used. Threads are
 * started when they are needed, and do not keep the program alive when they have nothing to do.
 *
 * Threads share no variables: see `submit` for which functions can be run.
 *
 * Follows CPython's `concurrent.futures.ThreadPoolExecutor`.
 *
 * @example
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 4 });
 * const sum = await getRunningLoop().runInExecutor(
 *   pool,
 *   (numbers: number[]) => numbers.reduce((a, b) => a + b, 0),
 *   [1, 2, 3],
 * );
 */
export class ThreadPoolExecutor extends PoolExecutor {
  /**
   * @param maxWorkers how many jobs may run at the same time, or all options
   * @throws {ValueError} when `maxWorkers` is not a whole number of 1 or more, or `idleTimeout` is negative
   * @throws {TypeError} when they are not numbers, an option is unknown, or `initializer` or its arguments cannot be sent to a worker
   */
  constructor(maxWorkers: number | ThreadPoolExecutorOptions = {}, options: ThreadPoolExecutorOptions = {}) {
    const { resourceLimits } = (typeof maxWorkers === 'object' ? maxWorkers : options) ?? {};
    super(maxWorkers, options, {
      border: 'thread',
      Broken: BrokenThreadPool,
      options: ['resourceLimits'],
      newEngine(idleTimeout) {
        return new Crew(threadFactory(resourceLimits), idleTimeout);
      },
    });
  }
}
