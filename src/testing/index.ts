/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Time under control, for tests.
 *
 * @module asyncio-ts/testing
 */

export { type CompletionOptions, completion } from './completion.ts';
export { DeadlockError, LeakError, LivelockError, StaleTokenError, UnretrievedError } from './errors.ts';
export { ManualHost, VirtualHost } from './hosts.ts';
export * from './network/index.ts';
export { type RunVirtualOptions, runVirtual } from './run-virtual.ts';
