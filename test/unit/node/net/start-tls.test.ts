import { createServer as createNodeServer, type Socket } from 'node:net';
import path from 'node:path';
import { createTask, getRunningLoop, sleep, waitFor } from 'asyncio-ts';
import {
  connectAcceptedSocket,
  createConnection,
  createServer,
  openConnection,
  openUnixConnection,
  SSLCertVerificationError,
  SSLError,
  type SslContext,
  type StreamReader,
  type StreamWriter,
  startServer,
  startTls,
  startUnixServer,
  type Transport,
} from 'asyncio-ts/node';
import { expect, it } from 'vitest';
import { Authority } from '../../../support/certificates.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { text } from '../../streams/support.ts';
import {
  closed,
  echo,
  ended,
  folder,
  hears,
  LOCAL,
  making,
  Notes,
  networked,
  rounds,
  silent,
  theReport,
  until,
} from './support.ts';

const authority = new Authority();
const own: SslContext = authority.issue();
const trusting: SslContext = { ca: authority.cert };

/** A handler that encrypts when it is asked to, and then sends back what comes. */
function upgrading(s: Spelling, { before = '', slow = false } = {}) {
  return s.fn(function* upgrading(reader: StreamReader, writer: StreamWriter) {
    expect(text(yield* s.wait(reader.readline()))).toBe('STARTTLS\n');
    writer.write(`go ahead\n${before}`);
    if (slow) yield* until(s, () => String(reader).includes('bytes'));
    yield* s.wait(writer.startTls(own));
    while (true) {
      const line = yield* s.wait(reader.readline());
      if (line.length === 0) break;
      writer.write(line);
    }
    writer.close();
  });
}

/** Asks for encryption, and reads the answer. */
function* asks(
  s: Spelling,
  { reader, writer }: { readonly reader: StreamReader; readonly writer: StreamWriter },
): Generator<unknown, void, unknown> {
  writer.write('STARTTLS\n');
  expect(text(yield* s.wait(reader.readline()))).toBe('go ahead\n');
}

