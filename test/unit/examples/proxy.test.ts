import { createHash, randomBytes } from 'node:crypto';
import { Event, Future, gather, run } from 'asyncio-ts';
import {
  ConnectionResetError,
  openConnection,
  type Server,
  type StreamReader,
  type StreamWriter,
  startServer,
} from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { ExampleProgram } from '../../support/example-program.ts';

const MEGABYTE = 1_024 * 1_024;

/** What handlers tell the tests that use them. */
let seen: Future<string>;
let started: Event;
let sent: Future<string>;

const digest = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

interface Proxied {
  readonly proxy: ExampleProgram;
  readonly upstream: Server;
  connect(): Promise<readonly [StreamReader, StreamWriter]>;
}

/** Runs a body with an upstream, and a proxy before it that is interrupted after it. */
function proxied(
  handler: (reader: StreamReader, writer: StreamWriter) => Promise<unknown>,
  args: readonly string[],
  body: (proxied: Proxied) => Promise<void>,
) {
  return () =>
    run(async () => {
      const upstream = await startServer(handler, '127.0.0.1', 0);
      const address = `127.0.0.1:${upstream.sockets[0]!.port}`;
      await using proxy = new ExampleProgram('proxy/main.ts', '--port', '0', '--upstream', address, ...args);
      const port = await proxy.port();
      await body({ proxy, upstream, connect: async () => await openConnection('127.0.0.1', port) });
      proxy.interrupt();
      expect([await proxy.ended(), proxy.errors]).toEqual([130, '']);
      expect(proxy.lines.at(-1)).toBe('connections cut: 0');
      await upstream.shutdown(5);
    });
}

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  await using _ = writer;
  for (let data = await reader.read(65_536); data.length > 0; data = await reader.read(65_536)) {
    writer.write(data);
    await writer.drain();
  }
}

