import { forEach, getRunningLoop, iterate, TimeoutError, timeout } from 'asyncio-ts';
import {
  ConnectionRefusedError,
  ConnectionResetError,
  connectAcceptedSocket,
  createConnection,
  createServer,
  IncompleteReadError,
  LimitOverrunError,
  OSError,
  openConnection,
  openUnixConnection,
  Protocol,
  type Server,
  SSLCertVerificationError,
  type StreamReader,
  type StreamWriter,
  startServer,
  startUnixServer,
  type Transport,
} from 'asyncio-ts/node';
import { cert, key } from '../../../field/certificate.mjs';
import { equal, ok } from '../../lib/expect.ts';
import { subject } from '../../lib/registry.ts';
import type { Spelling, Steps } from '../../lib/spellings.ts';
import { text } from '../../lib/text.ts';

const { live: program } = subject('streams');

const HOST = '127.0.0.1';

/** Sends back every line, and says good-bye at the end. */
function echo(s: Spelling) {
  return s.fn(function* (reader: StreamReader, writer: StreamWriter) {
    const answer = s.fn(function* (line: Uint8Array) {
      writer.write(line);
      yield* s.wait(writer.drain());
    });
    yield* s.wait(forEach(reader, answer));
    writer.write('bye\n');
    writer.close();
  });
}

/** Talks to an echo server, half-closes, and reads the rest. */
function* talk(s: Spelling, [reader, writer]: readonly [StreamReader, StreamWriter]): Steps<void> {
  writer.writelines(['one\n', new Uint8Array([116, 119, 111, 10])]);
  equal(text(yield* s.wait(reader.readline())), 'one\n');
  equal(text(yield* s.wait(reader.readexactly(4))), 'two\n');
  writer.writeEof();
  equal(text(yield* s.wait(reader.read())), 'bye\n');
  ok(reader.atEof(), 'the end');
  writer.close();
  yield* s.wait(writer.waitClosed());
}

function* end(s: Spelling, server: Server): Steps<void> {
  equal((yield* s.wait(server.shutdown(5))).cut, 0);
  equal(String(server), '<Server closed connections=0>');
}

program('lines go both ways over TCP, and half-close works', function* (s) {
  const server = yield* s.wait(startServer(echo(s), HOST, 0));
  const connection = yield* s.wait(openConnection(HOST, server.port));
  equal(connection.writer.getExtraInfo('peername'), [HOST, server.port]);
  yield* talk(s, connection);
  yield* end(s, server);
});

program('lines go both ways over TLS, and an untrusted certificate is refused', function* (s) {
  const server = yield* s.wait(startServer(echo(s), HOST, 0, { ssl: { key, cert } }));
  yield* talk(s, yield* s.wait(openConnection(HOST, server.port, { ssl: { ca: cert } })));
  yield* s.fails(openConnection(HOST, server.port, { ssl: true }), SSLCertVerificationError);
  yield* s.fails(
    openConnection(HOST, server.port, { ssl: { ca: cert }, serverHostname: 'example.org' }),
    SSLCertVerificationError,
  );
  yield* talk(s, yield* s.wait(openConnection(HOST, server.port, { ssl: { ca: cert }, serverHostname: 'localhost' })));
  yield* end(s, server);
});

program('a connection is encrypted in its midst', function* (s) {
  const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
    equal(text(yield* s.wait(reader.readline())), 'STARTTLS\n');
    writer.write('go on\n');
    yield* s.wait(writer.startTls({ key, cert }));
    yield* s.wait(echo(s)(reader, writer));
  });
  const server = yield* s.wait(startServer(handler, HOST, 0));
  const connection = yield* s.wait(openConnection(HOST, server.port));
  connection.writer.write('STARTTLS\n');
  equal(text(yield* s.wait(connection.reader.readline())), 'go on\n');
  yield* s.wait(connection.writer.startTls({ ca: cert }));
  ok(connection.writer.getExtraInfo('cipher') !== undefined, 'a cipher');
  yield* talk(s, connection);
  yield* end(s, server);
});

