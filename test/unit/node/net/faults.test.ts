import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { createTask, wrapPromise } from 'asyncio-ts';
import {
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  createConnection,
  createServer,
  IncompleteReadError,
  OSError,
  openConnection,
  type StreamPair,
  type StreamReader,
  type StreamWriter,
  startServer,
} from 'asyncio-ts/node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { collectGarbage } from '../../../support/gc.ts';
import { muteLog } from '../../../support/loops.ts';
import { fromSource } from '../../../support/processes.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { text } from '../../streams/support.ts';
import { closed, echo, ended, hears, LOCAL, making, Notes, networked, rounds, silent, until } from './support.ts';

/** Ends a connection as a crash does. */
function reset(writer: StreamWriter): void {
  (writer.getExtraInfo('socket') as Socket).resetAndDestroy();
}

/** Whether a server still does what it is there for. */
function* stillServes(s: Spelling, port: number): Generator<unknown, void, unknown> {
  const pair = yield* s.wait(openConnection(LOCAL, port));
  yield* hears(s, pair);
  yield* closed(s, pair.writer);
}

describeBoth('a peer that resets the connection', (s) => {
  it(
    'makes reading, draining and closing fail with that',
    networked(s, function* () {
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        const line = yield* s.wait(reader.readline());
        if (text(line) === 'reset\n') return reset(writer);
        writer.write(line);
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      writer.write('reset\n');
      const error = yield* failure(s, reader.read(1));
      expect(error).toBeInstanceOf(ConnectionResetError);
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ name: 'ConnectionResetError', code: 'ECONNRESET', syscall: 'read' });
      expect(reader.exception()).toBe(error);
      expect(writer.isClosing()).toBe(true);
      writer.write('in vain');
      expect(yield* failure(s, writer.drain())).toBe(error);
      writer.close();
      expect(yield* failure(s, writer.waitClosed())).toBe(error);
      expect(yield* failure(s, reader.readexactly(1))).toBe(error);
      yield* s.wait(writer[Symbol.asyncDispose]());
      yield* stillServes(s, server.port);
      yield* ended(s, server);
    }),
  );

  it(
    'in the middle of a write wakes the tasks that drain',
    networked(s, function* () {
      const peers: StreamWriter[] = [];
      const server = yield* s.wait(
        startServer((_reader, writer) => void peers.push(writer), LOCAL, 0, { limit: 1_000 }),
      );
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      writer.write(new Uint8Array(30_000_000));
      const draining = createTask(writer.drain());
      yield* until(s, () => peers.length === 1);
      yield* rounds(s, 5);
      expect(draining.done()).toBe(false);
      reset(peers[0]!);
      const error = yield* failure(s, draining);
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) });
      expect(yield* failure(s, writer.waitClosed())).toBe(error);
      expect(yield* failure(s, reader.read())).toBe(error);
      yield* until(s, () => server.connections === 0);
      yield* ended(s, server);
    }),
  );

  it(
    'ends a loop of writes and drains that never waits',
    networked(s, function* () {
      const server = yield* s.wait(startServer((_reader, writer) => writer.transport.abort(), LOCAL, 0));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const writing = s.fn(function* (): Generator<unknown, void, unknown> {
        while (true) {
          writer.write('foo\n');
          yield* s.wait(writer.drain());
        }
      });
      muteLog('warn');
      expect(yield* failure(s, createTask(writing))).toBeInstanceOf(ConnectionError);
      yield* ended(s, server);
    }),
  );

  it(
    'fails the handler of a server, which closes only that connection',
    networked(s, function* (reports) {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const other = yield* s.wait(openConnection(LOCAL, server.port));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, { reader, writer });
      reset(writer);
      yield* until(s, () => reports.length > 0);
      expect(reports.pop()).toMatchObject({ exception: { name: 'ConnectionResetError', code: 'ECONNRESET' } });
      yield* hears(s, other);
      yield* closed(s, other.writer);
      yield* stillServes(s, server.port);
      yield* ended(s, server);
    }),
  );

  it(
    'is reported to a protocol, once',
    networked(s, function* () {
      const factory = making(() => new Notes());
      const server = yield* s.wait(createServer(factory, LOCAL, 0));
      const [transport, client] = yield* s.wait(createConnection(() => new Notes(), LOCAL, server.port));
      yield* until(s, () => factory.made[0]?.transport != null);
      (factory.made[0]!.transport!.getExtraInfo('socket') as Socket).resetAndDestroy();
      yield* until(s, () => client.isLost && factory.made[0]!.isLost);
      expect(client.calls).toEqual(['made', 'lost']);
      expect(client.error).toBeInstanceOf(ConnectionResetError);
      transport.close();
      transport.abort();
      yield* rounds(s, 3);
      expect(client.calls).toHaveLength(2);
      yield* ended(s, server);
    }),
  );

  it(
    'leaves what came before to be read only up to then',
    networked(s, function* () {
      const server = yield* s.wait(
        startServer(
          (_reader, writer) => {
            writer.write('partial');
            writer.close();
          },
          LOCAL,
          0,
        ),
      );
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const error = yield* failure(s, reader.readexactly(100));
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect(text((error as IncompleteReadError).partial)).toBe('partial');
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );
});

