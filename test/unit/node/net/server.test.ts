import { Socket } from 'node:net';
import {
  CancelledError,
  createTask,
  getRunningLoop,
  RuntimeError,
  sleep,
  TimeoutError,
  ValueError,
  wait,
  waitFor,
} from 'asyncio-ts';
import { createServer, openConnection, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { failure, thrownBy } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { text } from '../../streams/support.ts';
import { closed, echo, ended, hears, LOCAL, making, Notes, networked, silent, theReport, until } from './support.ts';

describeBoth('a server', (s) => {
  it(
    'listens at the given address, on a free port for port 0',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      expect(server.isServing()).toBe(true);
      expect(server.getLoop()).toBe(getRunningLoop());
      expect(server.sockets).toHaveLength(1);
      const [socket] = server.sockets;
      expect(socket!.host).toBe(LOCAL);
      expect(socket!.port).toBeGreaterThan(0);
      expect(socket!.family).toBe(4);
      expect(socket!.getsockname()).toEqual([LOCAL, server.port]);
      expect(socket!.address()).toMatchObject({ address: LOCAL, port: server.port });
      expect(String(socket)).toBe(`${LOCAL}:${server.port}`);
      yield* ended(s, server);
      expect(server.sockets).toEqual([]);
      expect(server.isServing()).toBe(false);
    }),
  );

  it(
    'listens on several hosts',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), ['127.0.0.1', '127.0.0.2'], 0));
      expect(server.sockets.map((socket) => socket.host)).toEqual(['127.0.0.1', '127.0.0.2']);
      for (const { host, port } of server.sockets) {
        const pair = yield* s.wait(openConnection(host, port));
        yield* hears(s, pair);
        yield* closed(s, pair.writer);
      }
      yield* ended(s, server);
    }),
  );

  it(
    'listens on all addresses for no host',
    networked(s, function* () {
      for (const host of [null, ''] as const) {
        const server = yield* s.wait(startServer(echo(s), host, 0));
        for (const peer of ['127.0.0.1', '127.0.0.7']) {
          const pair = yield* s.wait(openConnection(peer, server.port));
          yield* hears(s, pair);
          yield* closed(s, pair.writer);
        }
        yield* ended(s, server);
      }
    }),
  );

  it(
    'listens on version 4 only when asked to',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), null, 0, { family: 4 }));
      expect(server.sockets.map((socket) => socket.family)).toEqual([4]);
      yield* ended(s, server);
    }),
  );

  it(
    'leaves its port to another one when it is closed',
    networked(s, function* () {
      const first = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { port } = first;
      first.close();
      const second = yield* s.wait(startServer(echo(s), LOCAL, port));
      expect(second.port).toBe(port);
      const pair = yield* s.wait(openConnection(LOCAL, port));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, second);
    }),
  );

  it(
    'shares its port with another one when both are asked to',
    networked(s, function* () {
      const first = yield* s.wait(startServer(echo(s), LOCAL, 0, { reusePort: true }));
      const second = yield* s.wait(startServer(echo(s), LOCAL, first.port, { reusePort: true }));
      expect(second.port).toBe(first.port);
      yield* ended(s, first);
      yield* ended(s, second);
    }),
  );

  it(
    'counts its connections',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      expect(server.connections).toBe(0);
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      expect(server.connections).toBe(1);
      yield* closed(s, pair.writer);
      yield* until(s, () => server.connections === 0);
      yield* ended(s, server);
    }),
  );

  it(
    'that is closed makes no more connections, and keeps those that it has',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { port } = server;
      const pair = yield* s.wait(openConnection(LOCAL, port));
      yield* hears(s, pair);
      server.close();
      server.close();
      expect(yield* failure(s, openConnection(LOCAL, port))).toMatchObject({ code: 'ECONNREFUSED' });
      yield* hears(s, pair);
      const waiting = createTask(server.waitClosed());
      yield* s.wait(sleep(0));
      expect(waiting.done()).toBe(false);
      yield* closed(s, pair.writer);
      yield* s.wait(waiting);
      yield* s.wait(server.waitClosed());
      expect(yield* failure(s, server.startServing())).toMatchObject({ name: 'RuntimeError', code: 'SERVER_CLOSED' });
      expect(yield* failure(s, server.serveForever())).toBeInstanceOf(RuntimeError);
    }),
  );

  it(
    'is not waited for before it is closed',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      expect(yield* failure(s, waitFor(server.waitClosed(), 0.001))).toBeInstanceOf(TimeoutError);
      const waiting = createTask(server.waitClosed());
      yield* s.wait(sleep(0));
      server.close();
      yield* s.wait(waiting);
    }),
  );

  it(
    'closes its connections when what they keep is sent',
    networked(s, function* () {
      const size = 2_000_000;
      const server = yield* s.wait(
        startServer(
          (_reader, writer) => {
            writer.write(new Uint8Array(size));
          },
          LOCAL,
          0,
        ),
      );
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* s.wait(reader.readexactly(1));
      server.closeClients();
      expect((yield* s.wait(reader.read())).length).toBe(size - 1);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'aborts its connections: what they keep is lost',
    networked(s, function* () {
      const size = 50_000_000;
      const server = yield* s.wait(
        startServer(
          (_reader, writer) => {
            writer.write(new Uint8Array(size));
          },
          LOCAL,
          0,
        ),
      );
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* s.wait(reader.readexactly(1));
      server.abortClients();
      server.close();
      yield* s.wait(server.waitClosed());
      try {
        expect((yield* s.wait(reader.read())).length).toBeLessThan(size - 1);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ECONNRESET' });
      }
      writer.close();
    }),
  );
});

