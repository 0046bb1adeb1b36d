/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Time under control, for tests.
 *
 * @module asyncio-ts/testing
 */

export { assertDoesNotSuspend, assertSuspends } from './assert-suspends.ts';
export * from './checks/index.ts';
export { type TestClock, VirtualClock } from './clock.ts';
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
export {
  ExplorationFailure,
  type ExploreOptions,
  type ExploreReport,
  explore,
  type FoundFailure,
} from './explore/explore.ts';
export { replay } from './explore/replay.ts';
export { runSchedule } from './explore/run-schedule.ts';
export { ManualHost, VirtualHost } from './hosts.ts';
export * from './network/index.ts';
export { type RunVirtualOptions, runVirtual } from './run-virtual.ts';
export { Sequencer, type SequencerStep } from './sequencer.ts';
export { SimulatedExecutor, type SimulatedExecutorOptions } from './simulated-executor.ts';
export type { OnNondeterminism } from './simulation/sources.ts';
export { SweepFailure, type SweepPoint } from './sweep/failure.ts';
export type { SweepMode } from './sweep/modes.ts';
export type { SweepEnding, SweepMain, SweepOptions } from './sweep/options.ts';
export { type SweepPlace, type SweepReport, sweep } from './sweep/sweep.ts';
export { type TrackOptions, track } from './sweep/track.ts';
