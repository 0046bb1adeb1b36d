import { networkInterfaces } from 'node:os';
import {
  ContextVar,
  createTask,
  currentTask,
  gather,
  getRunningLoop,
  run,
  type Task,
  TimeoutError,
  timeout,
} from 'asyncio-ts';
import {
  openConnection,
  type Server,
  type SocketAddress,
  type StreamPair,
  type StreamReader,
  type StreamWriter,
  startServer,
} from 'asyncio-ts/node';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { failure, names } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { text } from '../../streams/support.ts';
import { closed, echo, ended, hears, LOCAL, networked, theReport, until } from './support.ts';

describeBoth('a connection', (s) => {
  it(
    'carries bytes both ways',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      yield* hears(s, pair, 'and again\n');
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'carries text as UTF-8, and several pieces in order',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      writer.write('grüße ');
      writer.writelines([new Uint8Array([226, 130]), new Uint8Array([172]), '\n']);
      writer.write('');
      expect(new TextDecoder().decode(yield* s.wait(reader.readline()))).toBe('grüße €\n');
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'is a list of reader and writer, and has them by name',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      const [reader, writer] = pair;
      expect(pair.reader).toBe(reader);
      expect(pair.writer).toBe(writer);
      expect(pair).toHaveLength(2);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'goes on where a test has replaced isClosed() of the loop',
    networked(s, function* () {
      const lie = vi.spyOn(getRunningLoop(), 'isClosed').mockReturnValue(true);
      onTestFinished(() => lie.mockRestore());
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const pair = yield* s.wait(timeout(5, () => openConnection(LOCAL, server.port)));
      yield* s.wait(
        timeout(
          5,
          s.fn(() => hears(s, pair)),
        ),
      );
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'can be ended in one direction: the server goes on writing',
    networked(s, function* () {
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        const all = text(yield* s.wait(reader.read()));
        writer.write(`heard ${all}`);
        yield* s.wait(writer.drain());
        writer.write(', all of it');
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      writer.write('this and ');
      writer.write('that');
      expect(writer.canWriteEof()).toBe(true);
      writer.writeEof();
      expect(text(yield* s.wait(reader.read()))).toBe('heard this and that, all of it');
      expect(reader.atEof()).toBe(true);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'can be ended in the other direction: the client goes on writing',
    networked(s, function* () {
      let heard = '';
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        writer.write('bye');
        writer.writeEof();
        heard = text(yield* s.wait(reader.read()));
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      expect(text(yield* s.wait(reader.read()))).toBe('bye');
      writer.write('still here');
      yield* s.wait(writer.drain());
      writer.writeEof();
      yield* until(s, () => heard !== '');
      expect(heard).toBe('still here');
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
          s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
            writer.write(new Uint8Array(size));
            writer.close();
            yield* s.wait(writer.waitClosed());
          }),
          LOCAL,
          0,
        ),
      );
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      expect((yield* s.wait(reader.read())).length).toBe(size);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'refuses to write after the end, and drops what is written after close',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      writer.writeEof();
      writer.writeEof();
      expect(() => writer.write('x')).toThrow(expect.objectContaining({ code: 'WRITE_AFTER_EOF' }));
      yield* closed(s, writer);
      const other = (yield* s.wait(openConnection(LOCAL, server.port))).writer;
      other.close();
      other.write('x');
      other.writelines(['y']);
      other.writeEof();
      yield* s.wait(other.waitClosed());
      yield* ended(s, server);
    }),
  );

  it(
    'writes nothing of a list in which an item is not bytes',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      for (const wrong of [1, null, undefined, {}, ['a']]) {
        expect(() => pair.writer.write(wrong as never)).toThrow(TypeError);
        expect(() => pair.writer.writelines(['lost\n', wrong as never])).toThrow(TypeError);
      }
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'has its addresses, also when it is closed',
    networked(s, function* () {
      const seen: unknown[] = [];
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        seen.push(writer.getExtraInfo('peername'), writer.getExtraInfo('sockname'));
        yield* s.wait(reader.read());
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const [host, port] = writer.getExtraInfo('peername') as SocketAddress;
      expect([host, port]).toEqual([LOCAL, server.port]);
      const own = writer.getExtraInfo('sockname');
      expect(own).toMatchObject({ host: LOCAL, family: 4 });
      expect(writer.getExtraInfo('socket')).toHaveProperty('remotePort', server.port);
      expect(writer.getExtraInfo('sslObject')).toBeUndefined();
      expect(writer.getExtraInfo('cipher', 'none')).toBe('none');
      expect(writer.getExtraInfo('nonsense', 7)).toBe(7);
      yield* until(s, () => seen.length > 0);
      expect(seen).toEqual([own, [LOCAL, server.port]]);
      yield* closed(s, writer);
      expect(writer.getExtraInfo('peername')).toEqual([LOCAL, server.port]);
      yield* ended(s, server);
    }),
  );

  it(
    'says how it stands',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      expect(String(writer.transport)).toBe(`<SocketTransport open peer=${LOCAL}:${server.port}>`);
      expect(String(writer)).toBe(`<StreamWriter transport=${writer.transport} reader=<StreamReader>>`);
      expect(String(server)).toMatch(new RegExp(`^<Server serving on ${LOCAL}:${server.port} connections=\\d>$`));
      writer.close();
      expect(String(writer.transport)).toContain('closing');
      yield* s.wait(writer.waitClosed());
      expect(String(writer.transport)).toContain('closed');
      yield* ended(s, server);
      expect(String(server)).toBe('<Server closed connections=0>');
    }),
  );

  it(
    'can be waited for with a deadline, which takes nothing',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      expect(
        yield* failure(
          s,
          timeout(0.001, () => reader.readline()),
        ),
      ).toBeInstanceOf(TimeoutError);
      yield* hears(s, { reader, writer });
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'is made a hundred times at once',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const client = s.fn(function* (): Generator<unknown, void, unknown> {
        const pair = yield* s.wait(openConnection(LOCAL, server.port));
        yield* hears(s, pair);
        yield* closed(s, pair.writer);
      });
      yield* s.wait(gather(...Array.from({ length: 100 }, () => createTask(client))));
      yield* ended(s, server);
    }),
  );

  it(
    'comes from the address that is asked for',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port, { localAddr: ['127.0.0.9', 0] }));
      expect((writer.getExtraInfo('sockname') as SocketAddress).host).toBe('127.0.0.9');
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'is made over a socket that is there',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const first = yield* s.wait(openConnection(LOCAL, server.port));
      const sock = first.writer.getExtraInfo('socket') as never;
      const pair = yield* s.wait(openConnection(null, null, { sock }));
      expect(pair.writer.getExtraInfo('peername')).toEqual([LOCAL, server.port]);
      yield* closed(s, pair.writer);
      yield* closed(s, first.writer);
      yield* ended(s, server);
    }),
  );
});

