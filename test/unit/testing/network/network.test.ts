import { createTask, gather, newEventLoop, run, sleep, wait } from 'asyncio-ts';
import { type openConnection, type Server, type StreamReader, StreamWriter, type startServer } from 'asyncio-ts/node';
import { LeakError, MemoryNetwork, runVirtual } from 'asyncio-ts/testing';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { closed, decode, echo, later, now, onNetwork } from './support.ts';

describeBoth('a network in memory', (s) => {
  test(
    'carries bytes both ways, in no time by default',
    onNetwork(s, {}, function* (net) {
      const server = yield* s.wait(net.startServer(echo(s), 'server', 7));
      const [reader, writer] = yield* s.wait(net.openConnection('server', 7));
      writer.write('hello\nworld\n');
      expect(decode(yield* s.wait(reader.readline()))).toBe('hello\n');
      expect(decode(yield* s.wait(reader.readline()))).toBe('world\n');
      expect(now()).toBe(0);
      yield* closed(s, writer);
      yield* s.wait(server.shutdown(1));
      expect(now()).toBe(0);
    }),
  );

  test(
    'takes its latency for each way of a connection and of bytes',
    onNetwork(s, { latency: 0.1 }, function* (net) {
      const server = yield* s.wait(net.startServer(echo(s), 'server', 7));
      const { reader, writer } = yield* s.wait(net.openConnection('server', 7));
      expect(now()).toBeCloseTo(0.2);
      writer.write('hello\n');
      yield* s.wait(reader.readline());
      expect(now()).toBeCloseTo(0.4);
      yield* closed(s, writer);
      expect(now()).toBeCloseTo(0.4);
      yield* s.wait(server.shutdown(1));
      expect(now()).toBeCloseTo(0.5);
    }),
  );

  test('draws latencies of a range, the same ones in each run, and keeps the order within a connection', async () => {
    const times: number[][] = [];
    for (let i = 0; i < 2; i++) {
      const seen: number[] = [];
      const body = onNetwork(s, { latency: [0.01, 0.5] }, function* (net) {
        const received: string[] = [];
        const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
          for (;;) {
            const line = decode(yield* s.wait(reader.readline()));
            if (line === '') break;
            received.push(line);
            seen.push(now());
          }
          yield* closed(s, writer);
        });
        const server = yield* s.wait(net.startServer(handler, 'server', 7));
        const { writer } = yield* s.wait(net.openConnection('server', 7));
        for (let n = 0; n < 10; n++) {
          writer.write(`${n}\n`);
          yield* later(s, 0.05);
        }
        yield* closed(s, writer);
        yield* s.wait(server.shutdown(5));
        expect(received.join('')).toBe('0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n');
      });
      await body();
      times.push(seen);
    }
    expect(times[0]).toEqual(times[1]);
    expect(new Set(times[0]).size).toBeGreaterThan(3);
  });

  test(
    'tells both ends their addresses',
    onNetwork(s, {}, function* (net) {
      let seen: unknown[] = [];
      const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
        seen = [writer.getExtraInfo('peername'), writer.getExtraInfo('sockname')];
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 0));
      expect(server.port).toBeGreaterThan(0);
      expect(server.sockets[0]!.host).toBe('server');
      const { reader, writer } = yield* s.wait(net.host('client').openConnection('server', server.port));
      yield* s.wait(reader.read());
      expect(writer.getExtraInfo('peername')).toEqual(['server', server.port]);
      expect(writer.getExtraInfo('sockname')).toEqual(['client', expect.any(Number)]);
      expect(seen).toEqual([writer.getExtraInfo('sockname'), ['server', server.port]]);
      expect(writer.getExtraInfo('socket')).toBe(undefined);
      expect(writer.getExtraInfo('socket', { default: null })).toBe(null);
      yield* closed(s, writer);
      yield* s.wait(server.shutdown(1));
    }),
  );

  test(
    'knows each host by its own name, and a host that calls as localhost',
    onNetwork(s, {}, function* (net) {
      const server = yield* s.wait(net.host('a').startServer(echo(s), null, 7));
      expect(server.sockets.map(String)).toEqual(['a:7']);
      const { writer } = yield* s.wait(net.host('a').openConnection('127.0.0.1', 7));
      const other = yield* s.wait(net.openConnection({ host: 'a', port: 7, localAddr: ['b', 99] }));
      expect(other.writer.getExtraInfo('sockname')).toEqual(['b', 99]);
      expect(yield* failure(s, net.host('b').openConnection('localhost', 7))).toMatchObject({ code: 'ECONNREFUSED' });
      yield* closed(s, writer);
      yield* closed(s, other.writer);
      yield* s.wait(server.shutdown(1));
    }),
  );

  test(
    'refuses a connection to where nobody listens, and no longer accepts one where the server is closed',
    onNetwork(s, { latency: 1 }, function* (net) {
      const error = yield* failure(s, net.openConnection('nobody', 80));
      expect(error).toMatchObject({
        name: 'ConnectionRefusedError',
        code: 'ECONNREFUSED',
        message: 'connect to nobody:80: connect ECONNREFUSED nobody:80',
        address: 'nobody',
        port: 80,
      });
      expect(now()).toBe(2);
      const server = yield* s.wait(net.startServer(echo(s), 'server', 80));
      const attempt = createTask(() => net.openConnection('server', 80));
      yield* later(s, 2);
      server.close();
      const { reader, writer } = yield* s.wait(attempt);
      expect(yield* failure(s, reader.read())).toMatchObject({ code: 'ECONNRESET' }); // it was connected, but never accepted
      yield* failure(s, writer.waitClosed());
    }),
  );

  test(
    'lets one server listen at an address, and another one after it is closed',
    onNetwork(s, {}, function* (net) {
      const server = yield* s.wait(net.startServer(echo(s), 'server', 80));
      expect(yield* failure(s, net.startServer(echo(s), 'server', 80))).toMatchObject({
        name: 'OSError',
        code: 'EADDRINUSE',
        message: 'cannot listen on server:80: listen EADDRINUSE: address already in use server:80',
      });
      const other = yield* s.wait(net.startServer(echo(s), ['other', 'third'], 80));
      expect(other.sockets.map(String)).toEqual(['other:80', 'third:80']);
      server.close();
      const next = yield* s.wait(net.startServer(echo(s), 'server', 80));
      next.close();
      other.close();
      yield* s.wait(gather(server.waitClosed(), other.waitClosed(), next.waitClosed()));
    }),
  );

  test(
    'leaves no connection behind when connecting is cancelled, at any time',
    onNetwork(s, { latency: 1 }, function* (net) {
      let handled = 0;
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        handled++;
        yield* s.wait(reader.read());
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      for (const after of [0.5, 1.5]) {
        const attempt = createTask(() => net.openConnection('server', 80));
        yield* later(s, after);
        attempt.cancel();
        yield* s.wait(wait([attempt]));
        expect(attempt.cancelled()).toBe(true);
        expect(net.connections).toEqual([]);
      }
      yield* later(s, 5);
      expect(handled).toBe(0);
      yield* s.wait(server.shutdown(1));
    }),
  );

  test(
    'ends each direction by itself',
    onNetwork(s, {}, function* (net) {
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        const all = decode(yield* s.wait(reader.read()));
        writer.write(`${all.length} bytes`);
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      const { reader, writer } = yield* s.wait(net.openConnection('server', 80));
      expect(writer.canWriteEof()).toBe(true);
      writer.write('question');
      writer.writeEof();
      expect(() => writer.write('more')).toThrow('Cannot call write() after writeEof()');
      expect(decode(yield* s.wait(reader.read()))).toBe('8 bytes');
      // Both sides have ended, so that the connection has, too.
      yield* s.wait(writer.waitClosed());
      expect(writer.isClosing()).toBe(true);
      yield* s.wait(server.shutdown(1));
      expect(net.connections).toEqual([]);
    }),
  );

  test(
    'slows a writer down whose reader does not read, and loses nothing',
    onNetwork(s, { bufferSize: 1_000 }, function* (net) {
      const sizes: number[] = [];
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        yield* later(s, 10);
        for (;;) {
          const bytes = yield* s.wait(reader.read(500));
          if (bytes.length === 0) break;
          sizes.push(bytes.length);
        }
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80, { limit: 100 }));
      const { writer } = yield* s.wait(net.openConnection('server', 80));
      writer.transport.setWriteBufferLimits({ high: 2_000, low: 500 });
      expect(writer.transport.getWriteBufferLimits()).toEqual([500, 2_000]);
      writer.write(new Uint8Array(800));
      yield* s.wait(writer.drain());
      expect(now()).toBe(0);
      writer.write(new Uint8Array(6_000));
      expect(writer.transport.getWriteBufferSize()).toBe(5_800);
      yield* s.wait(writer.drain());
      expect(now()).toBe(10);
      expect(writer.transport.getWriteBufferSize()).toBeLessThanOrEqual(500);
      yield* closed(s, writer);
      yield* s.wait(server.shutdown(5));
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(6_800);
    }),
  );

  test(
    'sends what is in the buffer before it closes, and drops it when it aborts',
    onNetwork(s, { bufferSize: 10 }, function* (net) {
      const received: number[] = [];
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        yield* later(s, 1);
        received.push((yield* s.wait(reader.read())).length);
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80, { limit: 1 }));
      const first = yield* s.wait(net.openConnection('server', 80));
      first.writer.write(new Uint8Array(1_000));
      yield* closed(s, first.writer);
      expect(now()).toBe(1);
      const second = yield* s.wait(net.openConnection('server', 80));
      second.writer.write(new Uint8Array(1_000));
      second.writer.transport.abort();
      yield* s.wait(second.writer.waitClosed());
      expect(now()).toBe(1);
      yield* s.wait(server.shutdown(5));
      expect(received[0]).toBe(1_000);
      expect(received[1]).toBeLessThan(100);
    }),
  );

  test(
    'resets a connection whose end was aborted with unread bytes, or is written to after that',
    onNetwork(s, {}, function* (net) {
      const accepted: StreamWriter[] = [];
      const server = yield* s.wait(
        net.startServer((_reader, writer) => void accepted.push(writer), 'server', 80, { limit: 1 }),
      );
      const unread = yield* s.wait(net.openConnection('server', 80));
      unread.writer.write('a'.repeat(100));
      yield* later(s, 1);
      unread.writer.write('b');
      yield* later(s, 1);
      accepted[0]!.transport.abort();
      expect(yield* failure(s, unread.reader.read())).toMatchObject({
        name: 'ConnectionResetError',
        code: 'ECONNRESET',
      });
      expect(yield* failure(s, unread.writer.drain())).toMatchObject({ code: 'ECONNRESET' });
      yield* failure(s, unread.writer.waitClosed());

      const late = yield* s.wait(net.openConnection('server', 80));
      yield* later(s, 1);
      accepted[1]!.transport.abort();
      expect((yield* s.wait(late.reader.read())).length).toBe(0); // nothing was unread
      late.writer.write('hello?');
      expect(yield* failure(s, late.writer.waitClosed())).toMatchObject({ code: 'ECONNRESET' });
      yield* s.wait(server.shutdown(1));
    }),
  );

  test(
    'throws away what arrives at an end that is closed, and resets the connection when that goes on for long',
    onNetwork(s, {}, function* (net) {
      const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
        writer.write('bye');
        yield* closed(s, writer);
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      const { reader, writer } = yield* s.wait(net.openConnection('server', 80));
      writer.write('hello');
      yield* later(s, 1);
      writer.write('again');
      expect(decode(yield* s.wait(reader.read()))).toBe('bye');
      yield* later(s, 60);
      writer.write('still there?');
      expect(yield* failure(s, writer.waitClosed())).toMatchObject({ code: 'ECONNRESET' });
      yield* s.wait(server.shutdown(1));
    }),
  );

  test(
    'sends what bytes were when they were written',
    onNetwork(s, {}, function* (net) {
      const server = yield* s.wait(net.startServer(echo(s), 'server', 80));
      const { reader, writer } = yield* s.wait(net.openConnection('server', 80));
      const bytes = new TextEncoder().encode('abc\n');
      writer.writelines([bytes, 'def\n']);
      writer.write(bytes);
      bytes.fill(0);
      expect(decode(yield* s.wait(reader.readexactly(12)))).toBe('abc\ndef\nabc\n');
      yield* closed(s, writer);
      yield* s.wait(server.shutdown(1));
    }),
  );

  test(
    'has the server that the library has: it serves for ever, and closes its connections when it is cancelled',
    onNetwork(s, {}, function* (net) {
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        yield* s.wait(reader.read());
        yield* closed(s, writer);
      });
      const server: Server = yield* s.wait(net.startServer(handler, 'server', 80, { startServing: false }));
      expect([server.isServing(), server.sockets.length]).toEqual([false, 0]);
      const serving = createTask(() => server.serveForever());
      yield* s.wait(sleep(1));
      expect([server.isServing(), String(server)]).toEqual([true, '<Server serving on server:80 connections=0>']);
      const { reader, writer } = yield* s.wait(net.openConnection('server', 80));
      yield* s.wait(sleep(1));
      expect(server.connections).toBe(1);
      serving.cancel();
      yield* s.wait(wait([serving]));
      expect([serving.cancelled(), server.connections]).toEqual([true, 0]);
      expect((yield* s.wait(reader.read())).length).toBe(0);
      yield* closed(s, writer);
    }),
  );

  test(
    'cuts handlers that do not end when the server is shut down',
    onNetwork(s, {}, function* (net) {
      const handler = s.fn(function* () {
        yield* s.wait(sleep(1_000));
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      const { writer } = yield* s.wait(net.openConnection('server', 80));
      yield* later(s, 1);
      expect(yield* s.wait(server.shutdown(5))).toEqual({ cut: 1 });
      expect(now()).toBe(6);
      yield* closed(s, writer);
    }),
  );

  test(
    'has a server that closes or aborts all connections at once',
    onNetwork(s, {}, function* (net) {
      const handler = s.fn(function* (reader: StreamReader) {
        yield* s.wait(reader.read());
      });
      const server = yield* s.wait(net.startServer(handler, 'server', 80));
      const clients = [
        yield* s.wait(net.openConnection('server', 80)),
        yield* s.wait(net.openConnection('server', 80)),
      ];
      yield* later(s, 1);
      server.close();
      server.closeClients();
      yield* s.wait(server.waitClosed());
      for (const { reader, writer } of clients) {
        expect((yield* s.wait(reader.read())).length).toBe(0);
        yield* closed(s, writer);
      }
      expect(server.connections).toBe(0);
    }),
  );

  test('is left behind when its connections are not closed', async () => {
    const main = s.fn(function* () {
      const net = new MemoryNetwork();
      const server = yield* s.wait(net.startServer(echo(s), 'server', 80));
      yield* s.wait(net.openConnection('server', 80));
      yield* later(s, 1);
      server.close();
    });
    const error = await runVirtual(main, { failOnLeaks: true }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LeakError);
    expect((error as LeakError).left.join('\n')).toContain('<MemoryTransport open peer=server:80>');
  });
});