program('lines go both ways over a Unix socket', function* (s) {
  const { mkdtempSync, rmSync } = process.getBuiltinModule('node:fs');
  const folder = mkdtempSync('/tmp/asyncio-ts-contract-');
  const path = `${folder}/socket`;
  const server = yield* s.wait(startUnixServer(echo(s), path));
  yield* talk(s, yield* s.wait(openUnixConnection(path)));
  yield* end(s, server);
  rmSync(folder, { recursive: true });
});

program('a fast writer waits for a slow reader, and no byte is lost', function* (s) {
  const size = 4_000_000;
  const chunk = new Uint8Array(50_000).map((_, i) => i);
  let most = 0;
  const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
    for (let sent = 0; sent < size; sent += chunk.length) {
      writer.write(chunk);
      most = Math.max(most, writer.transport.getWriteBufferSize());
      yield* s.wait(writer.drain());
    }
    writer.close();
  });
  const server = yield* s.wait(startServer(handler, HOST, 0));
  const [reader, writer] = yield* s.wait(openConnection(HOST, server.port));
  for (let read = 0; read < size; read += chunk.length)
    ok(text(yield* s.wait(reader.readexactly(chunk.length))) === text(chunk), 'the bytes that were written');
  yield* s.fails(reader.readexactly(1), IncompleteReadError);
  ok(most <= 200_000, `at most 200,000 bytes to send, not ${most}`);
  writer.close();
  yield* end(s, server);
});

program('lines end as is said, as bytes and as text, within the limit', function* (s) {
  const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter): Steps<void> {
    writer.write('a;b, c;one\r\ntwo\ngrü');
    writer.write(`ße\n${'x'.repeat(500)}`);
    writer.close();
  });
  const server = yield* s.wait(startServer(handler, HOST, 0));
  const [reader, writer] = yield* s.wait(openConnection(HOST, server.port, { limit: 100 }));
  equal(text(yield* s.wait(reader.readuntil(';'))), 'a;');
  equal(text(yield* s.wait(reader.readuntil([';', ', ']))), 'b, ');
  equal(text(yield* s.wait(reader.readuntil(';'))), 'c;');
  const lines = iterate(reader.lines());
  for (const line of ['one', 'two', 'grüße']) equal((yield* s.wait(lines.next())).value, line);
  const error = yield* s.fails(reader.readuntil(';'), LimitOverrunError);
  ok(error.consumed > 100, `more than the limit, not ${error.consumed}`);
  equal((yield* s.wait(reader.read())).length, 500);
  writer.close();
  yield* end(s, server);
});

program('a handler that fails is reported, and the server keeps running', function* (s) {
  const reports: unknown[] = [];
  getRunningLoop().setExceptionHandler((_loop, { exception }) => {
    reports.push(exception);
  });
  const failing = s.fn(function* (_reader: StreamReader, _writer: StreamWriter): Steps<void> {
    throw new RangeError('a mistake');
  });
  const server = yield* s.wait(startServer(failing, HOST, 0));
  for (let i = 1; i <= 2; i++) {
    const [reader, writer] = yield* s.wait(openConnection(HOST, server.port));
    equal((yield* s.wait(reader.read())).length, 0);
    writer.close();
    equal(reports.map(String), Array(i).fill('RangeError: a mistake'));
  }
  yield* end(s, server);
});

program('a handler that never ends is cut at the deadline', function* (s) {
  const forever = s.fn(function* (reader: StreamReader, _writer: StreamWriter) {
    for (;;) yield* s.wait(reader.readline());
  });
  const server = yield* s.wait(startServer(forever, HOST, 0));
  const [reader, writer] = yield* s.wait(openConnection(HOST, server.port));
  equal((yield* s.wait(server.shutdown(0.05))).cut, 1);
  try {
    yield* s.wait(reader.read());
  } catch (error) {
    ok(error instanceof ConnectionResetError, 'a reset, or the end');
  }
  writer.close();
});

