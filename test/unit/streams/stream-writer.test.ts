import { createTask, currentTask, gather, getRunningLoop, RuntimeError, sleep } from 'asyncio-ts';
import { ConnectionResetError, StreamReader, StreamReaderProtocol, StreamWriter } from 'asyncio-ts/node';
import { expect, it } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { bytes, FakeTransport, soon } from './support.ts';

interface Connected {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly transport: FakeTransport;
  readonly protocol: StreamReaderProtocol;
}

/** A writer over a transport that leads nowhere, as `openConnection` makes it. */
function connected(): Connected {
  const reader = new StreamReader();
  const protocol = new StreamReaderProtocol(reader);
  const transport = new FakeTransport(protocol);
  protocol.connectionMade(transport);
  const writer = new StreamWriter(transport, protocol, reader, getRunningLoop());
  return { reader, writer, transport, protocol };
}

const reset = () => new ConnectionResetError('read ECONNRESET', { code: 'ECONNRESET' });

describeBoth('a writer', (s) => {
  it(
    'hands everything to its transport',
    program(s, function* () {
      const { writer, transport } = connected();
      writer.write('text');
      writer.writelines([bytes('a'), 'b']);
      writer.writeEof();
      expect(transport.written).toEqual(['text', bytes('a'), 'b']);
      expect(transport.calls).toEqual(['writeEof']);
      expect(writer.canWriteEof()).toBe(true);
      expect(writer.transport).toBe(transport);
      expect(writer.getExtraInfo('peername')).toBe('the peer');
      expect(writer.getExtraInfo('nonsense')).toBeUndefined();
      expect(writer.getExtraInfo('nonsense', 5)).toBe(5);
      expect(writer.getExtraInfo('nonsense', { default: 5 })).toBe(5);
    }),
  );

  it(
    'closes its transport, once is enough',
    program(s, function* () {
      const { writer, transport } = connected();
      expect(writer.isClosing()).toBe(false);
      writer.close();
      expect(transport.calls).toEqual(['close']);
      expect(writer.isClosing()).toBe(true);
    }),
  );

  it(
    'shows what it writes to and what belongs to it',
    program(s, function* () {
      expect(String(connected().writer)).toBe('<StreamWriter transport=<FakeTransport> reader=<StreamReader>>');
    }),
  );

  it(
    'can be written to and closed by its methods alone, which stay the same functions',
    program(s, function* () {
      const { writer, transport } = connected();
      const { write, close } = writer;
      write('text');
      close();
      expect(transport.written).toEqual(['text']);
      expect(transport.calls).toEqual(['close']);
      expect(writer.write).toBe(write);
      expect(connected().writer.write).not.toBe(write);
    }),
  );

  it(
    'of a derived class is written to by that class',
    program(s, function* () {
      class Shouting extends StreamWriter {
        override write(data: string): void {
          super.write(data.toUpperCase());
        }
      }
      const reader = new StreamReader();
      const protocol = new StreamReaderProtocol(reader);
      const transport = new FakeTransport(protocol);
      const { write } = new Shouting(transport, protocol, reader, getRunningLoop());
      write('text');
      expect(transport.written).toEqual(['TEXT']);
    }),
  );

  it(
    'cannot encrypt a transport of another kind',
    program(s, function* () {
      const error = yield* failure(s, connected().writer.startTls({}));
      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({ code: 'NO_TLS', message: expect.stringContaining('<FakeTransport>') });
    }),
  );
});