describeBoth('a server that does not listen at once', (s) => {
  it(
    'listens after startServing, and a second call has no effect',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { startServing: false }));
      expect(server.isServing()).toBe(false);
      expect(server.sockets).toEqual([]);
      expect(server.port).toBe(0);
      yield* s.wait(server.startServing());
      const { port } = server;
      yield* s.wait(server.startServing());
      expect(server.port).toBe(port);
      const pair = yield* s.wait(openConnection(LOCAL, port));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'listens once when several want it to',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { startServing: false }));
      const tasks = [createTask(server.startServing()), createTask(server.startServing())];
      yield* s.wait(wait(tasks));
      for (const task of tasks) expect(task.exception()).toBeNull();
      expect(server.sockets).toHaveLength(1);
      yield* ended(s, server);
    }),
  );

  it(
    'can be closed without ever listening',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { startServing: false }));
      server.close();
      yield* s.wait(server.waitClosed());
    }),
  );

  it(
    'stays closed when it is closed while it begins to listen',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { startServing: false }));
      const starting = createTask(server.startServing());
      yield* s.wait(sleep(0));
      server.close();
      yield* failure(s, starting);
      expect(server.isServing()).toBe(false);
      expect(server.sockets).toEqual([]);
      yield* s.wait(server.waitClosed());
    }),
  );

  it(
    'does not listen when that is cancelled, and can begin again',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), [LOCAL, '127.0.0.2'], 0, { startServing: false }));
      for (let after = 0; after < 4; after++) {
        const starting = createTask(server.startServing());
        for (let i = 0; i <= after; i++) yield* s.wait(sleep(0));
        if (starting.done()) break;
        starting.cancel();
        expect(yield* failure(s, starting)).toBeInstanceOf(CancelledError);
        expect(server.isServing()).toBe(false);
      }
      yield* s.wait(server.startServing());
      expect(server.sockets).toHaveLength(2);
      yield* ended(s, server);
    }),
  );
});

describeBoth('serveForever', (s) => {
  it(
    'listens, serves until it is cancelled, and closes the connections then',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { startServing: false }));
      const serving = createTask(server.serveForever());
      yield* until(s, () => server.isServing());
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      serving.cancel('enough');
      expect(text(yield* s.wait(pair.reader.read()))).toBe('');
      expect(yield* failure(s, serving)).toMatchObject({ name: 'CancelledError' });
      expect(serving.cancelled()).toBe(true);
      expect(server.isServing()).toBe(false);
      expect(server.connections).toBe(0);
      yield* closed(s, pair.writer);
    }),
  );

  it(
    'ends with a CancelledError when the server is closed, whose connections go on',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const serving = createTask(server.serveForever());
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      server.close();
      for (let i = 0; i < 5; i++) yield* s.wait(sleep(0));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      expect(yield* failure(s, serving)).toBeInstanceOf(CancelledError);
      yield* s.wait(server.waitClosed());
    }),
  );

  it(
    'is for one task at a time',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const serving = createTask(server.serveForever());
      yield* s.wait(sleep(0));
      expect(yield* failure(s, server.serveForever())).toMatchObject({ name: 'RuntimeError', code: 'SERVED_ALREADY' });
      expect(server.isServing()).toBe(true);
      serving.cancel();
      yield* failure(s, serving);
    }),
  );

  it(
    'is for one task at a time from the beginning',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { startServing: false }));
      const tasks = [createTask(server.serveForever()), createTask(server.serveForever())];
      const [done] = yield* s.wait(wait(tasks, { returnWhen: 'FIRST_COMPLETED' }));
      expect([...done].map((task) => task.exception())).toEqual([expect.objectContaining({ code: 'SERVED_ALREADY' })]);
      for (const task of tasks) task.cancel();
      yield* s.wait(wait(tasks));
    }),
  );
});

