/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Time under control, for tests.
 *
 * @module asyncio-ts/testing
 */

export { type CompletionOptions, completion } from './completion.ts';
export {
  DeadlockError,
  LeakError,
  LivelockError,
  NondeterminismError,
  StaleTokenError,
  UnretrievedError,
} from './errors.ts';
export {
  ExplorationFailure,
  type ExploreOptions,
  type ExploreReport,
  explore,
  type FoundFailure,
} from './explore/explore.ts';
export { replay } from './explore/replay.ts';
export { ManualHost, VirtualHost } from './hosts.ts';
export { type RunVirtualOptions, runVirtual } from './run-virtual.ts';
