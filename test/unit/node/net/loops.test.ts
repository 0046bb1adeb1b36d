import { spawnSync } from 'node:child_process';
import { createConnection as connectNode, type Socket } from 'node:net';
import { setImmediate as macrotask } from 'node:timers/promises';
import { newEventLoop } from 'asyncio-ts';
import { createConnection, createServer, openConnection, type Server, startServer } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { fromSource } from '../../../support/processes.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { text } from '../../streams/support.ts';
import { echo, hears, LOCAL, making, Notes, until } from './support.ts';

/** How long a process may take on a busy machine, in milliseconds. */
const PATIENCE = 20_000;

/** What a program prints in a process of its own, which must end by itself: when nothing keeps it alive. */
function output(program: string): string {
  const args = ['--import', fromSource, '--input-type=module', '--eval', program];
  const { stdout, stderr, signal } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: PATIENCE });
  expect(signal, 'killed, because it did not end').toBeNull();
  expect(stderr).toBe('');
  return stdout.trim();
}

describeBoth('a loop from newEventLoop', (s) => {
  it('serves and connects while it runs', async () => {
    const loop = newEventLoop();
    const main = s.fn(function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      pair.writer.close();
      yield* s.wait(pair.writer.waitClosed());
      yield* s.wait(server.shutdown(10));
      return server.getLoop();
    });
    expect(await loop.runUntilComplete(main)).toBe(loop);
    loop.close();
  });

  it('continues with a connection in its next run', async () => {
    const loop = newEventLoop();
    let server: Server;
    const pair = await loop.runUntilComplete(
      s.fn(function* () {
        server = yield* s.wait(startServer(echo(s), LOCAL, 0));
        const pair = yield* s.wait(openConnection(LOCAL, server.port));
        pair.writer.write('hello\n');
        return pair;
      }),
    );
    const line = await loop.runUntilComplete(
      s.fn(function* () {
        const line = text(yield* s.wait(pair.reader.readline()));
        pair.writer.close();
        yield* s.wait(pair.writer.waitClosed());
        yield* s.wait(server.shutdown(10));
        return line;
      }),
    );
    expect(line).toBe('hello\n');
    loop.close();
  });

  it('buffers few of the bytes that arrive between its runs, and loses none', async () => {
    const size = 20_000_000;
    const loop = newEventLoop();
    const factory = making(() => new Notes());
    const server = await loop.runUntilComplete(createServer(factory, LOCAL, 0));
    const peer = connectNode(server.port, LOCAL);
    await loop.runUntilComplete(
      s.fn(function* () {
        yield* until(s, () => factory.made[0]?.transport != null);
      }),
    );
    peer.write(new Uint8Array(size));
    for (let before = -1; before !== peer.writableLength || peer.bytesWritten === 0; ) {
      before = peer.writableLength;
      for (let i = 0; i < 20; i++) await macrotask();
    }
    const socket = factory.made[0]!.transport!.getExtraInfo('socket') as Socket;
    expect(socket.bytesRead).toBeLessThan(2 * 256 * 1_024);
    expect(factory.made[0]!.received).toBe('');
    peer.end();
    await loop.runUntilComplete(
      s.fn(function* () {
        yield* until(s, () => factory.made[0]!.isLost);
        yield* s.wait(server.shutdown(1));
      }),
    );
    expect(factory.made[0]!.received.length).toBe(size);
    expect(factory.made[0]!.calls).toEqual(['made', 'data', 'eof', 'lost']);
    loop.close();
  });

  it('closes servers and connections when it is closed, without calling their protocols', async () => {
    const loop = newEventLoop();
    const factory = making(() => new Notes());
    const clients = making(() => new Notes());
    const { port, socket } = await loop.runUntilComplete(
      s.fn(function* () {
        const server = yield* s.wait(createServer(factory, LOCAL, 0));
        const { transport } = yield* s.wait(createConnection(clients, LOCAL, server.port));
        yield* until(s, () => factory.made[0]?.transport != null);
        return { port: server.port, socket: transport.getExtraInfo('socket') as { destroyed: boolean } };
      }),
    );
    expect(socket.destroyed).toBe(false);
    loop.close();
    expect(socket.destroyed).toBe(true);
    const refused = new Promise((resolve) => connectNode(port, LOCAL).on('error', resolve).on('connect', resolve));
    expect(await refused).toMatchObject({ code: 'ECONNREFUSED' });
    expect(factory.made[0]!.calls).toEqual(['made']);
    expect(clients.made[0]!.calls).toEqual(['made']);
  });
});

