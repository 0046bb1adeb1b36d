import type { AddressInfo, Socket } from 'node:net';
import { createServer as createNodeServer } from 'node:net';
import { CancelledError, createTask, type Task, timeout, wait, wrapPromise } from 'asyncio-ts';
import { openConnection, type SslContext, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keepEndInDeno } from '../../../../src/node/net/reading-in-deno.ts';
import { Authority } from '../../../support/certificates.ts';
import { failure } from '../../../support/programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { closed, ended, LOCAL, networked, silent, until } from './support.ts';

const authority = new Authority();
const own: SslContext = authority.issue();
const SIZE = 3_000_000;

/** Reads to the end; gives how much came, or what went wrong. */
function* received(s: Spelling, reader: StreamReader): Generator<unknown, number | string, unknown> {
  let got = 0;
  try {
    while (true) {
      const { length } = yield* s.wait(reader.read(65_536));
      if (length === 0) return got;
      got += length;
    }
  } catch (error) {
    return `${(error as Error).name} after ${got}`;
  }
}

/** Writes, and closes. */
function* sent(s: Spelling, writer: StreamWriter, drains: boolean): Generator<unknown, void, unknown> {
  writer.write(new Uint8Array(SIZE));
  if (drains) yield* s.wait(writer.drain());
  yield* closed(s, writer);
}

describeBoth('close() sends everything, and the peer gets a regular end', (s) => {
  const kinds: readonly [name: string, version: SslContext['maxVersion'] | null][] = [
    ['TCP', null],
    ['TLS 1.2', 'TLSv1.2'],
    ['TLS 1.3', 'TLSv1.3'],
  ];
  for (const [name, version] of kinds) {
    const serverOptions = version === null ? {} : { ssl: { ...own, minVersion: version, maxVersion: version } };
    const clientOptions = version === null ? {} : { ssl: { ca: authority.cert } };
    for (const drains of [true, false]) {
      it(
        `over ${name} from the client, ${drains ? 'with' : 'without'} drain()`,
        networked(s, function* () {
          let got: number | string = 'nothing';
          const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
            got = yield* received(s, reader);
            writer.close();
          });
          const server = yield* s.wait(startServer(handler, LOCAL, 0, serverOptions));
          const { writer } = yield* s.wait(openConnection(LOCAL, server.port, clientOptions));
          yield* sent(s, writer, drains);
          yield* until(s, () => got !== 'nothing' && server.connections === 0);
          expect(got).toBe(SIZE);
          yield* ended(s, server);
        }),
      );

      it(
        `over ${name} from the server, ${drains ? 'with' : 'without'} drain(), while the client sends what nobody reads`,
        networked(s, function* () {
          const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
            yield* sent(s, writer, drains);
          });
          const server = yield* s.wait(startServer(handler, LOCAL, 0, serverOptions));
          const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port, clientOptions));
          writer.write(new Uint8Array(500_000));
          expect(yield* received(s, reader)).toBe(SIZE);
          yield* closed(s, writer);
          yield* ended(s, server);
        }),
      );
    }
  }

  it(
    'also when the writing side was ended before',
    networked(s, function* () {
      const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
        writer.write(new Uint8Array(SIZE));
        writer.writeEof();
        yield* closed(s, writer);
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      expect(yield* received(s, reader)).toBe(SIZE);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'and does not wait for a peer that keeps its side open',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent(), LOCAL, 0));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const socket = writer.getExtraInfo('socket') as Socket;
      writer.write('goodbye');
      yield* closed(s, writer);
      expect(socket.destroyed).toBe(false); // what is in flight is not reset
      yield* ended(s, server);
      yield* until(s, () => socket.destroyed);
    }),
  );

  it(
    'or fails when the peer resets the connection before it has taken everything',
    networked(s, function* () {
      const node = createNodeServer((socket) => socket.pause().once('error', () => {}));
      yield* s.wait(wrapPromise(new Promise<void>((resolve) => node.listen(0, LOCAL, resolve))));
      const accepted = new Promise<Socket>((resolve) => node.once('connection', resolve));
      const { writer } = yield* s.wait(openConnection(LOCAL, (node.address() as AddressInfo).port));
      const peer = yield* s.wait(wrapPromise(accepted));
      node.close();
      writer.write(new Uint8Array(30_000_000));
      writer.close();
      peer.resetAndDestroy();
      expect(yield* failure(s, writer.waitClosed())).toMatchObject({ name: /ConnectionResetError|BrokenPipeError/ });
    }),
  );

  it(
    'not before a client of TLS 1.3 has its session tickets, which would make the system reset what is in flight',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent(), LOCAL, 0, { ssl: own }));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port, { ssl: { ca: authority.cert } }));
      let tickets = 0;
      (writer.getExtraInfo('socket') as Socket).on('session', () => tickets++);
      writer.write('x');
      yield* closed(s, writer);
      expect(tickets).toBeGreaterThan(0);
      yield* until(s, () => server.connections === 1);
      yield* ended(s, server);
    }),
  );

  it(
    'a reader whose buffer was full gets the end of an encrypted connection',
    networked(s, function* () {
      const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
        yield* sent(s, writer, true);
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0, { ssl: own }));
      const options = { ssl: { ca: authority.cert }, limit: 1_000 };
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port, options));
      yield* until(s, () => String(reader).includes('paused'));
      expect(yield* received(s, reader)).toBe(SIZE);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );
});