describe('the proxy', { timeout: 30_000 }, () => {
  it(
    'passes every byte on both ways, and counts them',
    proxied(echo, [], async ({ proxy, connect }) => {
      const talk = async (size: number): Promise<void> => {
        const [reader, writer] = await connect();
        const data = randomBytes(size);
        const send = async (): Promise<void> => {
          for (let at = 0; at < size; at += 100_000) {
            writer.write(data.subarray(at, at + 100_000));
            await writer.drain();
          }
          writer.writeEof();
        };
        const [back] = await gather(reader.read(), send());
        expect([back.length, digest(back)]).toEqual([size, digest(data)]);
        writer.close();
        await writer.waitClosed();
        await proxy.line(new RegExp(`^#\\d+ 127\\.0\\.0\\.1:\\d+ ended: ${size} bytes up, ${size} down$`));
      };
      await gather([0, 1, 65_536, 1_000_003, 8 * MEGABYTE].map(talk));
    }),
  );

  it(
    'passes the end of one direction on while the other goes on',
    proxied(
      async (reader, writer) => {
        await using _ = writer;
        writer.write('hello\n');
        writer.writeEof();
        const data = await reader.read();
        seen.setResult(text(data));
      },
      [],
      async ({ connect }) => {
        seen = new Future<string>();
        const [reader, writer] = await connect();
        expect(text(await reader.read())).toBe('hello\n');
        writer.write('said after your end');
        writer.writeEof();
        expect(await seen).toBe('said after your end');
        writer.close();
      },
    ),
  );

  it(
    'answers the end of the client with what the upstream says after it',
    proxied(
      async (reader, writer) => {
        await using _ = writer;
        const data = await reader.read();
        writer.write(digest(data));
      },
      [],
      async ({ connect }) => {
        const [reader, writer] = await connect();
        const data = randomBytes(MEGABYTE);
        writer.write(data);
        writer.writeEof();
        expect(text(await reader.read())).toBe(digest(data));
        writer.close();
      },
    ),
  );

  it(
    'ends the connection of a client when the upstream does not answer, and serves the next one',
    proxied(echo, [], async ({ proxy, upstream, connect }) => {
      await upstream.shutdown(5);
      const [reader] = await connect();
      await expectEnd(reader);
      await proxy.line(/^#1 .* the upstream cannot be reached \(ECONNREFUSED\): 0 bytes up, 0 down$/);
      const [again] = await connect();
      await expectEnd(again);
      await proxy.line(/^#2 .* the upstream cannot be reached/);
    }),
  );

  it(
    'gives up on an upstream that does not answer in time',
    proxied(echo, ['--connect-timeout', '0'], async ({ proxy, connect }) => {
      const [reader, writer] = await connect();
      await expectEnd(reader);
      writer.close();
      await proxy.line(/^#1 .* the upstream did not answer for 0 seconds: 0 bytes up, 0 down$/);
    }),
  );

  it(
    'resets no other connection when one is lost',
    proxied(
      async (reader, writer) => {
        const line = text(await reader.readline());
        if (line === 'die\n') writer.transport.abort();
        else await echo(reader, writer);
      },
      [],
      async ({ proxy, connect }) => {
        const [reader, writer] = await connect();
        writer.write('live\n');
        const [other, doomed] = await connect();
        doomed.write('die\n');
        await expectEnd(other);
        doomed.close();
        await proxy.line(/^#2 .* (ended|lost \(E\w+\)): 4 bytes up, 0 down$/);
        writer.write('hello\n');
        expect(text(await reader.readline())).toBe('hello\n');
        writer.close();
      },
    ),
  );

  it(
    'buffers little for a slow reader, and sends everything in the end',
    proxied(
      async (_reader, writer) => {
        await using _ = writer;
        const hash = createHash('sha256');
        const chunk = randomBytes(MEGABYTE);
        for (let number = 0; number < 64; number++) {
          writer.write(chunk);
          hash.update(chunk);
          await writer.drain();
          // By then the buffers of the system are full, too, if ever.
          if (number === 2) started.set();
        }
        sent.setResult(hash.digest('hex'));
      },
      [],
      async ({ connect }) => {
        started = new Event();
        sent = new Future<string>();
        const [reader, writer] = await connect();
        await started.wait();
        const hash = createHash('sha256');
        for (let data = await reader.read(4_096); data.length > 0; data = await reader.read(MEGABYTE))
          hash.update(data);
        expect(hash.digest('hex')).toBe(await sent);
        writer.close();
      },
    ),
  );

  it('makes a writer wait for a reader that does not read, until the connection is idle', () => {
    let written = 0;
    const flood = async (_reader: StreamReader, writer: StreamWriter): Promise<void> => {
      const chunk = randomBytes(MEGABYTE);
      try {
        for (; written < 1_024; written++) {
          writer.write(chunk);
          await writer.drain();
        }
      } catch {
        // The proxy has given up.
      } finally {
        writer.close();
      }
    };
    return proxied(flood, ['--idle', '1'], async ({ proxy, connect }) => {
      const [reader, writer] = await connect();
      await proxy.line(/^#1 .* idle: 0 bytes up, \d+ down$/);
      // The proxy itself keeps less than a megabyte; the rest is in the buffers of the system, of four sockets.
      expect(written).toBeLessThan(64);
      expect(reader.atEof()).toBe(false);
      writer.transport.abort();
    })();
  });

  it(
    'ends a connection on which no bytes are sent',
    proxied(echo, ['--idle', '0.3'], async ({ proxy, connect }) => {
      const [reader, writer] = await connect();
      writer.write('hello\n');
      expect(text(await reader.readline())).toBe('hello\n');
      await expectEnd(reader);
      writer.close();
      await proxy.line(/^#1 .* idle: 6 bytes up, 6 down$/);
    }),
  );

  it(
    'refuses connections above its limit, until one has ended',
    proxied(echo, ['--limit', '2'], async ({ proxy, connect }) => {
      const speak = async ([reader, writer]: readonly [StreamReader, StreamWriter]): Promise<void> => {
        writer.write('hello\n');
        expect(text(await reader.readline())).toBe('hello\n');
      };
      const first = await connect();
      const second = await connect();
      await gather(speak(first), speak(second));
      const [third] = await connect();
      await expectEnd(third);
      await proxy.line(/^#3 .* refused: there are 2 connections/);
      first[1].close();
      await proxy.line(/^#1 .* ended/);
      const fourth = await connect();
      await gather(speak(second), speak(fourth));
      second[1].close();
      fourth[1].close();
    }),
  );

  it('lets connections end when it is interrupted, accepts no more, and cuts the remaining ones at the deadline', () =>
    run(async () => {
      const upstream = await startServer(echo, '127.0.0.1', 0);
      const address = `127.0.0.1:${upstream.sockets[0]!.port}`;
      await using proxy = new ExampleProgram('proxy/main.ts', '--port', '0', '--upstream', address, '--deadline', '1');
      const port = await proxy.port();
      const [reader, writer] = await openConnection('127.0.0.1', port);
      const [stays, silent] = await openConnection('127.0.0.1', port);
      for (const [r, w] of [[reader, writer] as const, [stays, silent] as const]) {
        w.write('hello\n');
        expect(text(await r.readline())).toBe('hello\n');
      }
      proxy.interrupt();
      await proxy.line(/^shutting down, connections open: 2$/);
      await expect(Promise.resolve(openConnection('127.0.0.1', port))).rejects.toThrow(/ECONNREFUSED/);
      writer.write('still served\n');
      expect(text(await reader.readline())).toBe('still served\n');
      writer.close();
      await proxy.line(/^#1 .* ended: 19 bytes up, 19 down$/);
      await expectEnd(stays);
      silent.close();
      expect([await proxy.ended(), proxy.errors]).toEqual([130, '']);
      expect(proxy.lines.slice(-2)).toEqual([
        expect.stringMatching(/^#2 .* cut at shutdown: 6 bytes up, 6 down$/),
        'connections cut: 1',
      ]);
      await upstream.shutdown(5);
    }));
});

/** The connection ends, in order or by a reset. */
async function expectEnd(reader: StreamReader): Promise<void> {
  try {
    expect((await reader.read()).length).toBe(0);
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectionResetError);
  }
}
