/**
 * NATS as the way between a `DistributedExecutor` and the workers that `serve`.
 *
 * @module asyncio-ts/nats
 */

export type { NatsBus, NatsMessage, NatsSubscribing } from './bus.ts';
export { type NatsOptions, nats } from './nats.ts';
