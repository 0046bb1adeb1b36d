import { createTask, type ExceptionContext, getRunningLoop, run, sleep, wait } from 'asyncio-ts';
import { openConnection, type Server, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { MemoryNetwork, runVirtual } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { failure } from '../../../support/programs.ts';
import { type Body, describeBoth, type Spelling } from '../../../support/spellings.ts';
import { text } from '../../streams/support.ts';

/** What both networks have. */
interface Network {
  openConnection(host: string, port: number): ReturnType<typeof openConnection>;
  startServer(
    handler: (reader: StreamReader, writer: StreamWriter) => PromiseLike<unknown> | undefined,
    host: string,
    port: number,
    options?: { readonly limit?: number },
  ): ReturnType<typeof startServer>;
}

const REAL: Network = { openConnection, startServer };
const HOST = '127.0.0.1';

type Note = (...seen: unknown[]) => void;
type Scenario = (s: Spelling) => Body<[net: Network, note: Note], void>;

const handler = (s: Spelling, body: Body<[StreamReader, StreamWriter], void>) =>
  s.fn(body) as (reader: StreamReader, writer: StreamWriter) => PromiseLike<unknown>;

/** What an error is, without what only one of the networks can say. */
function told(error: unknown): unknown {
  const { name, code } = error as { name?: string; code?: string };
  return [name, code];
}

function* pair(
  s: Spelling,
  net: Network,
  serve: Body<[StreamReader, StreamWriter], void>,
  options: { limit?: number } = {},
) {
  const server: Server = yield* s.wait(net.startServer(handler(s, serve), HOST, 0, options));
  const { reader, writer } = yield* s.wait(net.openConnection(HOST, server.port));
  return { server, reader, writer };
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'lines there and back, and the end': (s) =>
    function* (net, note) {
      const { server, reader, writer } = yield* pair(s, net, function* (reader, writer) {
        for (;;) {
          const line = yield* s.wait(reader.readline());
          if (line.length === 0) break;
          writer.write(line);
        }
        note('server: end', reader.atEof());
        writer.close();
      });
      writer.write('one\ntwo\n');
      note(text(yield* s.wait(reader.readline())), text(yield* s.wait(reader.readline())));
      writer.writeEof();
      note(text(yield* s.wait(reader.read())), reader.atEof());
      yield* s.wait(writer.waitClosed());
      note(writer.isClosing());
      note(yield* s.wait(server.shutdown(5)));
    },
  'half-closed by the server': (s) =>
    function* (net, note) {
      const { server, reader, writer } = yield* pair(s, net, function* (reader, writer) {
        writer.write('hello');
        writer.writeEof();
        note('server:', text(yield* s.wait(reader.read())));
        writer.close();
      });
      note(text(yield* s.wait(reader.read())), writer.isClosing());
      writer.write('good');
      yield* s.wait(writer.drain());
      writer.write('bye');
      writer.close();
      yield* s.wait(writer.waitClosed());
      note(yield* s.wait(server.shutdown(5)));
    },
  'an end in the middle of a message': (s) =>
    function* (net, note) {
      const { server, reader, writer } = yield* pair(s, net, function* (_reader, writer) {
        writer.write('abc');
        writer.close();
      });
      const error = (yield* failure(s, reader.readexactly(10))) as { partial: Uint8Array; expected: number };
      note(told(error), text(error.partial), error.expected);
      writer.close();
      yield* s.wait(writer.waitClosed());
      yield* s.wait(server.shutdown(5));
    },
  'a server that is not there, and a port that is taken': (s) =>
    function* (net, note) {
      const server: Server = yield* s.wait(net.startServer(() => undefined, HOST, 0));
      const { port } = server;
      note(
        told(
          yield* failure(
            s,
            net.startServer(() => undefined, HOST, port),
          ),
        ),
      );
      note(server.isServing(), server.sockets.length, server.sockets[0]!.port === port);
      server.close();
      note(server.isServing(), server.sockets.length, server.port);
      yield* s.wait(server.waitClosed());
      const error = yield* failure(s, net.openConnection(HOST, port));
      const { syscall } = error as { syscall?: string };
      note(told(error), syscall);
      note(told(yield* failure(s, server.startServing())));
    },
  'a reader that does not read': (s) =>
    function* (net, note) {
      const size = 8_000_000;
      let count = 0;
      let mayRead = false;
      const { server, writer } = yield* pair(
        s,
        net,
        function* (reader, writer) {
          while (!mayRead) yield* s.wait(sleep(0.001));
          for (;;) {
            const bytes = yield* s.wait(reader.read(65_536));
            if (bytes.length === 0) break;
            count += bytes.length;
          }
          writer.close();
        },
        { limit: 1_000 },
      );
      yield* s.wait(writer.drain());
      writer.write(new Uint8Array(size));
      const draining = createTask(() => writer.drain());
      yield* s.wait(sleep(0.05));
      note(draining.done(), writer.transport.getWriteBufferSize() > 65_536);
      mayRead = true;
      yield* s.wait(draining);
      note(writer.transport.getWriteBufferSize() <= 16_384);
      writer.close();
      yield* s.wait(writer.waitClosed());
      yield* s.wait(server.shutdown(30));
      note(count);
    },
  'an end that is aborted with unread bytes': (s) =>
    function* (net, note) {
      const { server, reader, writer } = yield* pair(
        s,
        net,
        function* (reader, writer) {
          yield* s.wait(reader.readexactly(5));
          // The system has more than the reader takes.
          while (
            writer.transport.isClosing() === false &&
            (writer.transport as { isReading?(): boolean }).isReading?.()
          ) {
            yield* s.wait(sleep(0.001));
          }
          yield* s.wait(sleep(0.02));
          writer.transport.abort();
        },
        { limit: 1 },
      );
      writer.write('hello');
      writer.write(new Uint8Array(500_000));
      const error = yield* failure(s, reader.read());
      note(told(error));
      note((yield* failure(s, writer.drain())) === error);
      note((yield* failure(s, writer.waitClosed())) === error, writer.isClosing());
      yield* s.wait(server.shutdown(5));
    },
  'a handler that fails, and one that is cancelled': (s) =>
    function* (net, note) {
      const reports: ExceptionContext[] = [];
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      const { server, reader, writer } = yield* pair(s, net, function* (reader) {
        if (text(yield* s.wait(reader.readline())) === 'fail\n') throw new RangeError('as told');
        yield* s.wait(sleep(1_000));
      });
      writer.write('fail\n');
      note(
        text(yield* s.wait(reader.read())),
        reports.map(({ message, exception }) => [message, String(exception)]),
      );
      const other = yield* s.wait(net.openConnection(HOST, server.port));
      other.writer.write('wait\n');
      while (server.connections < 1) yield* s.wait(sleep(0.001));
      note(yield* s.wait(server.shutdown(0.05)));
      note(text(yield* s.wait(other.reader.read())));
      for (const one of [writer, other.writer]) {
        one.close();
        yield* s.wait(one.waitClosed());
      }
    },
  'a server that serves for ever, until it is cancelled': (s) =>
    function* (net, note) {
      const { server, reader, writer } = yield* pair(s, net, function* (reader, writer) {
        writer.write('hi\n');
        yield* s.wait(reader.read());
        writer.close();
      });
      const serving = createTask(() => server.serveForever());
      note(text(yield* s.wait(reader.readline())), server.connections);
      serving.cancel();
      yield* s.wait(wait([serving]));
      note(serving.cancelled(), server.isServing(), text(yield* s.wait(reader.read())));
      writer.close();
      yield* s.wait(writer.waitClosed());
      note(server.connections, told(yield* failure(s, server.serveForever())));
    },
  'writing where nothing can be written': (s) =>
    function* (net, note) {
      const { server, reader, writer } = yield* pair(s, net, function* (reader, writer) {
        note('server:', text(yield* s.wait(reader.read())));
        writer.close();
      });
      writer.write('all');
      writer.writeEof();
      writer.writeEof();
      try {
        writer.write('more');
      } catch (error) {
        note(told(error));
      }
      yield* s.wait(reader.read());
      writer.close();
      writer.close();
      yield* s.wait(writer.waitClosed());
      try {
        writer.write(5 as never);
      } catch (error) {
        note(told(error));
      }
      note(writer.getExtraInfo('peername')![1] === 0, writer.canWriteEof(), writer.transport.getWriteBufferLimits());
      yield* s.wait(server.shutdown(5));
    },
};

describeBoth('a network in memory', (s) => {
  test.each(Object.keys(SCENARIOS))('does what the network of the system does: %s', async (name) => {
    const traceOf = async (start: (main: () => never) => Promise<unknown>, network: () => Network) => {
      const trace: unknown[][] = [];
      const body = SCENARIOS[name]!(s);
      const main = s.fn(function* () {
        yield* body(network(), (...seen) => trace.push(seen));
      });
      await start(main as never);
      return trace;
    };
    const real = await traceOf(
      (main) => run(main),
      () => REAL,
    );
    const simulated = await traceOf(
      (main) => runVirtual(main, { failOnLeaks: true }),
      () => new MemoryNetwork() as Network,
    );
    expect(simulated).toEqual(real);
    expect(real.length).toBeGreaterThan(0);
  });
});
