// `openssl s_client` against our TLS server, and our TLS client against `openssl s_server`.
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict';
import { OSError, openConnection, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { type Certificate, certificate } from '../lib/certificates.ts';
import { type Checks, Missing } from '../lib/checks.ts';
import { findProgram, Program } from '../lib/programs.ts';
import { freePort } from '../lib/servers.ts';
import { text } from '../lib/talk.ts';

export default async function openssl(checks: Checks): Promise<void> {
  const { check, folder } = checks;
  const program = findProgram('openssl');
  if (program === null) throw new Missing('openssl was not found; apt-get install openssl');
  const own = certificate(folder);
  const connect = (port: number, ...args: readonly string[]): Program =>
    new Program(program, ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', ...args]);
  const trusting = ['-CAfile', own.certFile, '-verify_return_error', '-verify_hostname', 'localhost'];

  for (const version of ['1_2', '1_3']) {
    await check(`s_client, our server: echo over TLS ${version}, the certificate is shown and good`, () =>
      serving(own, echo, async (port) => {
        const client = connect(port, `-tls${version}`, ...trusting, '-ign_eof');
        await using _client = client;
        client.write('hello\nQUICK\nbye\n');
        const output = (await client.output()).join('\n');
        match(output, /subject=CN = localhost/);
        match(output, new RegExp(`TLSv${version.replace('_', '.')}, Cipher is `));
        match(output, /Verify return code: 0 \(ok\)/);
        match(output, /^you said hello$.*^you said QUICK$.*^you said bye$/ms);
      }),
    );
  }
  for (const version of ['1_2', '1_3']) {
    for (const drains of [false, true]) {
      const how = drains ? 'after drain()' : 'at once';
      await check(`our server closes ${how}, s_client gets everything over TLS ${version}`, () =>
        serving(
          own,
          (_reader, writer) => pour(writer, drains),
          async (port) => {
            const client = connect(port, `-tls${version}`, ...trusting, '-quiet');
            await using _client = client;
            strictEqual((await client.output()).length, MANY_LINES);
          },
        ),
      );
      await check(`our client closes ${how}, s_server gets everything over TLS ${version}`, async () => {
        const server = await startOpenssl(program, own, `-tls${version}`, '-naccept', '1');
        await using _server = server.program;
        const options = { ssl: { ca: own.cert }, serverHostname: 'localhost' };
        const { writer } = await openConnection('127.0.0.1', server.port, options);
        await pour(writer, drains);
        writer.close();
        await writer.waitClosed();
        const { output } = await server.program.outputAndCode();
        strictEqual(output.filter((line) => line === LINE).length, MANY_LINES);
      });
    }
  }
  await check('s_client, our server: the end that we write is a farewell, no cut', () =>
    serving(own, farewell, async (port) => {
      const client = connect(port, ...trusting, '-quiet');
      await using _client = client;
      client.write('hello\n');
      deepStrictEqual(await client.output(), ['hello', 'bye']);
      ok(!/error|unexpected eof/i.test(client.errors.replaceAll(/^(depth|verify).*$/gm, '')), client.errors);
    }),
  );
  await check('s_client ends its side, our server sees the end', () => {
    const seen: string[] = [];
    const collect = async (reader: StreamReader): Promise<void> => {
      seen.push(text(await reader.read()));
    };
    return serving(own, collect, async (port) => {
      const client = connect(port, ...trusting);
      await using _client = client;
      client.write('hello\n');
      client.endInput();
      await client.output();
      deepStrictEqual(seen, ['hello\n']);
    });
  });
  await check('s_client that trusts no certificate, or is too old, is turned away; our server continues', () =>
    serving(own, echo, async (port) => {
      for (const args of [['-verify_return_error'], ['-tls1_1', ...trusting]]) {
        const client = connect(port, ...args);
        await using _client = client;
        client.endInput();
        strictEqual((await client.outputAndCode()).code, 1);
      }
      const client = connect(port, ...trusting, '-quiet');
      await using _client = client;
      client.write('bye\n');
      deepStrictEqual(await client.output(), ['you said bye']);
    }),
  );
  await check('our client, s_server that wants a certificate: with one it is served', async () => {
    const server = await startOpenssl(
      program,
      own,
      '-rev',
      '-Verify',
      '1',
      '-verify_return_error',
      '-CAfile',
      own.certFile,
    );
    await using _server = server.program;
    const { key, cert } = own;
    const ssl = { ca: cert, key, cert };
    const [reader, writer] = await openConnection('127.0.0.1', server.port, { ssl, serverHostname: 'localhost' });
    await using _ = writer;
    for (const word of ['hello', 'straw', 'x'.repeat(10_000)]) {
      writer.write(`${word}\n`);
      strictEqual(text(await reader.readline()), `${[...word].reverse().join('')}\n`);
    }
  });
  if ('Bun' in globalThis || 'Deno' in globalThis) {
    checks.skip('a TLS alert after the handshake: this runtime does not tell of it');
    return;
  }
  await check('our client, s_server that wants a certificate: without one it is turned away', async () => {
    const server = await startOpenssl(
      program,
      own,
      '-rev',
      '-Verify',
      '1',
      '-verify_return_error',
      '-CAfile',
      own.certFile,
    );
    await using _server = server.program;
    const talk = async (): Promise<void> => {
      const ssl = { ca: own.cert };
      const [reader, writer] = await openConnection('127.0.0.1', server.port, { ssl, serverHostname: 'localhost' });
      try {
        writer.write('hello\n');
        ok((await reader.readline()).length > 0, 'the connection has ended without a reason');
      } finally {
        writer.close();
      }
    };
    await rejects(talk, (error: unknown) => {
      ok(error instanceof OSError, String(error));
      match(error.message, /certificate/);
      return true;
    });
  });
}

const LINE = 'x'.repeat(99);
const MANY_LINES = 40_000;

/** Writes much more than a socket takes at once. */
async function pour(writer: StreamWriter, drains: boolean): Promise<void> {
  writer.write(`${LINE}\n`.repeat(MANY_LINES));
  if (drains) await writer.drain();
}

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader.lines()) {
    writer.write(`you said ${line}\n`);
    if (line === 'bye') return;
  }
}

/** Ends its side, and then sees the peer's end. */
async function farewell(reader: StreamReader, writer: StreamWriter): Promise<void> {
  writer.write(await reader.readline());
  writer.write('bye\n');
  writer.writeEof();
  await reader.read();
}

async function serving(
  { key, cert }: Certificate,
  handler: (reader: StreamReader, writer: StreamWriter) => Promise<void>,
  body: (port: number) => Promise<void>,
): Promise<void> {
  const handle = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
    await using _ = writer;
    await handler(reader, writer);
  };
  const server = await startServer(handle, '127.0.0.1', 0, { ssl: { key, cert } });
  await body(server.sockets[0]!.port);
  deepStrictEqual(await server.shutdown(5), { cut: 0 });
}

/** It cannot say which port it has chosen, so it is given one. */
async function startOpenssl(program: string, { keyFile, certFile }: Certificate, ...args: readonly string[]) {
  const port = await freePort();
  const server = new Program(program, [
    's_server',
    '-accept',
    `127.0.0.1:${port}`,
    '-key',
    keyFile,
    '-cert',
    certFile,
    ...args,
  ]);
  while ((await server.line()) !== 'ACCEPT');
  return { program: server, port };
}
