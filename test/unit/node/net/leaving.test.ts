import { type AddressInfo, createServer as createNodeServer, type Socket } from 'node:net';
import { CancelledError, createTask, forEach, logger, sleep, timeout, wait, wrapPromise } from 'asyncio-ts';
import { openConnection, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { failure, thrownBy } from '../../../support/programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { ended, LOCAL, networked, silent, until } from './support.ts';

/** More than the system takes for a peer that does not read. */
const PLENTY = 30_000_000;

/** The port of a server whose connections are never read from. */
function* stalledPort(s: Spelling): Generator<unknown, number, unknown> {
  const sockets: Socket[] = [];
  const server = createNodeServer((socket) => {
    socket.pause().on('error', () => {});
    sockets.push(socket);
  });
  yield* s.wait(wrapPromise(new Promise<void>((resolve) => server.listen(0, LOCAL, resolve))));
  server.unref();
  const { port } = server.address() as AddressInfo;
  stop = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  onTestFinished(() => stop());
  return port;
}

/** Ends what `stalledPort` has made. */
let stop = (): void => {};

/** `await using` around a body, which generators do not have. */
async function using(resource: AsyncDisposable, body: () => PromiseLike<unknown>): Promise<void> {
  await using _ = resource;
  await body();
}

/** Opens a connection to a peer that does not read, and waits in it, with `await using`. */
async function stuck(port: number): Promise<void> {
  const connection = await openConnection(LOCAL, port);
  await using(connection, async () => {
    connection.writer.write(new Uint8Array(PLENTY));
    await connection.writer.drain();
  });
}

describeBoth('leaving a connection whose peer does not read', (s) => {
  it(
    'does not hold up a deadline',
    networked(s, function* () {
      const port = yield* stalledPort(s);
      expect(
        yield* failure(
          s,
          timeout(0.02, () => stuck(port)),
        ),
      ).toMatchObject({ name: 'TimeoutError' });
      stop();
    }),
  );

  it(
    'does not hold up a cancellation',
    networked(s, function* () {
      const port = yield* stalledPort(s);
      const task = createTask(() => stuck(port));
      yield* s.wait(sleep(0.02));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      stop();
    }),
  );

  it(
    'in order ends at the limit, and says what was not sent',
    networked(s, function* () {
      const port = yield* stalledPort(s);
      const { writer } = yield* s.wait(openConnection(LOCAL, port, { closeTimeout: 0.02 }));
      writer.write(new Uint8Array(PLENTY));
      const error = yield* failure(s, writer[Symbol.asyncDispose]());
      expect(error).toMatchObject({ name: 'ConnectionAbortedError', code: 'ETIMEDOUT' });
      expect((error as Error).message).toMatch(/took longer than 0\.02 s.*\d{6,} bytes were not sent.*closeTimeout/);
      stop();
    }),
  );

  it(
    'in order is hurried by a cancellation',
    networked(s, function* () {
      const port = yield* stalledPort(s);
      const { writer } = yield* s.wait(openConnection(LOCAL, port, { closeTimeout: null }));
      writer.write(new Uint8Array(PLENTY));
      const leaving = createTask(() => writer[Symbol.asyncDispose]());
      yield* until(s, () => writer.isClosing());
      leaving.cancel();
      expect(yield* failure(s, leaving)).toBeInstanceOf(CancelledError);
      stop();
    }),
  );

  it(
    'sends what is small although the task is cancelled',
    networked(s, function* () {
      let got = '';
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        got = yield* s.wait(reader.read({ encoding: 'utf-8' }));
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const connection = yield* s.wait(openConnection(LOCAL, server.port));
      const task = createTask(() =>
        using(connection, async () => {
          connection.writer.write('the last words');
          await sleep(3_600);
        }),
      );
      yield* s.wait(sleep(0));
      task.cancel();
      yield* s.wait(wait([task]));
      yield* until(s, () => server.connections === 0);
      expect(got).toBe('the last words');
      yield* ended(s, server);
    }),
  );
});

describeBoth('a server whose client does not read', (s) => {
  /** A server whose handlers are stuck, and one client. */
  function* stuckServer(closeTimeout: number | null | undefined) {
    const warnings: string[] = [];
    const warn = vi.spyOn(logger, 'warn').mockImplementation((text) => void warnings.push(String(text)));
    onTestFinished(() => warn.mockRestore());
    const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
      writer.write(new Uint8Array(PLENTY));
      yield* s.wait(writer.drain());
    });
    const server = yield* s.wait(startServer(handler, LOCAL, 0, { closeTimeout }));
    const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
    const { transport } = writer as StreamWriter & { transport: { pauseReading(): void } };
    transport.pauseReading();
    yield* until(s, () => server.connections === 1);
    return { server, writer, warnings };
  }

  it(
    'ends when serveForever() is cancelled, and the log says what was cut',
    networked(s, function* (reports) {
      const { server, writer, warnings } = yield* stuckServer(0.02);
      const serving = createTask(server.serveForever());
      yield* s.wait(sleep(0));
      serving.cancel();
      expect(yield* failure(s, serving)).toBeInstanceOf(CancelledError);
      expect(server.connections).toBe(0);
      expect(warnings).toEqual([
        expect.stringMatching(/closing took longer than 0\.02 s: 1 connections.*\d{6,} bytes/),
      ]);
      writer.transport.abort();
      yield* s.wait(sleep(0));
      reports.length = 0; // the handler's connection was cut
    }),
  );

  it(
    'ends at once when serveForever() is cancelled a second time',
    networked(s, function* (reports) {
      const { server, writer, warnings } = yield* stuckServer(null);
      const serving = createTask(server.serveForever());
      yield* s.wait(sleep(0));
      serving.cancel();
      yield* until(s, () => !server.isServing());
      serving.cancel();
      expect(yield* failure(s, serving)).toBeInstanceOf(CancelledError);
      yield* until(s, () => server.connections === 0);
      expect(warnings).toEqual([]);
      writer.transport.abort();
      yield* s.wait(sleep(0));
      reports.length = 0;
    }),
  );

  it(
    'ends when its block is left, in order at the limit',
    networked(s, function* () {
      const { server, writer, warnings } = yield* stuckServer(0.02);
      yield* s.wait(server[Symbol.asyncDispose]());
      expect(server.connections).toBe(0);
      expect(warnings).toHaveLength(1);
      writer.transport.abort();
    }),
  );

  it(
    'ends when its block is left by a cancellation',
    networked(s, function* (reports) {
      const { server, writer } = yield* stuckServer(0.02);
      const task = createTask(() => using(server, () => sleep(3_600)));
      yield* s.wait(sleep(0));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(server.connections).toBe(0);
      writer.transport.abort();
      yield* s.wait(sleep(0));
      reports.length = 0;
    }),
  );

  it(
    'has handlers that leave by the same limit',
    networked(s, function* (reports) {
      const handler = async (_reader: StreamReader, writer: StreamWriter) => {
        await using _ = writer;
        writer.write(new Uint8Array(PLENTY));
      };
      const server = yield* s.wait(startServer(handler, LOCAL, 0, { closeTimeout: 0.02 }));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port, { limit: 10 }));
      yield* until(s, () => reports.length > 0);
      expect(reports.pop()?.exception).toMatchObject({ name: 'ConnectionAbortedError', code: 'ETIMEDOUT' });
      writer.transport.abort();
      yield* ended(s, server);
    }),
  );
});

describe('closeTimeout', () => {
  it('is refused at once unless it is a time of zero or more, or null', () => {
    const wrongs: readonly [unknown, string][] = [
      [-1, 'ValueError'],
      ['5', 'TypeError'],
      [Number.NaN, 'ValueError'],
    ];
    for (const [closeTimeout, name] of wrongs) {
      const options = { closeTimeout: closeTimeout as never };
      expect(thrownBy(() => openConnection(LOCAL, 80, options))).toMatchObject({ name });
      expect(thrownBy(() => startServer(silent(), LOCAL, 0, options))).toMatchObject({ name });
    }
  });
});

describeBoth('methods that programs pass around', (s) => {
  it(
    'are bound to their connection and their server',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent(), LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const { write, close } = writer;
      const { close: stopServing, abortClients } = server;
      const { abort } = writer.transport;
      yield* s.wait(forEach(['one', 'two'], (text) => Promise.resolve(write(text))));
      stopServing();
      expect(server.isServing()).toBe(false);
      close();
      expect(writer.isClosing()).toBe(true);
      abortClients();
      abort();
      yield* s.wait(server.waitClosed());
      expect(reader.atEof()).toBe(true);
      expect(Object.keys(writer)).toEqual([]);
    }),
  );
});
