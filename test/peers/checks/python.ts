// Python's own asyncio streams, as client of our servers and as server of our clients.
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { createTask, Future, gather } from 'asyncio-ts';
import {
  ConnectionError,
  ConnectionResetError,
  openConnection,
  openUnixConnection,
  type Server,
  SSLCertVerificationError,
  type StreamReader,
  type StreamWriter,
  startServer,
  startUnixServer,
  type TlsClientOptions,
} from 'asyncio-ts/node';
import { type Certificate, certificate } from '../lib/certificates.ts';
import { type Checks, Missing } from '../lib/checks.ts';
import { type Handler, handlers, type Seen } from '../lib/handlers.ts';
import { findProgram, Program } from '../lib/programs.ts';
import { CONNECTIONS, MEGABYTE, text } from '../lib/talk.ts';
import * as talkers from '../lib/talkers.ts';

const PEER = path.join(import.meta.dirname, '../python/peer.py');
/** What the writer keeps at most when a megabyte is written at a time. */
const KEPT = MEGABYTE + 65_536;

function findPython(): string {
  for (const name of [process.env['PYTHON'] ?? 'python3', 'python3.13', 'python3.12', 'python3.11']) {
    const found = findProgram(name);
    if (found === null) continue;
    const { stdout } = spawnSync(found, ['-c', 'import sys; print(sys.version_info >= (3, 11))'], { encoding: 'utf8' });
    if (stdout?.trim() === 'True') return found;
  }
  throw new Missing('no Python of version 3.11 or later was found (PYTHON names one); apt-get install python3');
}

/** How the two are connected. */
type Way = 'tcp' | 'unix' | 'tls';

export default async function python({ check, folder }: Checks): Promise<void> {
  const peer = new PythonPeer(findPython(), folder);
  for (const way of ['tcp', 'unix', 'tls'] as const) {
    await check(`Python client, our server: echo of random data in random pieces over ${way}`, () =>
      peer.talks('echo', way),
    );
    await check(`Python server, our client: echo of random data in random pieces over ${way}`, () =>
      peer.serves('echo', way, (reader, writer) => talkers.echo(reader, writer, way !== 'tls')),
    );
    await check(`Python client, our server: 64 MiB up over ${way}`, () => peer.talks('upload', way));
    await check(`Python server, our client: 64 MiB up over ${way}`, () => peer.serves('upload', way, talkers.upload));
    await check(`Python client that reads late, our server: 64 MiB down over ${way}, in bounded memory`, async () => {
      const { kept } = await peer.talks('download', way, { args: ['--slow', '0.5'] });
      ok(kept > 65_536 && kept <= KEPT, `${kept} bytes were kept`);
    });
    await check(`Python server, our client that reads late: 64 MiB down over ${way}`, () =>
      peer.serves('download', way, talkers.download),
    );
  }
  await check('Python client, our server in generator spelling: echo over tcp', () =>
    peer.talks('echo', 'tcp', { handler: handlers['echoAsGenerator']! }),
  );
  for (const way of ['tcp', 'unix'] as const) {
    await check(`Python client, our server: a line protocol over ${way}`, () => peer.talks('lines', way));
    await check(`Python server, our client: a line protocol over ${way}`, () =>
      peer.serves('lines', way, talkers.lines),
    );
    await check(`Python client ends its side, our server answers over ${way}`, () => peer.talks('collect', way));
    await check(`our client ends its side, Python server answers over ${way}`, () =>
      peer.serves('collect', way, talkers.collect),
    );
    await check(`our server ends its side, Python client goes on over ${way}`, async () => {
      const { got, output } = await peer.talks('greet', way);
      deepStrictEqual(output, [`sent ${got}`, 'ok']);
    });
    await check(`Python server ends its side, our client goes on over ${way}`, async () => {
      const { sent, said } = await peer.serves('greet', way, talkers.greet);
      deepStrictEqual(said, [`got ${sent}`]);
    });
  }
  for (const version of [null, '1.2', '1.3']) {
    const way = version === null ? 'tcp' : 'tls';
    const over = version === null ? 'over tcp' : `over TLS ${version}`;
    const pinned = version === null ? [] : ['--tls', version];
    for (const drains of [false, true]) {
      const how = drains ? 'after drain()' : 'at once';
      const [handler, talker] = drains
        ? [handlers['pourAndDrain']!, talkers.pourAndDrain]
        : [handlers['pour']!, talkers.pour];
      const late = [...pinned, '--slow', '0.2'];
      await check(`our server closes ${how}, Python client that reads late gets everything ${over}`, async () => {
        const { sent, output } = await peer.talks('absorb', way, { handler, args: late });
        deepStrictEqual(output, [`got ${sent}`, 'ok']);
      });
      await check(`our client closes ${how}, Python server that reads late gets everything ${over}`, async () => {
        const { sent, said } = await peer.serves('absorb', way, talker, way === 'tls', late);
        deepStrictEqual(said, [`got ${sent}`]);
      });
    }
    await check(`Python client closes, our server gets everything ${over}`, async () => {
      const { got, output } = await peer.talks('pour', way, { handler: handlers['absorb']!, args: pinned });
      deepStrictEqual(output, [`sent ${got}`, 'ok']);
    });
    await check(`Python server closes, our client gets everything ${over}`, async () => {
      const { sent: got, said } = await peer.serves('pour', way, talkers.absorb, way === 'tls', pinned);
      deepStrictEqual(said, [`sent ${got}`]);
    });
  }
  await check('Python client, our server: TLS begun in mid-connection', () =>
    peer.talks('starttls', 'tcp', { handler: upgraded(peer.certificate), args: ['--ca', peer.certificate.certFile] }),
  );
  await check('Python server, our client: TLS begun in mid-connection', () =>
    peer.serves('starttls', 'tcp', (reader, writer) => upgrade(reader, writer, peer.certificate), true),
  );
  await check(`Python client, our server: ${CONNECTIONS} connections at once`, () =>
    peer.talks('many', 'tcp', { handler: handlers['lines']! }),
  );
  await check(`Python server, our client: ${CONNECTIONS} connections at once`, () => peer.servesMany());
  await check('Python client resets the connection while our server writes', async () => {
    const { error } = await peer.talks('reset', 'tcp');
    ok(error instanceof ConnectionError, `the handler got ${error}`);
    match(String((error as ConnectionError).code), /^(ECONNRESET|EPIPE)$/);
  });
  await check('Python server resets the connection while our client reads', () =>
    peer.serves('reset', 'tcp', async (reader, writer) => {
      writer.write('hello');
      await rejects(async () => await reader.read(), ConnectionResetError);
      writer.close();
      await rejects(async () => await writer.waitClosed(), ConnectionResetError);
    }),
  );
  await check('Python client does not trust our certificate, our server goes on', () => peer.distrusts());
  await check('our client does not trust the certificate of the Python server', () => peer.isDistrusted());
}