describe('a process', { timeout: PATIENCE + 1_000 }, () => {
  const imports = `
    import * as asyncio from 'asyncio-ts';
    import * as net from 'asyncio-ts/node';
    const echo = async (reader, writer) => { for await (const line of reader) writer.write(line); writer.close(); };
  `;

  it('ends when its loop is closed, whatever is open', () => {
    const program = `${imports}
      const loop = asyncio.newEventLoop();
      await loop.runUntilComplete(async () => {
        const server = await net.startServer(echo, '127.0.0.1', 0);
        for (let i = 0; i < 3; i++) {
          const { reader, writer } = await net.openConnection('127.0.0.1', server.port);
          writer.write('hello\\n');
          console.log(new TextDecoder().decode(await reader.readline()).trim());
        }
      });
      loop.close();
    `;
    expect(output(program)).toBe('hello\nhello\nhello');
  });

  it('ends when asyncio.run is over, whatever is open', () => {
    const program = `${imports}
      await asyncio.run(async () => {
        const server = await net.startServer(echo, '127.0.0.1', 0);
        await net.openConnection('127.0.0.1', server.port);
        asyncio.createTask(server.serveForever());
        console.log('over');
      });
    `;
    expect(output(program)).toBe('over');
  });

  it('ends when a loop is closed while a connection is being made', () => {
    const program = `${imports}
      import { createServer } from 'node:net';
      const silent = createServer(() => {}).listen(0, '127.0.0.1');
      silent.unref();
      silent.on('connection', (socket) => socket.unref());
      await new Promise((resolve) => silent.on('listening', resolve));
      const loop = asyncio.newEventLoop();
      const { port } = silent.address();
      await loop.runUntilComplete(async () => {
        // One in its handshake, one that never gets an answer, one that is about to listen.
        asyncio.createTask(net.openConnection('127.0.0.1', port, { ssl: { rejectUnauthorized: false } }));
        asyncio.createTask(net.openConnection('127.0.0.1', port));
        asyncio.createTask(net.startServer(echo, '127.0.0.1', 0));
        await asyncio.sleep(0);
        await asyncio.sleep(0);
      });
      loop.close();
      console.log('closed');
    `;
    expect(output(program)).toBe('closed');
  });

  it('ends when a loop is closed while a handshake is under way', () => {
    const program = `${imports}
      import { createServer } from 'node:net';
      const silent = createServer((socket) => { socket.unref(); loop.stop(); }).listen(0, '127.0.0.1');
      silent.unref();
      await new Promise((resolve) => silent.on('listening', resolve));
      const loop = asyncio.newEventLoop();
      const { port } = silent.address();
      loop.createTask(async () => {
        await net.openConnection('127.0.0.1', port, { ssl: { rejectUnauthorized: false } });
      });
      await loop.runForever();
      await new Promise((resolve) => setImmediate(resolve));
      loop.close();
      console.log('closed');
    `;
    expect(output(program)).toBe('closed');
  });

  it('stays alive for a server of the hosted loop, and ends when that is closed', () => {
    const program = `${imports}
      const server = await net.startServer(echo, '127.0.0.1', 0);
      const { reader, writer } = await net.openConnection('127.0.0.1', server.port);
      setTimeout(async () => {
        writer.write('hello\\n');
        console.log(new TextDecoder().decode(await reader.readline()).trim());
        writer.close();
        await server.shutdown(5);
      }, 1).unref();
    `;
    expect(output(program)).toBe('hello');
  });
});
