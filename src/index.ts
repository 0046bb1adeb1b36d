/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Python's asyncio for TypeScript: an event loop with futures, tasks and coroutines in both spellings, that can be cancelled.
 *
 * @module asyncio-ts
 */

export * from './errors/index.ts';
export type { Duration, DurationParts } from './internal/duration.ts';
export * from './interop/index.ts';
export * from './kernel/index.ts';
export * from './queues/index.ts';
export * from './sync/index.ts';
export * from './tasks/index.ts';