describeBoth('startTls that is cancelled', (s) => {
  it(
    'breaks the connection, and cancels none of the tasks that use it',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent(), LOCAL, 0));
      const uses: ((reader: StreamReader, writer: StreamWriter) => unknown)[] = [
        (reader) => reader.read(),
        (reader) => reader.readline(),
        (_reader, writer) => writer.drain(),
        (_reader, writer) => writer.waitClosed(),
      ];
      for (const use of uses) {
        const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
        const upgrade = s.fn(function* () {
          yield* s.wait(writer.startTls({ rejectUnauthorized: false }, { serverHostname: 'x' }));
        });
        expect(yield* failure(s, timeout(0.005, upgrade))).toMatchObject({ name: 'TimeoutError' });
        const body = s.fn(function* () {
          yield* s.wait(use(reader, writer));
        });
        const task: Task<unknown> = createTask(body);
        yield* s.wait(wait([task]));
        expect(task.cancelled()).toBe(false);
        expect(task.exception()).toMatchObject({
          name: 'ConnectionAbortedError',
          code: 'ECONNABORTED',
          message: expect.stringContaining('startTls'),
          cause: expect.any(CancelledError),
        });
        writer.close();
      }
      yield* ended(s, server);
    }),
  );

  it(
    'ends the waits that are already under way in it',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent(), LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const reading = createTask(() => reader.readline());
      const upgrading = createTask(() => writer.startTls({ rejectUnauthorized: false }, { serverHostname: 'x' }));
      yield* until(s, () => String(writer.transport).includes('handed'));
      upgrading.cancel();
      expect(yield* failure(s, upgrading)).toBeInstanceOf(CancelledError);
      expect(yield* failure(s, reading)).toMatchObject({ name: 'ConnectionAbortedError' });
      yield* ended(s, server);
    }),
  );
});

describe('reading in Deno', () => {
  /** A handle that notes how it is used, as that of a runtime whose `process.versions` has `deno`. */
  function handleInDeno() {
    Object.defineProperty(process.versions, 'deno', { value: '2', configurable: true });
    onTestFinished(() => void Reflect.deleteProperty(process.versions, 'deno'));
    const calls: string[] = [];
    const handle = {
      readStart: () => void calls.push('start'),
      readStop: () => void calls.push('stop'),
    };
    keepEndInDeno({ _handle: handle } as object as Socket);
    return { handle, calls };
  }

  it('continues when it was stopped and started again at once', async () => {
    const { handle, calls } = handleInDeno();
    handle.readStop();
    handle.readStart();
    await Promise.resolve();
    expect(calls).toEqual([]);
  });

  it('stops a microtask later, once', async () => {
    const { handle, calls } = handleInDeno();
    handle.readStop();
    handle.readStop();
    expect(calls).toEqual([]);
    await Promise.resolve();
    handle.readStop();
    await Promise.resolve();
    expect(calls).toEqual(['stop']);
    handle.readStart();
    handle.readStart();
    expect(calls).toEqual(['stop', 'start']);
  });

  it('leaves the handles of other runtimes alone', () => {
    const handle = { readStart() {}, readStop() {} };
    const { readStop } = handle;
    keepEndInDeno({ _handle: handle } as object as Socket);
    expect(handle.readStop).toBe(readStop);
  });
});
