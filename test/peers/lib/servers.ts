import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { once } from 'asyncio-ts';

/** A port that is free, for a server that cannot say which one it has chosen. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