function upgraded({ key, cert }: Certificate): Handler {
  return async (reader, writer, seen) => {
    strictEqual(text(await reader.readline()), 'STARTTLS\n');
    writer.write('GO\n');
    await writer.startTls({ key, cert });
    await handlers['echo']!(reader, writer, seen);
  };
}

async function upgrade(reader: StreamReader, writer: StreamWriter, { cert }: Certificate): Promise<void> {
  writer.write('STARTTLS\n');
  strictEqual(text(await reader.readline()), 'GO\n');
  await writer.startTls({ ca: cert }, { serverHostname: 'localhost' });
  ok(writer.getExtraInfo('cipher') !== undefined);
  await talkers.echo(reader, writer, false);
}

interface TalkOptions {
  readonly handler?: Handler;
  readonly args?: readonly string[];
}

class PythonPeer {
  readonly certificate: Certificate;
  readonly #python: string;
  readonly #folder: string;
  #sockets = 0;

  constructor(python: string, folder: string) {
    this.#python = python;
    this.#folder = folder;
    this.certificate = certificate(folder);
  }

  #program(...args: readonly string[]): Program {
    return new Program(this.#python, [PEER, ...args]);
  }

  #socketFile(): string {
    return path.join(this.#folder, `socket-${this.#sockets++}`);
  }