program('errors of the system have its codes, and are thrown at once', function* (s) {
  const server = yield* s.wait(startServer(echo(s), HOST, 0));
  const { port } = server;
  equal((yield* s.fails(startServer(echo(s), HOST, port), OSError)).code, 'EADDRINUSE');
  yield* end(s, server);
  equal((yield* s.fails(openConnection(HOST, port), ConnectionRefusedError)).code, 'ECONNREFUSED');
  equal((yield* s.fails(openConnection('no.such.host.invalid', 1), OSError)).code, 'ENOTFOUND');
  equal((yield* s.fails(openUnixConnection('/tmp/no-such-folder/socket'), OSError)).code, 'ENOENT');
});

program('a wait for a connection is cancelled, and leaves nothing', function* (s) {
  const silent = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
    equal((yield* s.wait(reader.read())).length, 0);
    writer.close();
  });
  const server = yield* s.wait(startServer(silent, HOST, 0));
  const [reader, writer] = yield* s.wait(openConnection(HOST, server.port));
  const read = s.fn(function* () {
    yield* s.wait(reader.readline());
  });
  yield* s.fails(timeout(0.01, read), TimeoutError);
  writer.writeEof();
  equal((yield* s.wait(reader.readline())).length, 0);
  writer.close();
  yield* end(s, server);
});

/** Notes what it is told. */
class Notes extends Protocol {
  readonly notes: string[] = [];
  readonly lost = getRunningLoop().createFuture<void>();
  transport: Transport | null = null;

  override connectionMade(transport: Transport): void {
    this.transport = transport;
    this.notes.push('made');
  }

  override dataReceived(data: Uint8Array): void {
    this.notes.push(text(data));
  }

  override eofReceived(): boolean {
    this.notes.push('eof');
    return false;
  }

  override connectionLost(error: unknown): void {
    this.notes.push(`lost ${error}`);
    this.lost.setResult(undefined);
  }
}

/** Answers to everything. */
class Answering extends Notes {
  override dataReceived(data: Uint8Array): void {
    super.dataReceived(data);
    this.transport?.write('answer');
  }
}

program('events reach a protocol in order', function* (s) {
  const made: Notes[] = [];
  const factory = () => {
    const notes = new Answering();
    made.push(notes);
    return notes;
  };
  const server = yield* s.wait(createServer(factory, HOST, 0));
  const [transport, client] = yield* s.wait(createConnection(() => new Notes(), HOST, server.port));
  transport.write('question');
  transport.writeEof();
  yield* s.wait(client.lost);
  yield* s.wait(made[0]!.lost);
  equal(made[0]!.notes, ['made', 'question', 'eof', 'lost null']);
  equal(client.notes, ['made', 'answer', 'eof', 'lost null']);
  yield* end(s, server);
});

program('a socket that something else has accepted becomes a transport', function* (s) {
  const net = process.getBuiltinModule('node:net');
  const loop = getRunningLoop();
  const accepted = loop.createFuture<InstanceType<typeof net.Socket>>();
  const foreign = net.createServer({ pauseOnConnect: false }, (socket) => accepted.setResult(socket));
  const listening = loop.createFuture<void>();
  foreign.listen(0, HOST, () => listening.setResult(undefined));
  yield* s.wait(listening);
  const address = foreign.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const [reader, writer] = yield* s.wait(openConnection(HOST, port));
  const [transport, notes] = yield* s.wait(connectAcceptedSocket(() => new Answering(), yield* s.wait(accepted)));
  writer.write('question');
  equal(text(yield* s.wait(reader.readexactly(6))), 'answer');
  transport.close();
  yield* s.wait(notes.lost);
  writer.close();
  foreign.close();
});