describeBoth('a slow reader of a fast writer', (s) => {
  it(
    'keeps both in bounds, and loses nothing',
    networked(s, function* () {
      const size = 64 * 2 ** 20;
      const limit = 2 ** 16;
      const chunk = new Uint8Array(2 ** 16);
      let most = 0;
      const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
        for (let sent = 0; sent < size; sent += chunk.length) {
          writer.write(chunk);
          most = Math.max(most, writer.transport.getWriteBufferSize());
          yield* s.wait(writer.drain());
        }
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port, { limit }));
      const kept = () => Number(/(\d+) bytes/.exec(String(reader))?.[1] ?? 0);
      let mostKept = 0;
      let got = 0;
      for (let part = 0; !reader.atEof(); part++) {
        if (part % 50 === 0) yield* rounds(s, 2); // slower than it could be
        mostKept = Math.max(mostKept, kept());
        got += (yield* s.wait(reader.read(100_000))).length;
      }
      expect(got).toBe(size);
      expect(most).toBeLessThanOrEqual(2 ** 16 + chunk.length);
      expect(mostKept).toBeGreaterThan(limit);
      expect(mostKept).toBeLessThanOrEqual(2 * limit + 2 ** 16);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'that never reads makes the writer wait, which buffers no more than the high mark and one chunk',
    networked(s, function* () {
      const readers: StreamReader[] = [];
      const server = yield* s.wait(startServer((reader) => void readers.push(reader), LOCAL, 0, { limit: 10_000 }));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      let written = 0;
      const writing = createTask(
        s.fn(function* (): Generator<unknown, void, unknown> {
          while (true) {
            writer.write(new Uint8Array(10_000));
            written += 10_000;
            yield* s.wait(writer.drain());
          }
        }),
      );
      for (let before = -1; written !== before || written === 0; ) {
        before = written;
        yield* rounds(s, 50);
      }
      expect(writing.done()).toBe(false);
      expect(writer.transport.getWriteBufferSize()).toBeLessThanOrEqual(65_536 + 10_000);
      expect(Number(/(\d+) bytes/.exec(String(readers[0]))?.[1])).toBeLessThanOrEqual(20_000 + 65_536);
      writing.cancel();
      yield* failure(s, writing);
      writer.transport.abort();
      yield* ended(s, server);
    }),
  );
});