  /** Serves a connection of a Python client. */
  async talks(mode: string, way: Way, { handler = handlers[mode]!, args = [] }: TalkOptions = {}) {
    const seen: Seen = { got: '', kept: 0, error: null };
    const ended = new Future<void>();
    const { server, place } = await this.#startServer(way, async (reader, writer) => {
      await using _ = writer;
      try {
        await createTask(() => handler(reader, writer, seen));
      } finally {
        if (!ended.done()) ended.setResult(undefined);
      }
    });
    try {
      const client = this.#program('talk', mode, ...place, ...args);
      await using _client = client;
      const output = await client.output();
      strictEqual(output.at(-1), 'ok');
      await ended;
      return { ...seen, output };
    } finally {
      deepStrictEqual(await server.shutdown(5), { cut: 0 });
    }
  }

  async #startServer(
    way: Way,
    handle: (reader: StreamReader, writer: StreamWriter) => Promise<void>,
  ): Promise<{ server: Server; place: readonly string[] }> {
    if (way === 'unix') {
      const file = this.#socketFile();
      return { server: await startUnixServer(handle, file), place: ['--unix', file] };
    }
    const { key, cert, certFile } = this.certificate;
    const server = await startServer(handle, '127.0.0.1', 0, way === 'tls' ? { ssl: { key, cert } } : {});
    const place = ['--port', String(server.sockets[0]!.port)];
    return { server, place: way === 'tls' ? [...place, '--ca', certFile] : place };
  }

  /** Connects to a Python server. Gives what the client gives, and what the server says. */
  async serves(
    mode: string,
    way: Way,
    talk: talkers.Talker,
    withCertificate = way === 'tls',
    args: readonly string[] = [],
  ) {
    const { keyFile, certFile, cert } = this.certificate;
    const file = this.#socketFile();
    const server = this.#program(
      ...['serve', mode, ...(way === 'unix' ? ['--unix', file] : [])],
      ...(withCertificate ? ['--cert', certFile, '--key', keyFile] : []),
      ...args,
    );
    await using _server = server;
    const [, port] = (await server.line()).split(' ');
    const tls: TlsClientOptions = way === 'tls' ? { ssl: { ca: cert }, serverHostname: 'localhost' } : {};
    const [reader, writer] =
      way === 'unix' ? await openUnixConnection(file) : await openConnection('127.0.0.1', Number(port), tls);
    const sent = await talk(reader, writer);
    writer.close();
    if (mode !== 'reset') await writer.waitClosed();
    server.endInput();
    return { sent, said: await server.output() };
  }

  async servesMany(): Promise<void> {
    const server = this.#program('serve', 'lines');
    await using _server = server;
    const port = Number((await server.line()).split(' ')[1]);
    const pairs = await gather(Array.from({ length: CONNECTIONS }, () => openConnection('127.0.0.1', port)));
    const say = async ([reader, writer]: readonly [StreamReader, StreamWriter], number: number) => {
      await using _ = writer;
      writer.write(`upper number ${number}\n`);
      strictEqual(text(await reader.readline()), `NUMBER ${number}\n`);
    };
    await gather(pairs.map((pair, number) => say(pair, number)));
    server.endInput();
    deepStrictEqual(await server.output(), []);
  }

  /** A client that does not trust the certificate of our server; then one that does. */
  async distrusts(): Promise<void> {
    const { key, cert, certFile } = this.certificate;
    const stranger = certificate(this.#folder, 'stranger');
    const handle = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
      await using _ = writer;
      await reader.read();
    };
    const server = await startServer(handle, '127.0.0.1', 0, { ssl: { key, cert } });
    const talk = (ca: string) => this.#program('talk', 'close', '--port', String(server.sockets[0]!.port), '--ca', ca);
    const refused = talk(stranger.certFile);
    await using _refused = refused;
    const { code } = await refused.outputAndCode();
    strictEqual(code, 1);
    match(refused.errors, /SSLCertVerificationError/);
    const trusted = talk(certFile);
    await using _trusted = trusted;
    deepStrictEqual(await trusted.output(), ['ok']);
    deepStrictEqual(await server.shutdown(5), { cut: 0 });
  }

  async isDistrusted(): Promise<void> {
    const { keyFile, certFile } = this.certificate;
    const server = this.#program('serve', 'echo', '--cert', certFile, '--key', keyFile);
    await using _server = server;
    const port = Number((await server.line()).split(' ')[1]);
    const connect = async () => await openConnection('127.0.0.1', port, { ssl: true, serverHostname: 'localhost' });
    await rejects(connect, (error: unknown) => {
      ok(error instanceof SSLCertVerificationError, String(error));
      strictEqual(error.code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
      return true;
    });
    server.endInput();
    await server.output();
  }
}
