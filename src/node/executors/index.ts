import './default-executor.ts';

export { BrokenExecutor, BrokenProcessPool, BrokenThreadPool } from '../../errors/executor-errors.ts';
export { Job } from './job.ts';
export { type ModuleFunction, type ModuleFunctions, moduleFunctions } from './module-functions.ts';
export {
  type ExecutorShutdownOptions,
  type ExecutorStatistics,
  type JobOptions,
  PoolExecutor,
  type PoolExecutorOptions,
} from './pool-executor.ts';
export { ProcessPoolExecutor, type ProcessPoolExecutorOptions } from './process-pool.ts';
export { ThreadPoolExecutor, type ThreadPoolExecutorOptions } from './thread-pool.ts';
export { toThread } from './to-thread.ts';
export type { ThreadLimits } from './worker-thread.ts';