describeBoth('a place that cannot be', (s) => {
  it(
    'is refused where nobody listens: the error names the host and the port',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { port } = server;
      yield* ended(s, server);
      for (const connect of [
        () => openConnection(LOCAL, port),
        () => createConnection(() => new Notes(), LOCAL, port),
      ]) {
        const error = yield* failure(s, connect());
        expect(error).toBeInstanceOf(ConnectionRefusedError);
        expect(error).toBeInstanceOf(OSError);
        expect(error).toMatchObject({
          name: 'ConnectionRefusedError',
          code: 'ECONNREFUSED',
          syscall: 'connect',
          address: LOCAL,
          port,
          message: expect.stringContaining(`${LOCAL}:${port}`),
          cause: expect.any(Error),
        });
      }
    }),
  );

  it(
    'is in use: the error names the host and the port, and the server there goes on',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { port } = server;
      const error = yield* failure(s, startServer(echo(s), LOCAL, port));
      expect(error).toBeInstanceOf(OSError);
      expect(error).toMatchObject({
        name: 'OSError',
        code: 'EADDRINUSE',
        syscall: 'listen',
        message: expect.stringContaining(`${LOCAL}:${port}`),
      });
      // None of several hosts is left listening.
      expect(yield* failure(s, startServer(echo(s), ['127.0.0.5', LOCAL], port))).toMatchObject({ code: 'EADDRINUSE' });
      expect(yield* failure(s, openConnection('127.0.0.5', port))).toMatchObject({ code: 'ECONNREFUSED' });
      yield* stillServes(s, port);
      yield* ended(s, server);
    }),
  );

  it(
    'is not of this machine',
    networked(s, function* () {
      expect(yield* failure(s, startServer(echo(s), '192.0.2.1', 0))).toMatchObject({
        name: 'OSError',
        code: 'EADDRNOTAVAIL',
        message: expect.stringContaining('192.0.2.1'),
      });
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const connecting = openConnection(LOCAL, server.port, { localAddr: ['192.0.2.1', 0] });
      expect(yield* failure(s, connecting)).toMatchObject({ name: 'OSError', code: 'EADDRNOTAVAIL' });
      yield* ended(s, server);
    }),
  );
});

describeBoth('a connection to which no reference is left', (s) => {
  it(
    'is closed when it is collected',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const forget = s.fn(function* (): Generator<unknown, void, unknown> {
        const pair = yield* s.wait(openConnection(LOCAL, server.port));
        yield* hears(s, pair);
      });
      yield* s.wait(createTask(forget));
      expect(server.connections).toBe(1);
      while (server.connections > 0) yield* s.wait(wrapPromise(collectGarbage()));
      yield* ended(s, server);
    }),
  );

  it(
    'says so in debug mode',
    networked(
      s,
      function* () {
        const warn = muteLog('warn');
        const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
        yield* s.wait(
          createTask(
            s.fn(function* (): Generator<unknown, void, unknown> {
              yield* hears(s, yield* s.wait(openConnection(LOCAL, server.port)));
            }),
          ),
        );
        while (server.connections > 0) yield* s.wait(wrapPromise(collectGarbage()));
        expect(warn.mock.calls.flat().join()).toContain('dropped without close()');
        yield* ended(s, server);
      },
      { debug: true },
    ),
  );

  it(
    'is not one whose reader or writer is still referenced, or waited for',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent(), LOCAL, 0));
      const take = s.fn(function* (what: string): Generator<unknown, unknown, unknown> {
        const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
        return what === 'reader' ? reader : writer;
      });
      const reader = (yield* s.wait(createTask(() => take('reader') as never))) as StreamReader;
      const writer = (yield* s.wait(createTask(() => take('writer') as never))) as StreamWriter;
      const waiting = createTask(
        s.fn(function* (): Generator<unknown, void, unknown> {
          const pair = yield* s.wait(openConnection(LOCAL, server.port));
          yield* s.wait(pair.reader.read());
          yield* closed(s, pair.writer);
        }),
      );
      yield* until(s, () => server.connections === 3);
      for (let i = 0; i < 5; i++) yield* s.wait(wrapPromise(collectGarbage()));
      yield* rounds(s, 5);
      expect(server.connections).toBe(3);
      expect(waiting.done()).toBe(false);
      expect(reader.atEof()).toBe(false);
      yield* closed(s, writer);
      yield* ended(s, server);
      yield* s.wait(waiting);
      yield* closed(s, reader.companion as StreamWriter);
    }),
  );
});

