/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Executors whose workers are on other machines: what is the same for all engines, and an engine in memory for tests.
 *
 * @module asyncio-ts/distributed
 */

export { type ModuleFunction, type ModuleFunctions, moduleFunctions } from '../node/executors/module-functions.ts';
export {
  DistributedExecutor,
  type DistributedExecutorOptions,
  type DistributedJobOptions,
  type DistributedStatistics,
  type DistributedSubmitter,
} from './distributed-executor.ts';
export {
  type Beat,
  type ClientEvents,
  type ClientLink,
  type Consignment,
  type Delivery,
  type Engine,
  type EngineFeatures,
  type Fate,
  type Holding,
  type Offer,
  type Performed,
  Refusal,
  type Removal,
  type WorkerLink,
  type WorkerSettings,
} from './engine.ts';
export { NotServed, StoreLost, WorkerLost } from './errors.ts';
export { DistributedJob } from './job.ts';
export { MemoryEngine, type MemoryEngineOptions, type MemoryFaults } from './memory/memory-engine.ts';
export { reportProgress } from './progress.ts';
export { type ServeOptions, type ServeReport, serve } from './serve.ts';
