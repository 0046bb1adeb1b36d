/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Time under control, for tests.
 *
 * @module asyncio-ts/testing
 */

export * from './checks/index.ts';
export { type CompletionOptions, completion } from './completion.ts';
export {
  DeadlockError,
  LeakError,
  LivelockError,
  NondeterminismError,
  StaleTokenError,
  UncontrolledError,
  UnretrievedError,
} from './errors.ts';
export { ExplorationFailure, type ExploreOptions, type ExploreReport, explore } from './explore/explore.ts';
export { replay } from './explore/replay.ts';
export { runSchedule } from './explore/run-schedule.ts';
export { ManualHost, VirtualHost } from './hosts.ts';
export * from './network/index.ts';
export { type RunVirtualOptions, runVirtual } from './run-virtual.ts';
export { SimulatedExecutor, type SimulatedExecutorOptions } from './simulated-executor.ts';
export type { OnNondeterminism } from './simulation/sources.ts';