describeBoth('drain', (s) => {
  it(
    'returns at once while nothing is paused',
    program(s, function* () {
      yield* s.wait(connected().writer.drain());
    }),
  );

  it(
    'waits while writing is paused, for all tasks that drain',
    program(s, function* () {
      const { writer, protocol } = connected();
      protocol.pauseWriting();
      let drained = 0;
      const drainer = s.fn(function* () {
        yield* s.wait(writer.drain());
        drained++;
      });
      const tasks = Array.from({ length: 10 }, () => createTask(drainer));
      yield* iterations(s, 5);
      expect(drained).toBe(0);
      protocol.resumeWriting();
      yield* s.wait(gather(...tasks));
      expect(drained).toBe(10);
    }),
  );

  it(
    'is awaited once, whether it has to wait or not',
    program(s, function* () {
      const { writer, protocol } = connected();
      const atOnce = writer.drain();
      yield* s.wait(atOnce);
      expect(yield* failure(s, atOnce)).toMatchObject({ message: expect.stringContaining('already awaited') });
      protocol.pauseWriting();
      soon(() => protocol.resumeWriting());
      const later = writer.drain();
      yield* s.wait(later);
      expect(yield* failure(s, later)).toMatchObject({ message: expect.stringContaining('already awaited') });
    }),
  );

  it(
    "is asked of a program's own protocol in the task that waits, which may go on after a cancellation",
    program(s, function* () {
      const seen: unknown[] = [];
      const protocol = {
        isServerSide: false,
        *drain(): Generator<unknown, void, unknown> {
          seen.push(currentTask()?.getName());
          try {
            yield* sleep(10);
          } catch (error) {
            seen.push((error as Error).name);
          }
          yield* sleep(1);
          seen.push(currentTask()?.getName());
        },
        *closed(): Generator<unknown, void, unknown> {},
      };
      const writer = new StreamWriter(new FakeTransport(), protocol, null, getRunningLoop());
      const drainer = s.fn(function* () {
        yield* s.wait(writer.drain());
        seen.push('over');
      });
      const task = createTask(drainer, { name: 'drainer' });
      getRunningLoop().callLater(5, () => task.cancel());
      yield* s.wait(task);
      expect(seen).toEqual(['drainer', 'CancelledError', 'drainer', 'over']);
      expect(getRunningLoop().time()).toBeCloseTo(6);
    }),
  );

  it(
    'waits again when writing is paused again',
    program(s, function* () {
      const { writer, protocol } = connected();
      for (let round = 0; round < 3; round++) {
        protocol.pauseWriting();
        getRunningLoop().callLater(1, () => protocol.resumeWriting());
        yield* s.wait(writer.drain());
        expect(getRunningLoop().time()).toBeCloseTo(round + 1);
      }
    }),
  );

  it(
    'can be cancelled, and then drained again',
    program(s, function* () {
      const { writer, protocol } = connected();
      protocol.pauseWriting();
      const task = createTask(writer.drain());
      soon(() => task.cancel());
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      soon(() => protocol.resumeWriting());
      yield* s.wait(writer.drain());
    }),
  );

  it(
    'fails with what the connection was lost with, while it waits and afterwards',
    program(s, function* () {
      const { writer, protocol } = connected();
      const error = reset();
      protocol.pauseWriting();
      soon(() => protocol.connectionLost(error));
      expect(yield* failure(s, writer.drain())).toBe(error);
      expect(yield* failure(s, writer.drain())).toBe(error);
    }),
  );

  it(
    'ends when the connection is closed in order while it waits, and fails afterwards',
    program(s, function* () {
      const { writer, protocol } = connected();
      protocol.pauseWriting();
      soon(() => protocol.connectionLost(null));
      yield* s.wait(writer.drain());
      const error = yield* failure(s, writer.drain());
      expect(error).toBeInstanceOf(ConnectionResetError);
      expect(error).toMatchObject({ code: 'ECONNRESET', message: expect.stringContaining('Connection lost') });
    }),
  );

  it(
    'fails with what the reader fails with',
    program(s, function* () {
      const { reader, writer } = connected();
      const error = new Error('wrong');
      reader.setException(error);
      expect(yield* failure(s, writer.drain())).toBe(error);
    }),
  );

  it(
    'gives a transport that is closing a turn to say that it is lost',
    program(s, function* () {
      const { writer, transport, protocol } = connected();
      transport.closing = true;
      soon(() => protocol.connectionLost(null));
      expect(yield* failure(s, writer.drain())).toBeInstanceOf(ConnectionResetError);
    }),
  );
});

describeBoth('waitClosed', (s) => {
  it(
    'waits until the connection is closed, in every task that waits',
    program(s, function* () {
      const { writer, protocol } = connected();
      const tasks = [createTask(writer.waitClosed()), createTask(writer.waitClosed())];
      yield* iterations(s, 3);
      expect(tasks.map((task) => task.done())).toEqual([false, false]);
      protocol.connectionLost(null);
      yield* s.wait(gather(...tasks));
      yield* s.wait(writer.waitClosed());
    }),
  );

  it(
    'fails with what the connection was lost with, now and ever after',
    program(s, function* () {
      const { writer, protocol } = connected();
      const error = reset();
      soon(() => protocol.connectionLost(error));
      expect(yield* failure(s, writer.waitClosed())).toBe(error);
      expect(yield* failure(s, writer.waitClosed())).toBe(error);
    }),
  );

  it(
    'can be cancelled',
    program(s, function* () {
      const { writer, protocol } = connected();
      const task = createTask(writer.waitClosed());
      soon(() => task.cancel());
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      protocol.connectionLost(null);
      yield* s.wait(writer.waitClosed());
    }),
  );
});

describeBoth('disposing of a writer', (s) => {
  const dispose = (writer: StreamWriter) => writer[Symbol.asyncDispose]();

  it(
    'closes, and waits until the connection is gone',
    program(s, function* () {
      const { writer, transport, protocol } = connected();
      let disposed = false;
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(dispose(writer));
          disposed = true;
        }),
      );
      yield* iterations(s, 3);
      expect(transport.calls).toEqual(['close']);
      expect(disposed).toBe(false);
      protocol.connectionLost(null);
      yield* s.wait(task);
    }),
  );

  it(
    'throws an error that was not seen',
    program(s, function* () {
      const { writer, protocol } = connected();
      const error = reset();
      soon(() => protocol.connectionLost(error));
      expect(yield* failure(s, dispose(writer))).toBe(error);
    }),
  );

  it(
    'does not throw again what a read has thrown',
    program(s, function* () {
      const { reader, writer, protocol } = connected();
      protocol.connectionLost(reset());
      yield* failure(s, reader.read());
      yield* s.wait(dispose(writer));
    }),
  );

  it(
    'does not throw again what drain has thrown, whether it waited or not',
    program(s, function* () {
      const late = connected();
      late.protocol.connectionLost(reset());
      yield* failure(s, late.writer.drain());
      yield* s.wait(dispose(late.writer));
      const waiting = connected();
      waiting.protocol.pauseWriting();
      soon(() => waiting.protocol.connectionLost(reset()));
      yield* failure(s, waiting.writer.drain());
      yield* s.wait(dispose(waiting.writer));
    }),
  );

  it(
    'does not throw again what waitClosed has thrown',
    program(s, function* () {
      const { writer, protocol } = connected();
      protocol.connectionLost(reset());
      yield* failure(s, writer.waitClosed());
      yield* s.wait(dispose(writer));
    }),
  );

  it(
    'ends when it is cancelled',
    program(s, function* () {
      const { writer, transport } = connected();
      const task = createTask(dispose(writer));
      soon(() => soon(() => task.cancel()));
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(transport.isClosing()).toBe(true);
      yield* s.wait(sleep(0));
    }),
  );
});
