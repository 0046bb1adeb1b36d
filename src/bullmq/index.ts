/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Executors whose workers are on other machines, through BullMQ: in Redis or PostgreSQL.
 *
 * @module asyncio-ts/bullmq
 */

export * from '../distributed/index.ts';
export { type BullmqOptions, bullmq } from './bullmq-engine.ts';
