import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket, connect as toSocket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readInto } from '../../../../src/node/net/read-into.ts';

const FULL_READ = 65_536;

/** Both ends of a connection. */
async function connection(): Promise<{ client: Socket; peer: Socket; close: () => Promise<void> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = toSocket((server.address() as AddressInfo).port, '127.0.0.1');
  const [peer] = (await once(server, 'connection')) as [Socket];
  await once(client, 'connect');
  const close = async () => {
    const closed = [client, peer].filter((socket) => !socket.closed).map((socket) => once(socket, 'close'));
    client.destroy();
    peer.destroy();
    server.close();
    await Promise.all(closed);
  };
  return { client, peer, close };
}

/** Collects what a socket takes, and says when so many bytes are there. */
function collect(socket: Socket): { pieces: Uint8Array[]; until: (count: number) => Promise<void> } {
  const pieces: Uint8Array[] = [];
  let wanted = Number.POSITIVE_INFINITY;
  let enough = () => {};
  const length = () => pieces.reduce((sum, piece) => sum + piece.length, 0);
  readInto(socket, (bytes) => {
    pieces.push(bytes);
    if (length() >= wanted) enough();
  });
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      wanted = count;
      enough = resolve;
      if (length() >= count) resolve();
    });
  return { pieces, until };
}

describe('readInto', () => {
  for (const side of ['client', 'peer'] as const) {
    it(`gives what the ${side} of a connection receives as plain bytes, and not by events`, async () => {
      const { close, ...ends } = await connection();
      const socket = ends[side];
      const other = ends[side === 'client' ? 'peer' : 'client'];
      let events = 0;
      socket.on('data', () => events++);
      const { pieces, until } = collect(socket);
      other.write('hello');
      await until(5);
      expect(pieces).toEqual([new TextEncoder().encode('hello')]);
      expect(Object.getPrototypeOf(pieces[0])).toBe(Uint8Array.prototype);
      expect(events).toBe(0);
      await close();
    });
  }

  it('gives bytes of their own: what comes later changes nothing that came before', async () => {
    const { client, peer, close } = await connection();
    client.resume();
    const { pieces, until } = collect(client);
    for (let i = 1; i <= 10; i++) {
      peer.write(new Uint8Array(1_000).fill(i));
      await until(i * 1_000);
    }
    expect(Buffer.concat(pieces)).toEqual(
      Buffer.concat(Array.from({ length: 10 }, (_, i) => Buffer.alloc(1_000, i + 1))),
    );
    await close();
  });

  it('keeps the order and every byte when full reads and small ones take turns', async () => {
    const { client, peer, close } = await connection();
    client.resume();
    const { pieces, until } = collect(client);
    const sizes = [1, 5 * FULL_READ, 10, FULL_READ, 1, 3 * FULL_READ + 7, 100];
    const sent = Buffer.concat(sizes.map((size, i) => Buffer.alloc(size, i + 1)));
    for (let from = 0, i = 0; i < sizes.length; from += sizes[i++] ?? 0)
      peer.write(sent.subarray(from, from + (sizes[i] ?? 0)));
    await until(sent.length);
    expect(Buffer.concat(pieces).equals(sent)).toBe(true);
    await close();
  });

  it('is stopped by pause, and continues with resume', async () => {
    const { client, peer, close } = await connection();
    const { pieces, until } = collect(client);
    client.resume();
    client.pause();
    const written = new Promise((resolve) => peer.write('late', resolve));
    await written;
    expect(pieces).toEqual([]);
    client.resume();
    await until(4);
    expect(Buffer.concat(pieces).toString()).toBe('late');
    await close();
  });

  it('leaves the end of the stream to the socket', async () => {
    const { client, peer, close } = await connection();
    const { until } = collect(client);
    client.resume();
    peer.end('bye');
    await Promise.all([until(3), once(client, 'end')]);
    await close();
  });
});