/** A server that sends lines back, in a process that may open so many files. */
function poorServer(descriptors: number): ChildProcess & { readonly stdout: Readable } {
  const program = `
    import * as asyncio from 'asyncio-ts';
    import * as net from 'asyncio-ts/node';
    asyncio.getEventLoop().setExceptionHandler((_loop, { message, exception }) => {
      if (exception.code !== 'ECONNRESET') console.log('report', message, exception.code);
    });
    const server = await net.startServer(async (reader, writer) => {
      for await (const line of reader) writer.write(line);
      writer.close();
    }, '127.0.0.1', 0);
    console.log(server.port);
  `;
  const command = `ulimit -n ${descriptors}; exec "$0" --import "$1" --input-type=module --eval "$2"`;
  const child = spawn('sh', ['-c', command, process.execPath, fromSource, program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

describeBoth('a server whose descriptors are exhausted', (s) => {
  it(
    'drops connections, keeps those that it has, and serves again when there are descriptors',
    networked(s, function* () {
      const child = poorServer(60);
      const port = Number(yield* s.wait(wrapPromise(once(child.stdout, 'data'))));
      /** One that works, or `null` when the server has dropped it. */
      const tries = s.fn(function* (): Generator<unknown, StreamPair | null, unknown> {
        const pair = yield* s.wait(openConnection(LOCAL, port));
        pair.writer.write('hello\n');
        try {
          if ((yield* s.wait(pair.reader.readline())).length > 0) return pair;
        } catch (error) {
          expect(error).toBeInstanceOf(ConnectionError);
        }
        pair.writer.close();
        return null;
      });
      const open: StreamPair[] = [];
      for (let pair = yield* s.wait(createTask(tries)); pair !== null; pair = yield* s.wait(createTask(tries)))
        open.push(pair);
      expect(open.length).toBeGreaterThan(20);
      expect(open.length).toBeLessThan(60);
      for (const pair of open) yield* hears(s, pair, 'still there\n');
      for (const { writer } of open.splice(0, 10)) yield* closed(s, writer);
      let again: StreamPair | null = null;
      while (again === null) again = yield* s.wait(createTask(tries));
      open.push(again);
      for (const pair of open) {
        yield* hears(s, pair, 'and again\n');
        yield* closed(s, pair.writer);
      }
      child.kill();
      yield* s.wait(wrapPromise(once(child, 'close')));
    }),
  );
});

describe('a process whose descriptors are exhausted', { timeout: 21_000 }, () => {
  it('accepts again when there are some', () => {
    const program = `
      import * as asyncio from 'asyncio-ts';
      import * as net from 'asyncio-ts/node';
      await asyncio.run(async () => {
        const reports = [];
        asyncio.getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
        const server = await net.startServer(async (reader, writer) => {
          for await (const line of reader) writer.write(line);
          writer.close();
        }, '127.0.0.1', 0);
        const pairs = [];
        let error = null;
        while (error === null && pairs.length < 200) {
          try { pairs.push(await net.openConnection('127.0.0.1', server.port)); } catch (problem) { error = problem; }
        }
        console.log(error.name, error.code, error.message.includes(String(server.port)));
        for (const { writer } of pairs) writer.close();
        while (server.connections > 0) await asyncio.sleep(0.001);
        for (let i = 0; i < 3; i++) {
          const { reader, writer } = await net.openConnection('127.0.0.1', server.port);
          writer.write('again\\n');
          console.log(new TextDecoder().decode(await reader.readline()).trim());
          writer.close();
          await writer.waitClosed();
        }
        for (const { message, exception } of reports) if (exception.code !== 'EMFILE') console.log(message, exception);
        await server.shutdown(5);
      });
    `;
    const command = `ulimit -n 60; exec "$0" --import "$1" --input-type=module --eval "$2"`;
    const { stdout, stderr, signal } = spawnSync('sh', ['-c', command, process.execPath, fromSource, program], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(stderr).toBe('');
    expect(signal).toBeNull();
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^OSError EMFILE true$/),
      'again',
      'again',
      'again',
    ]);
  });
});