const hasVersion6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === '::1');

describe.skipIf(!hasVersion6)('version 6 of the internet protocol', () => {
  describeBoth('', (s) => {
    it(
      'carries bytes, and shows its addresses',
      networked(s, function* () {
        const server = yield* s.wait(startServer(echo(s), '::1', 0));
        expect(server.sockets[0]).toMatchObject({ host: '::1', family: 6 });
        expect(String(server)).toContain(`[::1]:${server.port}`);
        const pair = yield* s.wait(openConnection('::1', server.port, { family: 6 }));
        expect(pair.writer.getExtraInfo('peername')).toMatchObject({ host: '::1', port: server.port, family: 6 });
        yield* hears(s, pair);
        yield* closed(s, pair.writer);
        yield* ended(s, server);
        const error = yield* failure(s, openConnection('::1', server.port || 1));
        expect(error).toMatchObject({ code: 'ECONNREFUSED', message: expect.stringContaining('[::1]:1') });
      }),
    );

    it(
      'is listened on beside version 4 by a server of all addresses, on one port',
      networked(s, function* () {
        const server = yield* s.wait(startServer(echo(s), null, 0));
        for (const host of ['::1', '127.0.0.1']) {
          const pair = yield* s.wait(openConnection(host, server.port));
          yield* hears(s, pair);
          yield* closed(s, pair.writer);
        }
        yield* ended(s, server);
        const only = yield* s.wait(startServer(echo(s), null, 0, { family: 6 }));
        expect(yield* failure(s, openConnection('127.0.0.1', only.port))).toMatchObject({ code: 'ECONNREFUSED' });
        yield* ended(s, only);
      }),
    );
  });
});

