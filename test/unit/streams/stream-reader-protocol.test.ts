import { AsyncLocalStorage } from 'node:async_hooks';
import {
  allTasks,
  coroutine,
  createEagerTaskFactory,
  currentTask,
  type ExceptionContext,
  getRunningLoop,
  Task,
} from 'asyncio-ts';
import {
  BaseProtocol,
  BufferedProtocol,
  type ConnectionHandler,
  DatagramProtocol,
  Protocol,
  StreamReader,
  StreamReaderProtocol,
  type StreamWriter,
  SubprocessProtocol,
} from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { iterations, names, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { bytes, FakeTransport, text } from './support.ts';

/** A protocol of a server with this handler, whose connection is made. */
function served(handler: ConnectionHandler): { protocol: StreamReaderProtocol; transport: FakeTransport } {
  const protocol = new StreamReaderProtocol(new StreamReader(), handler);
  const transport = new FakeTransport(protocol);
  protocol.connectionMade(transport);
  return { protocol, transport };
}

/** Takes the only report. */
function theReport(reports: ExceptionContext[]): ExceptionContext {
  expect(reports).toHaveLength(1);
  return reports.pop()!;
}

describeBoth('the protocol of a reader', (s) => {
  it(
    'feeds the reader with what comes, and its end, and stays open for writing',
    program(s, function* () {
      const reader = new StreamReader();
      const protocol = new StreamReaderProtocol(reader);
      protocol.connectionMade(new FakeTransport(protocol));
      protocol.dataReceived(bytes('some'));
      protocol.dataReceived(bytes('thing'));
      expect(protocol.eofReceived()).toBe(true);
      expect(text(yield* s.wait(reader.read()))).toBe('something');
      expect(reader.atEof()).toBe(true);
    }),
  );

  it(
    'ends the reader when the connection is lost in order',
    program(s, function* () {
      const reader = new StreamReader();
      const protocol = new StreamReaderProtocol(reader);
      protocol.connectionMade(new FakeTransport(protocol));
      protocol.dataReceived(bytes('some'));
      protocol.connectionLost(null);
      expect(text(yield* s.wait(reader.read()))).toBe('some');
    }),
  );

  it(
    'is of the side of a server when it has a handler',
    program(s, function* () {
      expect(new StreamReaderProtocol(new StreamReader()).isServerSide).toBe(false);
      expect(new StreamReaderProtocol(new StreamReader(), () => {}).isServerSide).toBe(true);
    }),
  );

  it(
    'lets its reader slow the transport down',
    program(s, function* () {
      const protocol = new StreamReaderProtocol(new StreamReader({ limit: 1 }));
      const transport = new FakeTransport(protocol);
      protocol.connectionMade(transport);
      // The protocol does not keep its reader alive, but this turn does.
      protocol.dataReceived(bytes('abc'));
      expect(transport.calls).toEqual(['pauseReading']);
    }),
  );
});

describeBoth('the handler of a connection', (s) => {
  it(
    'is called in a task of its own, which is named for it and its peer',
    program(s, function* () {
      let task: Task | null = null;
      let args: unknown[] = [];
      const handler = s.fn(function* handle(reader: StreamReader, writer: StreamWriter) {
        task = currentTask();
        args = [reader, writer];
        yield* s.wait(reader.read(1));
      });
      const { protocol, transport } = served(handler);
      expect(args).toEqual([]);
      yield* iterations(s, 2);
      expect(task).not.toBeNull();
      expect(names([task!])).toEqual([expect.stringMatching(/^\w*\(the peer\)$/)]);
      expect(args[0]).toBeInstanceOf(StreamReader);
      expect((args[1] as StreamWriter).transport).toBe(transport);
      protocol.dataReceived(bytes('x'));
      yield* s.wait(task! as Task);
      expect(transport.calls).toEqual([]);
    }),
  );

  it(
    'may be a plain function',
    program(s, function* () {
      const calls: number[] = [];
      const { transport } = served((...args) => {
        calls.push(args.length);
      });
      yield* iterations(s, 3);
      expect(calls).toEqual([2]);
      expect(transport.calls).toEqual([]);
    }),
  );

  it(
    'is reported when it fails, and its connection is closed',
    program(s, function* (reports) {
      const problem = new Error('a bug');
      const { transport } = served(
        s.fn(function* () {
          yield* iterations(s, 1);
          throw problem;
        }),
      );
      yield* iterations(s, 5);
      expect(theReport(reports)).toMatchObject({
        message: expect.stringContaining('handler of a connection'),
        exception: problem,
        transport,
      });
      expect(transport.calls).toEqual(['close']);
    }),
  );

  it(
    'is reported when it fails as a plain function',
    program(s, function* (reports) {
      const problem = new Error('a bug');
      const { transport } = served(() => {
        throw problem;
      });
      yield* iterations(s, 5);
      expect(theReport(reports).exception).toBe(problem);
      expect(transport.calls).toEqual(['close']);
    }),
  );

  it(
    'closes its connection and says nothing when it is cancelled',
    program(s, function* () {
      const { transport } = served(
        s.fn(function* (reader: StreamReader) {
          yield* s.wait(reader.read());
        }),
      );
      yield* iterations(s, 2);
      const self = currentTask();
      for (const task of allTasks()) if (task !== self) task.cancel();
      yield* iterations(s, 5);
      expect(transport.calls).toEqual(['close']);
      expect(getRunningLoop().isRunning()).toBe(true);
    }),
  );

  it(
    'is told to a task factory with its name',
    program(s, function* () {
      const told: unknown[] = [];
      const loop = getRunningLoop();
      loop.setTaskFactory((itsLoop, coro, options) => {
        told.push(options?.name);
        return new Task(coro, { ...options, loop: itsLoop });
      });
      served(s.fn(function* () {}));
      loop.setTaskFactory(null);
      expect(told).toEqual([expect.stringMatching(/^\w*\(the peer\)$/)]);
      yield* iterations(s, 3);
    }),
  );

  it(
    'may end before its connection is made, when a task factory runs it at once',
    program(s, function* (reports) {
      const loop = getRunningLoop();
      const problem = new Error('a bug');
      loop.setTaskFactory(createEagerTaskFactory(Task));
      const good = served(s.fn(function* () {}));
      const bad = served(
        s.fn(function* () {
          throw problem;
        }),
      );
      loop.setTaskFactory(null);
      yield* iterations(s, 5);
      expect(theReport(reports).exception).toBe(problem);
      expect([good.transport.calls, bad.transport.calls]).toEqual([[], ['close']]);
    }),
  );

  it(
    'has the async context of who made the connection, and so has an async function that it awaits',
    program(s, function* () {
      const storage = new AsyncLocalStorage<string>();
      const seen: unknown[] = [];
      const later = async () => {
        seen.push(storage.getStore());
        await null;
        seen.push(storage.getStore());
      };
      const handler = s.fn(function* () {
        yield* s.wait(coroutine(later)());
      });
      storage.run('here', () => served(handler));
      yield* iterations(s, 5);
      served(handler);
      yield* iterations(s, 5);
      expect(seen).toEqual(['here', 'here', undefined, undefined]);
    }),
  );

  it(
    'is reported when a default of its parameters fails',
    program(s, function* (reports) {
      const problem = new Error('a bug');
      const fail = (): never => {
        throw problem;
      };
      const handler: ConnectionHandler =
        s.name === 'generator'
          ? function* (_reader: StreamReader, _writer: StreamWriter, _third: unknown = fail()) {}
          : async (_reader: StreamReader, _writer: StreamWriter, _third: unknown = fail()) => {};
      const { transport } = served(handler);
      yield* iterations(s, 5);
      expect(theReport(reports).exception).toBe(problem);
      expect(transport.calls).toEqual(['close']);
    }),
  );
});

describe('a protocol that overrides nothing', () => {
  const transport = new FakeTransport();

  it('takes everything, and keeps nothing open', () => {
    const protocol = new Protocol();
    protocol.connectionMade(transport);
    protocol.dataReceived(bytes('x'));
    protocol.pauseWriting();
    protocol.resumeWriting();
    expect(protocol.eofReceived()).toBeFalsy();
    protocol.connectionLost(null);
    expect(transport.calls).toEqual([]);
  });

  it('gives no buffer', () => {
    const protocol = new BufferedProtocol();
    expect(protocol.getBuffer(-1)).toBeUndefined();
    protocol.bufferUpdated(1);
    expect(protocol.eofReceived()).toBeFalsy();
  });

  it('takes datagrams and what processes do', () => {
    const datagrams = new DatagramProtocol();
    datagrams.datagramReceived(bytes('x'), ['127.0.0.1', 1]);
    datagrams.errorReceived(new Error('x'));
    const process = new SubprocessProtocol();
    process.pipeDataReceived(1, bytes('x'));
    process.pipeConnectionLost(1, null);
    process.processExited();
    expect(datagrams).toBeInstanceOf(BaseProtocol);
    expect(process).toBeInstanceOf(BaseProtocol);
  });
});