describeBoth('shutdown', (s) => {
  it(
    'lets connections come to their end',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      const shutting = createTask(server.shutdown(60));
      yield* s.wait(sleep(0));
      expect(server.isServing()).toBe(false);
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      expect(yield* s.wait(shutting)).toEqual({ cut: 0 });
    }),
  );

  it(
    'does so also during serveForever',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const serving = createTask(server.serveForever());
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      const shutting = createTask(server.shutdown(60));
      for (let i = 0; i < 5; i++) yield* s.wait(sleep(0));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      expect(yield* s.wait(shutting)).toEqual({ cut: 0 });
      expect(yield* failure(s, serving)).toBeInstanceOf(CancelledError);
    }),
  );

  it(
    'cancels handlers that never return, at the deadline, and closes their connections',
    networked(s, function* () {
      const ends: string[] = [];
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        writer.write('ready');
        try {
          yield* s.wait(getRunningLoop().createFuture<void>());
        } catch (error) {
          ends.push((error as Error).name);
          throw error;
        }
        yield* s.wait(reader.read());
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const pairs = [];
      for (let i = 0; i < 3; i++) {
        const pair = yield* s.wait(openConnection(LOCAL, server.port));
        yield* s.wait(pair.reader.readexactly(5));
        pairs.push(pair);
      }
      expect(yield* s.wait(server.shutdown(0.01))).toEqual({ cut: 3 });
      expect(ends).toEqual(['CancelledError', 'CancelledError', 'CancelledError']);
      expect(server.connections).toBe(0);
      for (const { reader, writer } of pairs) {
        expect(text(yield* s.wait(reader.read()))).toBe('');
        yield* closed(s, writer);
      }
    }),
  );

  it(
    'does not wait for a handler that swallows the cancellation: its connection is gone',
    networked(s, function* () {
      let isOver = false;
      const release = getRunningLoop().createFuture<void>();
      const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
        writer.write('ready');
        try {
          yield* s.wait(getRunningLoop().createFuture<void>());
        } catch {
          yield* s.wait(release);
        }
        isOver = true;
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* s.wait(reader.readexactly(5));
      expect(yield* s.wait(server.shutdown(0.01))).toEqual({ cut: 1 });
      expect(isOver).toBe(false);
      release.setResult(undefined);
      yield* until(s, () => isOver);
      yield* closed(s, writer);
    }),
  );

  it(
    'cuts a connection whose peer reads nothing, although its handler has closed it',
    networked(s, function* () {
      const server = yield* s.wait(
        startServer(
          (_reader, writer) => {
            writer.write(new Uint8Array(50_000_000));
            writer.close();
          },
          LOCAL,
          0,
        ),
      );
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port, { limit: 10 }));
      yield* s.wait(reader.readexactly(1));
      expect(yield* s.wait(server.shutdown(0.01))).toEqual({ cut: 1 });
      writer.transport.abort();
    }),
  );

  it(
    'does at once what the deadline would when it is cancelled',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      const shutting = createTask(server.shutdown(60));
      yield* s.wait(sleep(0));
      shutting.cancel();
      expect(yield* failure(s, shutting)).toBeInstanceOf(CancelledError);
      expect(text(yield* s.wait(pair.reader.read()))).toBe('');
      yield* closed(s, pair.writer);
      yield* s.wait(server.waitClosed());
    }),
  );

  it(
    'of a server without connections is over at once',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      expect(yield* s.wait(server.shutdown({ minutes: 1 }))).toEqual({ cut: 0 });
      expect(yield* s.wait(server.shutdown(0))).toEqual({ cut: 0 });
    }),
  );
});

