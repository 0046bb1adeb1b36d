// The way between the client and its workers, by the address of a server.

import type { Engine } from 'asyncio-ts/distributed';

/** The name of the queue. */
export const QUEUE = 'thumbnails';

/** BullMQ for `redis://…` and `postgres://…`, NATS for `nats://…`. Only the package of the one that is meant has to be installed. */
export async function engineOf(address: string): Promise<Engine> {
  if (/^(nats|tls):/.test(address)) return (await import('asyncio-ts/nats')).nats(address);
  return (await import('asyncio-ts/bullmq')).bullmq({ connection: address });
}
