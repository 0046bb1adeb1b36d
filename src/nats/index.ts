/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Executors whose workers are on other machines, over NATS.
 *
 * @module asyncio-ts/nats
 */

export * from '../distributed/index.ts';
export type { NatsBus, NatsMessage, NatsSubscribing } from './bus.ts';
export { type NatsOptions, nats } from './nats.ts';
