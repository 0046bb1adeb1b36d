/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Time under control, for tests.
 *
 * @module asyncio-ts/testing
 */

export { DeadlockError, LeakError, LivelockError, StaleTokenError, UnretrievedError } from './errors.ts';
export { ManualHost, VirtualHost } from './hosts.ts';
export { type RunVirtualOptions, runVirtual } from './run-virtual.ts';
export { SweepFailure, type SweepPoint } from './sweep/failure.ts';
export type { SweepMode } from './sweep/modes.ts';
export type { SweepEnding, SweepMain, SweepOptions } from './sweep/options.ts';
export { type SweepPlace, type SweepReport, sweep } from './sweep/sweep.ts';
export { type TrackOptions, track } from './sweep/track.ts';
