/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Time under control, for tests.
 *
 * @module asyncio-ts/testing
 */

export { assertDoesNotSuspend, assertSuspends } from './assert-suspends.ts';
export { type TestClock, VirtualClock } from './clock.ts';
export { DeadlockError, LeakError, LivelockError, StaleTokenError, UnretrievedError } from './errors.ts';
export { ManualHost, VirtualHost } from './hosts.ts';
export { type RunVirtualOptions, runVirtual } from './run-virtual.ts';
export { Sequencer, type SequencerStep } from './sequencer.ts';
