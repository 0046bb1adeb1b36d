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

/** Where ports for servers begin, and how many there are: below those that systems give to the connections of clients. */
const FIRST = 20_000;
const COUNT = 12_000;

/**
 * A port that is free, and stays so while its server is away for a moment. One of the ports of clients would not: a client on this machine that tries
 * again and again to reach it is given it as its own in the end, and is connected with itself.
 */
export async function steadyPort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const probe = createServer().listen(port, '127.0.0.1');
    try {
      await once(probe, 'listening');
    } catch {
      continue; // somebody has it
    }
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
