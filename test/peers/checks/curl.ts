// curl against an HTTP/1.1 server written on our streams.
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startServer } from 'asyncio-ts/node';
import { type Certificate, certificate } from '../lib/certificates.ts';
import { type Checks, Missing } from '../lib/checks.ts';
import { httpHandler, type Served } from '../lib/http.ts';
import { findProgram, Program } from '../lib/programs.ts';
import { BIG, digest, MEGABYTE } from '../lib/talk.ts';

export default async function curl({ check, folder }: Checks): Promise<void> {
  const program = findProgram('curl');
  if (program === null) throw new Missing('curl was not found; apt-get install curl');
  const peer = new Curl(program, certificate(folder));
  const file = path.join(folder, 'body');

  for (const scheme of ['http', 'https'] as const) {
    await check(`several requests on one connection over ${scheme}`, () =>
      peer.fetches(scheme, async (get, served) => {
        deepStrictEqual(await get('-w', '%{num_connects} ', '/hello', '/nothing', '/hello'), [
          ...['hello, GET', '1 there is no such page', '0 hello, GET', '0 '],
        ]);
        deepStrictEqual([served.connections, served.requests], [1, 3]);
      }),
    );
    await check(`64 MiB down over ${scheme}`, () =>
      peer.fetches(scheme, async (get, served) => {
        await get('-o', file, `/bytes/${BIG}`);
        strictEqual(digest(readFileSync(file)), served.sent);
        ok(served.kept <= MEGABYTE + 65_536, `${served.kept} bytes were kept`);
      }),
    );
    await check(`64 MiB up over ${scheme}, with a length and in chunks`, () =>
      peer.fetches(scheme, async (get) => {
        const body = randomBytes(BIG);
        writeFileSync(file, body);
        deepStrictEqual(await get('-T', file, '/digest'), [digest(body)]);
        deepStrictEqual(await get('-T', file, '-H', 'Transfer-Encoding: chunked', '/digest'), [digest(body)]);
      }),
    );
  }
  await check('the protocol is agreed on in the handshake', () =>
    peer.fetches('https', async (get) => {
      match((await get('-v', '--stderr', '-', '/hello')).join('\n'), /ALPN: server accepted http\/1\.1/);
    }),
  );
  await check('a certificate that no known authority has signed is refused, and the server continues', () =>
    peer.fetches('https', async (get, _served, url) => {
      const distrustful = new Program(program, ['-sS', `${url}/hello`]);
      await using _distrustful = distrustful;
      strictEqual((await distrustful.outputAndCode()).code, 60);
      deepStrictEqual(await get('/hello'), ['hello, GET']);
    }),
  );
}

class Curl {
  readonly #program: string;
  readonly #certificate: Certificate;

  constructor(program: string, certificate: Certificate) {
    this.#program = program;
    this.#certificate = certificate;
  }

  /** Serves while the body lets curl ask: paths are completed to addresses. */
  async fetches(
    scheme: 'http' | 'https',
    body: (get: (...args: readonly string[]) => Promise<string[]>, served: Served, url: string) => Promise<void>,
  ): Promise<void> {
    const { key, cert, certFile } = this.#certificate;
    const served: Served = { connections: 0, requests: 0, sent: '', kept: 0 };
    const ssl = scheme === 'https' ? { key, cert, ALPNProtocols: ['http/1.1'] } : null;
    const server = await startServer(httpHandler(served), '127.0.0.1', 0, { ssl });
    const url = `${scheme}://localhost:${server.sockets[0]!.port}`;
    const get = async (...args: readonly string[]): Promise<string[]> => {
      const complete = args.map((arg) => (/^\/[a-z]+(\/\d+)?$/.test(arg) ? `${url}${arg}` : arg));
      const curl = new Program(this.#program, ['-sS', '--http1.1', '--cacert', certFile, ...complete]);
      await using _curl = curl;
      return await curl.output();
    };
    await body(get, served, url);
    deepStrictEqual(await server.shutdown(5), { cut: 0 });
  }
}
