import path from 'node:path';
import { createTask, gather } from 'asyncio-ts';
import {
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
  startUnixServer,
} from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../../support/certificates.ts';
import { failure, thrownBy } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
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
const { cert: ca } = authority;
/** What a server of `localhost` has. */
const own: SslContext = authority.issue();
/** What a client that knows the authority has. */
const trusting: SslContext = { ca };

describeBoth('an encrypted connection', (s) => {
  it(
    'carries bytes both ways',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
      const pair = yield* s.wait(openConnection(LOCAL, server.port, { ssl: trusting }));
      yield* hears(s, pair);
      yield* hears(s, pair, 'x'.repeat(500_000));
      yield* closed(s, pair.writer);
      yield* until(s, () => server.connections === 0);
      yield* ended(s, server);
    }),
  );

  it(
    'goes by the name of the host, or another one that is given',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: authority.issue({ hosts: ['a.example'] }) }));
      for (const options of [
        { ssl: trusting, serverHostname: 'a.example' },
        { ssl: { ...trusting, servername: 'a.example', host: 'a.example' } },
      ]) {
        const pair = yield* s.wait(openConnection(LOCAL, server.port, options));
        yield* hears(s, pair);
        yield* closed(s, pair.writer);
      }
      const local = yield* s.wait(startServer(echo(s), 'localhost', 0, { ssl: own, family: 4 }));
      const pair = yield* s.wait(openConnection('localhost', local.port, { ssl: trusting, family: 4 }));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, local);
      yield* ended(s, server);
    }),
  );

  it(
    'can be ended in one direction',
    networked(s, function* () {
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        writer.write(`heard ${text(yield* s.wait(reader.read()))}`);
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0, { ssl: own }));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port, { ssl: trusting }));
      writer.write('everything');
      writer.writeEof();
      expect(text(yield* s.wait(reader.read()))).toBe('heard everything');
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'sends what was written before close, however much it is',
    networked(s, function* () {
      const size = 3_000_000;
      const server = yield* s.wait(
        startServer(
          (_reader, writer) => {
            writer.write(new Uint8Array(size));
            writer.close();
          },
          LOCAL,
          0,
          { ssl: own },
        ),
      );
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port, { ssl: trusting }));
      expect((yield* s.wait(reader.read())).length).toBe(size);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'slows the writer down',
    networked(s, function* () {
      const size = 8_000_000;
      const server = yield* s.wait(
        startServer(
          s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
            for (let sent = 0; sent < size; sent += 100_000) {
              writer.write(new Uint8Array(100_000));
              yield* s.wait(writer.drain());
              expect(writer.transport.getWriteBufferSize()).toBeLessThanOrEqual(65_536);
            }
            writer.close();
          }),
          LOCAL,
          0,
          { ssl: own },
        ),
      );
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port, { ssl: trusting }));
      let got = 0;
      while (!reader.atEof()) got += (yield* s.wait(reader.read(50_000))).length;
      expect(got).toBe(size);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'does not block drain for ever when the marks are lowered below what is being sent, nor after the end',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port, { ssl: trusting }));
      for (let i = 0; i < 20; i++) {
        writer.transport.setWriteBufferLimits({ high: 1e6, low: 1e6 });
        writer.write(new Uint8Array(20_000));
        if (i === 19) writer.writeEof();
        writer.transport.setWriteBufferLimits({ high: 0 });
        yield* s.wait(writer.drain());
        expect(writer.transport.getWriteBufferSize()).toBe(0);
        yield* s.wait(reader.readexactly(20_000));
      }
      expect(text(yield* s.wait(reader.read()))).toBe('');
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'has its cipher, the certificate of the peer, and its addresses',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port, { ssl: trusting }));
      expect(writer.getExtraInfo('peername')).toEqual([LOCAL, server.port]);
      expect(writer.getExtraInfo('peercert')).toMatchObject({ subject: { CN: 'localhost' } });
      expect(writer.getExtraInfo('cipher')).toEqual([expect.stringContaining('TLS_'), 'TLSv1.3', null]);
      expect(writer.getExtraInfo('sslObject')).toHaveProperty('authorized', true);
      expect(writer.getExtraInfo('ssl_object')).toBe(writer.getExtraInfo('sslObject'));
      expect(writer.getExtraInfo('alpnProtocol', 'x')).toBe('x');
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'agrees on a protocol (ALPN)',
    networked(s, function* () {
      const agreed: unknown[] = [];
      const server = yield* s.wait(
        startServer(
          (_reader, writer) => {
            agreed.push(writer.getExtraInfo('alpnProtocol'));
            writer.close();
          },
          LOCAL,
          0,
          { ssl: { ...own, ALPNProtocols: ['two', 'one'] } },
        ),
      );
      const { writer } = yield* s.wait(
        openConnection(LOCAL, server.port, { ssl: { ...trusting, ALPNProtocols: ['one', 'two'] } }),
      );
      expect(writer.getExtraInfo('alpnProtocol')).toBe('two');
      yield* until(s, () => agreed.length > 0);
      expect(agreed).toEqual(['two']);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'calls protocols in order, which know of it when it is encrypted',
    networked(s, function* () {
      const factory = making(() => new Notes());
      const server = yield* s.wait(createServer(factory, LOCAL, 0, { ssl: own }));
      const [transport, protocol] = yield* s.wait(
        createConnection(() => new Notes(), LOCAL, server.port, { ssl: trusting }),
      );
      expect(protocol.calls).toEqual(['made']);
      transport.write('hello');
      transport.close();
      yield* until(s, () => protocol.isLost && factory.made[0]?.isLost === true);
      expect(factory.made[0]!.received).toBe('hello');
      expect(factory.made[0]!.calls).toEqual(['made', 'data', 'eof', 'lost']);
      expect(protocol.calls).toEqual(['made', 'lost']);
      expect(protocol.error).toBeNull();
      yield* ended(s, server);
    }),
  );

  it(
    'goes over a Unix socket, many at a time',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const server = yield* s.wait(startUnixServer(echo(s), file, { ssl: own }));
      const client = s.fn(function* (): Generator<unknown, void, unknown> {
        const pair = yield* s.wait(openUnixConnection(file, { ssl: trusting, serverHostname: 'localhost' }));
        expect(pair.writer.getExtraInfo('peername')).toBe(file);
        yield* hears(s, pair);
        yield* closed(s, pair.writer);
      });
      yield* s.wait(gather(...Array.from({ length: 5 }, () => createTask(client))));
      yield* ended(s, server);
    }),
  );

  it(
    'needs a certificate of the client when the server asks for one',
    networked(s, function* () {
      const ssl: SslContext = { ...own, ca, requestCert: true, rejectUnauthorized: true };
      const names: unknown[] = [];
      const server = yield* s.wait(
        startServer(
          s.fn(function* (reader: StreamReader, writer: StreamWriter) {
            names.push((writer.getExtraInfo('peercert') as { subject?: { CN?: string } })?.subject?.CN);
            writer.write(yield* s.wait(reader.readline()));
            writer.close();
          }),
          LOCAL,
          0,
          { ssl },
        ),
      );
      const known = yield* s.wait(
        openConnection(LOCAL, server.port, { ssl: { ...trusting, ...authority.issue({ hosts: ['the client'] }) } }),
      );
      yield* hears(s, known);
      expect(names).toEqual(['the client']);
      yield* closed(s, known.writer);
      // With TLS 1.3 a client is done before the server has looked at it: the refusal comes when it reads.
      for (const identity of [{}, new Authority('Others').issue()]) {
        const unknown = yield* s.wait(openConnection(LOCAL, server.port, { ssl: { ...trusting, ...identity } }));
        try {
          expect(text(yield* s.wait(unknown.reader.readline()))).toBe('');
        } catch (error) {
          expect(error).toMatchObject({ name: expect.stringMatching(/^(SSLError|ConnectionResetError)$/) });
        }
        unknown.writer.close();
      }
      expect(names).toHaveLength(1);
      yield* ended(s, server);
    }),
  );
});