describe('a network', () => {
  test('is made in a simulated program only, and not in real time', async () => {
    expect(() => new MemoryNetwork()).toThrow('new MemoryNetwork() works only in a simulated program');
    await expect(run(async () => new MemoryNetwork())).rejects.toThrow(
      'the event loop that runs here goes by real time',
    );
    await newEventLoop().runUntilComplete(async () => {
      expect(() => new MemoryNetwork()).toThrow('goes by real time');
    });
  });

  test('is not used in another run than that in which it was made', async () => {
    let net: MemoryNetwork | null = null;
    await runVirtual(async () => {
      net = new MemoryNetwork();
    });
    await expect(runVirtual(async () => await net!.openConnection('server', 80))).rejects.toMatchObject({
      code: 'OTHER_RUN',
    });
  });

  test('cannot encrypt a connection, says so, and goes on with it in plain text', async () => {
    const received = await runVirtual(async () => {
      const net = new MemoryNetwork();
      const server = await net.startServer(
        async (reader, writer) => {
          writer.write((await reader.readline()) as Uint8Array);
          writer.close();
        },
        'server',
        80,
      );
      const { reader, writer } = await net.openConnection('server', 80);
      writer.write('plain\n');
      await expect(writer.startTls(true)).rejects.toMatchObject({
        code: 'NO_TLS',
        message: expect.stringContaining('TLS is not simulated'),
      });
      const line = new TextDecoder().decode(await reader.readline());
      writer.close();
      server.close();
      return line;
    });
    expect(received).toBe('plain\n');
  });

  test('refuses what it cannot do at once, with the line to write', async () => {
    await runVirtual(async () => {
      const net = new MemoryNetwork();
      expect(() => net.openConnection('server', 80, { ssl: true } as never)).toThrow('TLS is not simulated');
      expect(() => net.startServer(() => {}, 'server', 80, { ssl: {} } as never)).toThrow('TLS is not simulated');
      expect(() => net.openConnection('server', 80, { serverHostname: 'server' } as never)).toThrow(
        'serverHostname is only meaningful with ssl',
      );
      expect(() => net.openConnection('server', 80, { lokalAddr: ['a', 1] } as never)).toThrow(
        'write { localAddr: … }',
      );
      expect(() => net.openConnection('server', 70_000)).toThrow('a port');
      expect(() => net.openConnection(80 as never, 80)).toThrow('a host name or address is required');
      expect(() => net.openConnection('https://example.com', 443)).toThrow(
        "got the URL 'https://example.com'; write the host alone",
      );
      expect(() => net.startServer(null as never, 'server', 80)).toThrow(
        'a function that handles connections is required',
      );
      expect(() => new MemoryNetwork({ latency: -1 })).toThrow('latency must not be negative, got -1');
      expect(() => new MemoryNetwork({ latency: [2, 1] })).toThrow('latency is [least, most], got [2, 1]');
      expect(() => new MemoryNetwork({ maxRead: 0 })).toThrow('maxRead');
      expect(() => new MemoryNetwork({ faults: { resets: true } as never })).toThrow('write { reset: … }');
      expect(() => new MemoryNetwork({ faults: { budget: -1 } })).toThrow('budget');
      expect(() => net.connectionOf({} as StreamWriter)).toThrow('is no open connection of this network');
    });
  });

  test('can be given to programs in place of the functions of asyncio-ts/node, with their options', async () => {
    type Connect = typeof openConnection;
    type Serve = typeof startServer;
    const app = async (connect: Pick<MemoryNetwork, 'openConnection'>['openConnection'], port: number) => {
      const { reader, writer } = await connect('server', port, { limit: 10 });
      const line = await reader.readline({ encoding: 'utf-8' });
      writer.close();
      return line;
    };
    expectTypeOf<Connect>().toExtend<(host: string, port: number) => ReturnType<MemoryNetwork['openConnection']>>();
    expectTypeOf<ReturnType<Serve>>().toEqualTypeOf<ReturnType<MemoryNetwork['startServer']>>();
    const line = await runVirtual(async () => {
      const net = new MemoryNetwork();
      const handler = (_reader: StreamReader, writer: StreamWriter) => {
        writer.write('hi\n');
        writer.close();
      };
      const server = await net.startServer(handler, 'server', 80, { backlog: 5, family: 4 } as object);
      const line = await app(net.openConnection.bind(net), server.port);
      expect(StreamWriter).toBeTypeOf('function');
      await server.shutdown(1);
      return line;
    });
    expect(line).toBe('hi\n');
  });
});