describeBoth('the protocols of a server', (s) => {
  it(
    'are made one for each connection',
    networked(s, function* () {
      const factory = making(() => new Notes());
      const server = yield* s.wait(createServer(factory, LOCAL, 0));
      const first = yield* s.wait(openConnection(LOCAL, server.port));
      const second = yield* s.wait(openConnection(LOCAL, server.port));
      first.writer.write('one');
      second.writer.write('two');
      yield* until(s, () => factory.made.map((one) => one.received).join() === 'one,two');
      yield* closed(s, first.writer);
      yield* closed(s, second.writer);
      yield* until(s, () => factory.made.every((one) => one.isLost));
      expect(factory.made.map((one) => one.calls)).toEqual(Array(2).fill(['made', 'data', 'eof', 'lost']));
      yield* ended(s, server);
    }),
  );

  it(
    'that cannot be made are reported, and the server goes on',
    networked(s, function* (reports) {
      const problem = new Error('no protocol');
      let fails = true;
      const server = yield* s.wait(
        createServer(
          () => {
            if (fails) throw problem;
            return new Notes();
          },
          LOCAL,
          0,
        ),
      );
      const failing = yield* s.wait(openConnection(LOCAL, server.port));
      expect(text(yield* s.wait(failing.reader.read()))).toBe('');
      expect(theReport(reports)).toMatchObject({ exception: problem, server });
      fails = false;
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* until(s, () => server.connections === 1);
      yield* closed(s, failing.writer);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );
});

describe('the arguments of a server', () => {
  const wrongs: [name: string, call: () => unknown, error: object][] = [
    ['no handler', () => startServer(null as never, LOCAL, 0), { name: 'TypeError', code: 'NOT_CALLABLE' }],
    ['no factory', () => createServer(new Notes() as never, LOCAL, 0), { name: 'TypeError', code: 'NOT_CALLABLE' }],
    ['no host', () => startServer(() => {}, [], 0), { name: 'TypeError' }],
    ['a host that is none', () => startServer(() => {}, [LOCAL, 5 as never], 0), { name: 'TypeError' }],
    ['a host that is a number', () => startServer(() => {}, 8080 as never, 0), { name: 'TypeError' }],
    ['no port', () => startServer(() => {}, LOCAL, undefined as never), { name: 'TypeError' }],
    ['a port as text', () => startServer(() => {}, LOCAL, '80' as never), { name: 'TypeError' }],
    ['a port out of range', () => startServer(() => {}, LOCAL, 65_536), { name: 'ValueError', code: 'INVALID_PORT' }],
    ['half a port', () => startServer(() => {}, LOCAL, 1.5), { name: 'ValueError', code: 'INVALID_PORT' }],
    ['a version 5', () => startServer(() => {}, LOCAL, 0, { family: 5 as never }), { code: 'INVALID_FAMILY' }],
    ['a backlog below zero', () => startServer(() => {}, LOCAL, 0, { backlog: -1 }), { name: 'ValueError' }],
    ['a limit of zero', () => startServer(() => {}, LOCAL, 0, { limit: 0 }), { name: 'ValueError' }],
    ['a limit as text', () => startServer(() => {}, LOCAL, 0, { limit: '1' as never }), { name: 'TypeError' }],
    ['TLS without a certificate', () => startServer(() => {}, LOCAL, 0, { ssl: {} }), { name: 'TypeError' }],
    ['TLS as text', () => startServer(() => {}, LOCAL, 0, { ssl: 'yes' as never }), { name: 'TypeError' }],
    [
      'a handshake time without TLS',
      () => startServer(() => {}, LOCAL, 0, { sslHandshakeTimeout: 1 }),
      { name: 'ValueError', message: expect.stringContaining('only meaningful with ssl') },
    ],
  ];

  it.each(wrongs)('is refused at once: %s', (_name, call, error) => {
    expect(thrownBy(call)).toMatchObject(error);
  });

  it('a deadline is a duration', async () => {
    const { run } = await import('asyncio-ts');
    await run(async () => {
      await using server = await startServer(() => {}, LOCAL, 0);
      for (const wrong of ['5', null, Number.NaN]) expect(() => server.shutdown(wrong as never)).toThrow();
      expect(server.isServing()).toBe(true);
    });
  });
});

describeBoth('keepAlive', (s) => {
  it(
    'has the system ask silent peers, on both sides',
    networked(s, function* () {
      const asked: [boolean | undefined, number | undefined][] = [];
      const setKeepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive').mockImplementation(function (
        this: Socket,
        on,
        ms,
      ) {
        asked.push([on, ms]);
        return this;
      });
      onTestFinished(() => setKeepAlive.mockRestore());
      const server = yield* s.wait(startServer(silent(), LOCAL, 0, { keepAlive: { minutes: 1 } }));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port, { keepAlive: true }));
      yield* until(s, () => asked.length === 2);
      expect(asked).toEqual(
        expect.arrayContaining([
          [true, 0],
          [true, 60_000],
        ]),
      );
      writer.close();
      server.close();
      server.abortClients();
      yield* s.wait(server.waitClosed());
    }),
  );

  it(
    'is refused at once unless it is above zero',
    networked(s, function* () {
      expect(() => startServer(silent(), LOCAL, 0, { keepAlive: 0 })).toThrow(ValueError);
      expect(() => openConnection(LOCAL, 80, { keepAlive: -1 })).toThrow(
        'openConnection: keepAlive must be above zero seconds, got -1',
      );
    }),
  );
});