describeBoth('an encrypted connection that cannot be', (s) => {
  it(
    'fails when the certificate of the server is not trusted',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
      for (const ssl of [true, {}, { ca: new Authority('Others').cert }]) {
        const error = yield* failure(s, openConnection(LOCAL, server.port, { ssl }));
        expect(error).toBeInstanceOf(SSLCertVerificationError);
        expect(error).toBeInstanceOf(SSLError);
        expect(error).toMatchObject({
          name: 'SSLCertVerificationError',
          code: expect.stringMatching(/^UNABLE_TO_|SIGNATURE/),
          message: expect.stringContaining(LOCAL),
        });
      }
      const careless = yield* s.wait(openConnection(LOCAL, server.port, { ssl: { rejectUnauthorized: false } }));
      yield* hears(s, careless);
      yield* closed(s, careless.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'fails when the certificate is that of another host',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: authority.issue({ hosts: ['a.example'] }) }));
      const error = yield* failure(s, openConnection(LOCAL, server.port, { ssl: trusting }));
      expect(error).toBeInstanceOf(SSLCertVerificationError);
      expect(error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID', message: expect.stringContaining(LOCAL) });
      const other = openConnection(LOCAL, server.port, { ssl: trusting, serverHostname: 'b.example' });
      expect(yield* failure(s, other)).toMatchObject({ message: expect.stringContaining('b.example') });
      yield* ended(s, server);
    }),
  );

  it(
    'fails when the certificate is over',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: authority.issue({ days: -1 }) }));
      const error = yield* failure(s, openConnection(LOCAL, server.port, { ssl: trusting }));
      expect(error).toBeInstanceOf(SSLCertVerificationError);
      expect(error).toMatchObject({ code: 'CERT_HAS_EXPIRED' });
      yield* ended(s, server);
    }),
  );

  it(
    'fails with a server that does not encrypt, and the server goes on',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const error = yield* failure(s, openConnection(LOCAL, server.port, { ssl: trusting }));
      expect(error).toBeInstanceOf(SSLError);
      expect(error).not.toBeInstanceOf(SSLCertVerificationError);
      expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_SSL_/) });
      yield* until(s, () => server.connections === 0);
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'is not made for a client that does not encrypt, and the server goes on',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
      const plain = yield* s.wait(openConnection(LOCAL, server.port));
      plain.writer.write('GET / HTTP/1.1\r\n\r\n');
      // An alert of TLS may come, or a reset; then it is over.
      try {
        yield* s.wait(plain.reader.read());
      } catch (error) {
        expect(error).toMatchObject({ code: 'ECONNRESET' });
      }
      plain.writer.close();
      expect(server.connections).toBe(0);
      const pair = yield* s.wait(openConnection(LOCAL, server.port, { ssl: trusting }));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'is reported by the server in debug mode',
    networked(
      s,
      function* (reports) {
        const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
        const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
        writer.write('GET / HTTP/1.1\r\n\r\n');
        yield* until(s, () => reports.length > 0);
        writer.close();
        expect(theReport(reports)).toMatchObject({ message: expect.stringContaining('handshake'), server });
        yield* ended(s, server);
      },
      { debug: true },
    ),
  );

  it(
    'fails when the server closes instead of answering',
    networked(s, function* () {
      const server = yield* s.wait(startServer((_reader, writer) => writer.close(), LOCAL, 0));
      const error = yield* failure(s, openConnection(LOCAL, server.port, { ssl: trusting }));
      expect(error).toMatchObject({ name: 'ConnectionResetError', code: 'ECONNRESET' });
      yield* ended(s, server);
    }),
  );

  it(
    'fails when the handshake takes too long',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent(), LOCAL, 0));
      const error = yield* failure(s, openConnection(LOCAL, server.port, { ssl: trusting, sslHandshakeTimeout: 0.01 }));
      expect(error).toMatchObject({
        name: 'ConnectionAbortedError',
        code: 'ETIMEDOUT',
        message: expect.stringContaining('0.01 seconds'),
      });
      yield* ended(s, server);
    }),
  );

  it(
    'is given up by a server whose client takes too long',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own, sslHandshakeTimeout: 0.01 }));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      try {
        expect(text(yield* s.wait(reader.read()))).toBe('');
      } catch (error) {
        expect(error).toMatchObject({ code: 'ECONNRESET' });
      }
      writer.close();
      yield* ended(s, server);
    }),
  );

  it(
    'leaves nothing when it is cancelled, at any point',
    networked(s, function* () {
      const quiet = yield* s.wait(startServer(silent(), LOCAL, 0));
      const task = createTask(openConnection(LOCAL, quiet.port, { ssl: trusting }));
      yield* until(s, () => quiet.connections === 1);
      yield* rounds(s, 3);
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      yield* ended(s, quiet);

      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
      for (let after = 0; ; after += 3) {
        const task = createTask(openConnection(LOCAL, server.port, { ssl: trusting }));
        for (let i = 0; i < after; i++) yield* rounds(s, 1);
        if (task.done()) {
          yield* closed(s, task.result().writer);
          break;
        }
        task.cancel();
        expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      }
      yield* until(s, () => server.connections === 0);
      yield* ended(s, server);
    }),
  );

  it(
    'leaves nothing in the server when the client goes before the handshake is over',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
      const connections = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
      const before = connections();
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* rounds(s, 5);
      expect(connections()).toBe(before + 2);
      yield* closed(s, writer);
      yield* until(s, () => connections() === before);
      yield* ended(s, server);
    }),
  );

  it(
    'ends with its server, when its handshake is under way',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const tcp = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
      const unix = yield* s.wait(startUnixServer(echo(s), file, { ssl: own }));
      const clients = [];
      for (let i = 0; i < 3; i++) {
        clients.push(yield* s.wait(openConnection(LOCAL, tcp.port)));
        clients.push(yield* s.wait(openUnixConnection(file)));
      }
      const working = yield* s.wait(openUnixConnection(file, { ssl: trusting, serverHostname: 'localhost' }));
      yield* hears(s, working);
      yield* rounds(s, 5);
      tcp.close();
      unix.close();
      for (const { reader } of clients) {
        try {
          expect(text(yield* s.wait(reader.read()))).toBe('');
        } catch (error) {
          expect(error).toMatchObject({ code: 'ECONNRESET' });
        }
      }
      for (const { writer } of clients) writer.close();
      yield* hears(s, working);
      yield* closed(s, working.writer);
      yield* s.wait(tcp.waitClosed());
      yield* s.wait(unix.waitClosed());
    }),
  );

  it(
    'fails at once with a key or a certificate that is none, and leaves nothing',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0, { ssl: own }));
      const wrong = { key: 'no key', cert: 'no certificate' };
      expect(yield* failure(s, openConnection(LOCAL, server.port, { ssl: wrong }))).toBeInstanceOf(SSLError);
      expect(yield* failure(s, startServer(echo(s), LOCAL, 0, { ssl: wrong }))).toBeInstanceOf(SSLError);
      yield* ended(s, server);
    }),
  );
});

describe('the arguments of an encrypted connection', () => {
  it.each<[name: string, call: () => unknown, error: object]>([
    [
      'a handshake time of zero',
      () => openConnection(LOCAL, 1, { ssl: true, sslHandshakeTimeout: 0 }),
      { name: 'ValueError' },
    ],
    ['one below zero', () => openConnection(LOCAL, 1, { ssl: true, sslHandshakeTimeout: -1 }), { name: 'ValueError' }],
    [
      'one below zero for a server',
      () => startServer(() => {}, LOCAL, 0, { ssl: own, sslHandshakeTimeout: -1 }),
      { name: 'ValueError' },
    ],
    [
      'a key without certificate',
      () => startServer(() => {}, LOCAL, 0, { ssl: { key: own.key } }),
      { name: 'TypeError' },
    ],
  ])('is refused at once: %s', (_name, call, error) => {
    expect(thrownBy(call)).toMatchObject(error);
  });
});