describeBoth('a handler', (s) => {
  it(
    'may be a plain function, that makes a task',
    networked(s, function* () {
      const tasks: Task[] = [];
      const server = yield* s.wait(
        startServer(
          (reader, writer) => {
            tasks.push(createTask(() => echo(s)(reader, writer) as never));
          },
          LOCAL,
          0,
        ),
      );
      const pair = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* s.wait(gather(...tasks));
      yield* ended(s, server);
    }),
  );

  it(
    'that fails is reported and closes only its own connection, and the server goes on',
    networked(s, function* (reports) {
      const problem = new Error('a bug');
      const handler = s.fn(function* faulty(reader: StreamReader, writer: StreamWriter) {
        while (true) {
          const line = text(yield* s.wait(reader.readline()));
          if (line === '') break;
          if (line === 'fail\n') throw problem;
          writer.write(line);
        }
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const before = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, before);
      const failing = yield* s.wait(openConnection(LOCAL, server.port));
      failing.writer.write('fail\n');
      expect(text(yield* s.wait(failing.reader.read()))).toBe('');
      expect(theReport(reports)).toMatchObject({
        message: 'Unhandled exception in the handler of a connection',
        exception: problem,
      });
      yield* hears(s, before);
      const after = yield* s.wait(openConnection(LOCAL, server.port));
      yield* hears(s, after);
      for (const { writer } of [before, failing, after]) yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'has a task of its own, with the context in which the server was made',
    networked(s, function* () {
      const variable = new ContextVar<string>('variable', { default: 'none' });
      variable.set('of the server');
      const seen: unknown[] = [];
      const handler = s.fn(function* handle(reader: StreamReader, writer: StreamWriter) {
        seen.push(variable.get(), names([currentTask()!])[0]);
        yield* s.wait(reader.read());
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      variable.set('of the client');
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const [, port] = writer.getExtraInfo('sockname') as SocketAddress;
      yield* until(s, () => seen.length > 0);
      expect(seen[0]).toBe('of the server');
      expect(seen[1]).toMatch(new RegExp(`\\(${LOCAL}:${port}\\)$`));
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'can read what came with the connection, and before it read',
    networked(s, function* () {
      let heard = '';
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        yield* until(s, () => String(reader).includes('bytes'));
        heard = text(yield* s.wait(reader.read()));
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      writer.write('early');
      yield* closed(s, writer);
      yield* until(s, () => heard !== '');
      expect(heard).toBe('early');
      yield* ended(s, server);
    }),
  );
});

describe('await using', () => {
  it('closes a connection, a writer and a server', async () => {
    await run(async () => {
      const states: boolean[] = [];
      let server: Server;
      {
        await using listening = await startServer(
          async (reader, writer) => {
            await using _ = writer;
            writer.write(await reader.readline());
          },
          LOCAL,
          0,
        );
        server = listening;
        let connection: StreamPair;
        {
          await using pair = await openConnection(LOCAL, server.port);
          connection = pair;
          pair.writer.write('hello\n');
          expect(text(await pair.reader.readline())).toBe('hello\n');
        }
        states.push(connection.writer.isClosing(), server.isServing());
      }
      states.push(server.isServing());
      expect(states).toEqual([true, true, false]);
      expect(server.connections).toBe(0);
    });
  });
});