describeBoth('startTls', (s) => {
  it(
    'encrypts a connection in its middle, on both sides',
    networked(s, function* () {
      const server = yield* s.wait(startServer(upgrading(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* asks(s, pair);
      const plain = pair.writer.transport;
      yield* s.wait(pair.writer.startTls(trusting));
      expect(pair.writer.transport).not.toBe(plain);
      expect(plain.isClosing()).toBe(true);
      expect(pair.writer.getExtraInfo('sslObject')).toHaveProperty('encrypted', true);
      expect(pair.writer.getExtraInfo('peername')).toEqual([LOCAL, server.port]);
      yield* hears(s, pair);
      yield* hears(s, pair, `${'x'.repeat(60_000)}\n`);
      expect(server.connections).toBe(1);
      yield* closed(s, pair.writer);
      yield* until(s, () => server.connections === 0);
      yield* ended(s, server);
    }),
  );

  it(
    'takes what the client has sent before the server began as the beginning of the handshake',
    networked(s, function* () {
      const server = yield* s.wait(startServer(upgrading(s, { slow: true }), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* asks(s, pair);
      yield* s.wait(pair.writer.startTls(trusting));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'sends what was written before in plain, however much it is',
    networked(s, function* () {
      const before = 'x'.repeat(5_000_000);
      const server = yield* s.wait(startServer(upgrading(s, { before: `${before}\n` }), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      pair.writer.transport.setWriteBufferLimits({ high: 1e9 });
      yield* asks(s, pair);
      expect((yield* s.wait(pair.reader.readexactly(before.length + 1))).length).toBe(before.length + 1);
      yield* s.wait(pair.writer.startTls(trusting));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'sends what was written before, although no drain would wait for it',
    networked(s, function* () {
      const size = 20_000_000;
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        // The peer begins its handshake while this is still to be read.
        yield* rounds(s, 20);
        yield* s.wait(reader.readexactly(size));
        yield* s.wait(writer.startTls(own));
        writer.write(yield* s.wait(reader.readline()));
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0, { limit: 1_000 }));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      pair.writer.transport.setWriteBufferLimits({ high: 1e9, low: 1e9 });
      for (let i = 0; i < 50; i++) pair.writer.write(new Uint8Array(size / 50));
      yield* s.wait(pair.writer.startTls(trusting));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'lets the peer go on to write when it slowed it down before',
    networked(s, function* () {
      const server = yield* s.wait(startServer(upgrading(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port, { limit: 4 }));
      // The answer is longer than twice the limit: the transport is paused when the handshake begins.
      pair.writer.write('STARTTLS\n');
      yield* s.wait(pair.reader.readexactly(9));
      yield* s.wait(pair.writer.startTls(trusting));
      pair.writer.write('abc\n');
      expect(text(yield* s.wait(pair.reader.readline()))).toBe('abc\n');
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'fails when the certificate of the server is not trusted, and the connection is gone then',
    networked(s, function* (reports) {
      const server = yield* s.wait(startServer(upgrading(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* asks(s, pair);
      const error = yield* failure(s, pair.writer.startTls({}));
      expect(error).toBeInstanceOf(SSLCertVerificationError);
      expect(pair.writer.isClosing()).toBe(true);
      expect(yield* failure(s, pair.reader.read())).toBe(error);
      expect(yield* failure(s, pair.writer.drain())).toBe(error);
      expect(yield* failure(s, pair.writer.waitClosed())).toBe(error);
      pair.writer.write('in vain');
      pair.writer.close();
      yield* until(s, () => server.connections === 0 && reports.length > 0);
      expect(theReport(reports).exception).toMatchObject({ name: 'ConnectionResetError' }); // what the handler fails with
      yield* ended(s, server);
    }),
  );

  it(
    'fails on the server when the client goes on in plain',
    networked(s, function* () {
      const errors: unknown[] = [];
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        yield* s.wait(reader.readline());
        writer.write('go ahead\n');
        errors.push(yield* failure(s, writer.startTls(own)));
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* asks(s, pair);
      pair.writer.write('GET / HTTP/1.1\r\n\r\n');
      yield* until(s, () => errors.length > 0);
      expect(errors[0]).toBeInstanceOf(SSLError);
      yield* until(s, () => server.connections === 0);
      pair.writer.close();
      yield* ended(s, server);
    }),
  );

  it(
    'fails when the peer closes instead, or has closed before',
    networked(s, function* () {
      const server = yield* s.wait(
        startServer(
          s.fn(function* (reader: StreamReader, writer: StreamWriter) {
            yield* s.wait(reader.readline());
            writer.write('go ahead\n');
            writer.close();
          }),
          LOCAL,
          0,
        ),
      );
      for (const waits of [false, true]) {
        const pair = yield* s.wait(openConnection(LOCAL, server.port));
        yield* asks(s, pair);
        if (waits) yield* s.wait(pair.reader.read());
        const error = yield* failure(s, waitFor(pair.writer.startTls(trusting), 3));
        expect(error).toMatchObject({ name: 'ConnectionResetError' });
        pair.writer.close();
      }
      yield* ended(s, server);
    }),
  );

  it(
    'fails when it takes too long',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent('go ahead\n'), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* asks(s, pair);
      const error = yield* failure(s, pair.writer.startTls(trusting, { sslHandshakeTimeout: 0.01 }));
      expect(error).toMatchObject({ name: 'ConnectionAbortedError', code: 'ETIMEDOUT' });
      yield* ended(s, server);
    }),
  );

  it(
    'aborts the connection when it is cancelled',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent('go ahead\n'), LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* asks(s, { reader, writer });
      const task = createTask(writer.startTls(trusting));
      yield* rounds(s, 5);
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(writer.isClosing()).toBe(true);
      yield* ended(s, server);
    }),
  );

  it(
    'is ended by a server that aborts its connections',
    networked(s, function* () {
      let error: unknown;
      const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
        error = yield* failure(s, writer.startTls(own));
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* until(s, () => server.connections === 1);
      yield* rounds(s, 5);
      server.close();
      server.abortClients();
      yield* s.wait(server.waitClosed());
      expect(error).toMatchObject({ name: 'ConnectionResetError' });
      yield* s.wait(reader.read());
      yield* closed(s, writer);
    }),
  );

  it(
    'is refused with options that are none, and leaves the connection as it is',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      for (const wrong of [null, false, 'yes', 1])
        expect(yield* failure(s, pair.writer.startTls(wrong))).toBeInstanceOf(TypeError);
      expect(
        yield* failure(s, pair.writer.startTls({ ca: 'nonsense', key: 'nonsense', cert: 'nonsense' })),
      ).toBeInstanceOf(SSLError);
      expect(pair.writer.isClosing()).toBe(true);
      const other = yield* s.wait(openConnection(LOCAL, server.port));
      yield* closed(s, other.writer);
      expect(yield* failure(s, other.writer.startTls(trusting))).toBeDefined();
      yield* ended(s, server);
    }),
  );
});

describeBoth('startTls over a connection that was made without a host', (s) => {
  it(
    'needs the expected server name',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const server = yield* s.wait(startUnixServer(upgrading(s), file));
      const pair = yield* s.wait(openUnixConnection(file));
      yield* asks(s, pair);
      expect(yield* failure(s, pair.writer.startTls(trusting))).toMatchObject({
        name: 'ValueError',
        message: expect.stringContaining('serverHostname'),
      });
      expect(pair.writer.isClosing()).toBe(false);
      yield* s.wait(pair.writer.startTls(trusting, { serverHostname: 'localhost' }));
      yield* hears(s, pair);
      expect(pair.writer.getExtraInfo('peername')).toBe(file);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );
});

describeBoth('startTls of a transport', (s) => {
  it(
    'gives one that continues with the protocol, whose connectionMade is not called again',
    networked(s, function* () {
      const factory = making(() => new Notes());
      const server = yield* s.wait(createServer(factory, LOCAL, 0));
      const [plain, client] = yield* s.wait(createConnection(() => new Notes(), LOCAL, server.port));
      yield* until(s, () => factory.made[0]?.transport != null);
      const peer = factory.made[0]!;
      const next = new Notes();
      const tasks = [
        createTask(startTls(plain, client, trusting)),
        createTask(startTls(peer.transport!, next, own, { serverSide: true })),
      ];
      const mine: Transport = yield* s.wait(tasks[0]!);
      const theirs: Transport = yield* s.wait(tasks[1]!);
      mine.write('hello');
      yield* until(s, () => next.received === 'hello');
      theirs.write('hello yourself');
      theirs.close();
      yield* until(s, () => client.isLost && next.isLost);
      expect(client.calls).toEqual(['made', 'data', 'eof', 'lost']);
      expect(next.calls).toEqual(['data', 'lost']);
      expect(peer.calls).toEqual(['made']);
      yield* until(s, () => server.connections === 0);
      yield* ended(s, server);
    }),
  );

  it(
    'reports the loss once to the protocol, when it fails',
    networked(s, function* () {
      const server = yield* s.wait(createServer(() => new Notes(), LOCAL, 0));
      const [plain, client] = yield* s.wait(createConnection(() => new Notes(), LOCAL, server.port));
      const error = yield* failure(s, startTls(plain, client, trusting, { sslHandshakeTimeout: 0.01 }));
      yield* rounds(s, 5);
      expect(client.calls).toEqual(['made', 'lost']);
      expect(client.error).toBe(error);
      yield* until(s, () => server.connections === 0);
      yield* ended(s, server);
    }),
  );
});

describeBoth('a socket that other code has accepted', (s) => {
  it(
    'becomes a transport, in plain or encrypted',
    networked(s, function* () {
      for (const ssl of [null, own]) {
        const accepted = getRunningLoop().createFuture<Socket>();
        const server = createNodeServer({ allowHalfOpen: true }, (socket) => accepted.setResult(socket));
        const listening = getRunningLoop().createFuture<void>();
        server.listen(0, LOCAL, () => listening.setResult(undefined));
        yield* s.wait(listening);
        const { port } = server.address() as { port: number };
        const connecting = createTask(openConnection(LOCAL, port, { ssl: ssl === null ? null : trusting }));
        const sock = yield* s.wait(accepted);
        const [transport, peer] = yield* s.wait(connectAcceptedSocket(() => new Notes(), sock, { ssl }));
        const { reader, writer } = yield* s.wait(connecting);
        writer.write('hello');
        yield* until(s, () => peer.received === 'hello');
        transport.write('bye');
        transport.close();
        expect(text(yield* s.wait(reader.read()))).toBe('bye');
        yield* closed(s, writer);
        yield* until(s, () => peer.isLost);
        server.close();
      }
      yield* s.wait(sleep(0));
    }),
  );
});
