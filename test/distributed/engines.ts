import { bullmq } from 'asyncio-ts/bullmq';
import type { Engine } from 'asyncio-ts/distributed';
import { nats } from 'asyncio-ts/nats';

/** The engines that the contract runs over, by the name of the server: an address makes one. */
const ENGINES: Readonly<Record<string, (address: string) => Engine>> = {
  redis: (address) => bullmq({ connection: address }),
  postgres: (address) => bullmq({ postgres: address }),
  nats: (address) => nats(address),
};

export const KINDS: readonly string[] = Object.keys(ENGINES);

export function engineOf(kind: string, address: string): Engine {
  const make = ENGINES[kind];
  if (make === undefined) throw new Error(`no engine ${kind}; there are ${KINDS.join(', ')}`);
  return make(address);
}
