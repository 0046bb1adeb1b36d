import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { ContextVar, createTask, currentTask, getRunningLoop, RuntimeError, run, sleep } from 'asyncio-ts';
import {
  BufferedProtocol,
  connectAcceptedSocket,
  createConnection,
  createServer,
  createUnixConnection,
  openConnection,
  Protocol,
  type Server,
  StreamReader,
  StreamReaderProtocol,
  type StreamWriter,
  startServer,
  type Transport,
} from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { WriteSide, type Writing } from '../../../../src/node/transport/write-side.ts';
import { failure, thrownBy } from '../../../support/programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { bytes, text } from '../../streams/support.ts';
import { closed, echo, ended, LOCAL, making, Notes, networked, rounds, theReport, until } from './support.ts';

/** A protocol at each end of a connection, and the server between. */
interface Ends<P> {
  readonly server: Server;
  readonly client: P;
  readonly transport: Transport;
  /** The server's end. */
  readonly peer: Notes;
}

function* connected<P extends Protocol | BufferedProtocol>(
  s: Spelling,
  make: () => P,
  makePeer = () => new Notes(),
): Generator<unknown, Ends<P>, unknown> {
  const factory = making(makePeer);
  const server = yield* s.wait(createServer(factory, LOCAL, 0));
  const { transport, protocol } = yield* s.wait(createConnection(make, LOCAL, server.port));
  yield* until(s, () => factory.made[0]?.transport != null);
  return { server, client: protocol as P, transport, peer: factory.made[0]! };
}

/** Calls of a program's code that throw, each of its own kind. */
const problem = new Error('a bug');

describeBoth('a connection for a protocol', (s) => {
  it(
    'is a list of transport and protocol, and has them by name; the protocol knows of it before',
    networked(s, function* () {
      const server = yield* s.wait(createServer(() => new Notes(), LOCAL, 0));
      const made = yield* s.wait(createConnection(() => new Notes(), LOCAL, server.port));
      const [transport, protocol] = made;
      expect(made.transport).toBe(transport);
      expect(made.protocol).toBe(protocol);
      expect(protocol.calls).toEqual(['made']);
      expect(protocol.transport).toBe(transport);
      expect(transport.getProtocol()).toBe(protocol);
      transport.close();
      yield* until(s, () => protocol.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'calls the protocol for the connection, data, the end and the loss, in this order, each once',
    networked(s, function* () {
      const { server, client, peer } = yield* connected(s, () => new Notes());
      client.transport!.write('one');
      yield* until(s, () => peer.received === 'one');
      peer.transport!.write('two');
      peer.transport!.close();
      yield* until(s, () => client.isLost && peer.isLost);
      expect(client.calls).toEqual(['made', 'data', 'eof', 'lost']);
      expect(client.received).toBe('two');
      expect(client.error).toBeNull();
      expect(peer.calls).toEqual(['made', 'data', 'lost']);
      expect(peer.error).toBeNull();
      yield* rounds(s, 5);
      expect(client.calls).toHaveLength(4);
      yield* ended(s, server);
    }),
  );

  it(
    'reports a connection that is lost at once, too: it was made before',
    networked(s, function* () {
      const factory = making(() => new Notes());
      const server = yield* s.wait(createServer(factory, LOCAL, 0));
      for (let i = 0; i < 20; i++) {
        const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
        (writer.getExtraInfo('socket') as { resetAndDestroy(): void }).resetAndDestroy();
      }
      yield* until(s, () => factory.made.every((one) => one.isLost) && server.connections === 0);
      for (const { calls } of factory.made) {
        expect(calls[0]).toBe('made');
        expect(calls.filter((call) => call === 'lost')).toHaveLength(1);
        expect(calls.at(-1)).toBe('lost');
      }
      yield* ended(s, server);
    }),
  );

  it(
    'reports both when the socket has ended before the protocol was made',
    networked(s, function* () {
      const server = yield* s.wait(createServer(() => new Notes(), LOCAL, 0));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const sock = writer.getExtraInfo('socket') as Socket;
      yield* closed(s, writer);
      yield* until(s, () => sock.destroyed); // the peer has ended its side, too
      const [transport, protocol] = yield* s.wait(createConnection(() => new Notes(), null, null, { sock }));
      yield* until(s, () => protocol.isLost);
      expect(protocol.calls).toEqual(['made', 'lost']);
      expect(transport.isClosing()).toBe(true);
      const pair = yield* s.wait(openConnection(null, null, { sock }));
      expect(text(yield* s.wait(pair.reader.read()))).toBe('');
      expect(yield* failure(s, pair.writer.drain())).toMatchObject({ name: 'ConnectionResetError' });
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'reports both when the transport is aborted before its protocol knows of it',
    networked(s, function* () {
      const factory = making(() => new Notes());
      const server = yield* s.wait(createServer(factory, LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* until(s, () => {
        if (server.connections === 1 && factory.made[0]!.calls.length === 0) server.abortClients();
        return factory.made[0]?.isLost === true || factory.made[0]?.transport != null;
      });
      server.abortClients();
      yield* until(s, () => factory.made[0]!.isLost);
      expect(factory.made[0]!.calls).toEqual(['made', 'lost']);
      yield* s.wait(reader.read());
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'stays open for writing when eofReceived says so',
    networked(s, function* () {
      const { server, client, peer } = yield* connected(s, () => new Notes(true));
      peer.transport!.writeEof();
      yield* until(s, () => client.calls.includes('eof'));
      yield* rounds(s, 3);
      expect(client.isLost).toBe(false);
      expect(client.transport!.isClosing()).toBe(false);
      client.transport!.write('still here');
      yield* until(s, () => peer.received === 'still here');
      client.transport!.close();
      yield* until(s, () => client.isLost && peer.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'closes itself when eofReceived does not, after what it keeps is sent',
    networked(s, function* () {
      const size = 3_000_000;
      const { server, client, peer } = yield* connected(s, () => new Notes(false));
      client.transport!.write(new Uint8Array(size));
      peer.transport!.writeEof();
      yield* until(s, () => client.isLost && peer.isLost);
      expect(peer.received.length).toBe(size);
      expect(client.calls.filter((call) => call !== 'pause' && call !== 'resume')).toEqual(['made', 'eof', 'lost']);
      yield* ended(s, server);
    }),
  );

  it(
    'calls its protocol in the context in which it was made, and in no task',
    networked(s, function* () {
      const variable = new ContextVar<string>('variable', { default: 'none' });
      const seen: unknown[] = [];
      const note = () => seen.push(variable.get(), currentTask());
      class Told extends Notes {
        override connectionMade(transport: Transport): void {
          note();
          super.connectionMade(transport);
        }
        override dataReceived(data: Uint8Array): void {
          note();
          super.dataReceived(data);
        }
        override eofReceived(): boolean {
          note();
          return super.eofReceived();
        }
        override connectionLost(error: unknown): void {
          note();
          super.connectionLost(error);
        }
      }
      variable.set('mine');
      const { server, client, peer } = yield* connected(s, () => new Told());
      variable.set('changed');
      peer.transport!.write('x');
      peer.transport!.close();
      yield* until(s, () => client.isLost);
      expect(seen).toEqual(['mine', null, 'mine', null, 'mine', null, 'mine', null]);
      yield* ended(s, server);
    }),
  );
});

describeBoth('reading that is paused', (s) => {
  it(
    'while the connection is made delivers nothing until it goes on',
    networked(s, function* () {
      class Paused extends Notes {
        override connectionMade(transport: Transport): void {
          super.connectionMade(transport);
          transport.pauseReading();
        }
      }
      const { server, client, peer } = yield* connected(s, () => new Paused());
      expect(client.transport!.isReading()).toBe(false);
      peer.transport!.write('early');
      peer.transport!.writeEof();
      yield* rounds(s, 20);
      expect(client.calls).toEqual(['made']);
      client.transport!.pauseReading();
      client.transport!.resumeReading();
      expect(client.transport!.isReading()).toBe(true);
      yield* until(s, () => client.isLost);
      expect(client.received).toBe('early');
      expect(client.calls).toEqual(['made', 'data', 'eof', 'lost']);
      yield* ended(s, server);
    }),
  );

  it(
    'by what is received delivers nothing more until it goes on',
    networked(s, function* () {
      class Sipping extends Notes {
        override dataReceived(data: Uint8Array): void {
          super.dataReceived(data);
          this.transport!.pauseReading();
        }
      }
      const size = 1_000_000;
      const { server, client, peer } = yield* connected(s, () => new Sipping());
      peer.transport!.write(new Uint8Array(size));
      let last = -1;
      while (client.received.length < size) {
        yield* until(s, () => !client.transport!.isReading());
        expect(client.received.length).toBeGreaterThan(last);
        last = client.received.length;
        yield* rounds(s, 2);
        expect(client.received.length).toBe(last);
        client.transport!.resumeReading();
      }
      expect(last).toBe(size);
      client.transport!.close();
      yield* until(s, () => client.isLost && peer.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'cannot be resumed when the transport is closing',
    networked(s, function* () {
      const { server, client, transport } = yield* connected(s, () => new Notes());
      transport.pauseReading();
      transport.close();
      transport.resumeReading();
      transport.pauseReading();
      expect(transport.isReading()).toBe(false);
      yield* until(s, () => client.isLost);
      expect(client.calls).toEqual(['made', 'lost']);
      yield* ended(s, server);
    }),
  );

  it(
    'closes nevertheless, and reports it once',
    networked(s, function* () {
      const { server, client, peer, transport } = yield* connected(s, () => new Notes());
      transport.pauseReading();
      peer.transport!.write('unread');
      yield* rounds(s, 5);
      transport.close();
      transport.close();
      transport.abort();
      yield* until(s, () => client.isLost && peer.isLost);
      expect(client.calls).toEqual(['made', 'lost']);
      yield* ended(s, server);
    }),
  );
});

describeBoth('a protocol', (s) => {
  it(
    'can be switched in mid-stream, for one that gets all that comes from then on',
    networked(s, function* () {
      const second = new Notes();
      class First extends Notes {
        override dataReceived(data: Uint8Array): void {
          super.dataReceived(data);
          this.transport!.setProtocol(second);
        }
      }
      const { server, client, peer, transport } = yield* connected(s, () => new First());
      peer.transport!.write('for the first');
      yield* until(s, () => client.received !== '');
      expect(transport.getProtocol()).toBe(second);
      peer.transport!.write('for the second');
      peer.transport!.close();
      yield* until(s, () => second.isLost);
      expect(client.calls).toEqual(['made', 'data']);
      expect(client.received).toBe('for the first');
      expect(second.calls).toEqual(['data', 'eof', 'lost']);
      expect(second.received).toBe('for the second');
      yield* ended(s, server);
    }),
  );

  it(
    'can be switched for a reader',
    networked(s, function* () {
      const { server, client, peer, transport } = yield* connected(s, () => new Notes());
      peer.transport!.write('head\n');
      yield* until(s, () => client.received === 'head\n');
      const reader = new StreamReader();
      const protocol = new StreamReaderProtocol(reader);
      protocol.connectionMade(transport);
      transport.setProtocol(protocol);
      peer.transport!.write('body\n');
      expect(text(yield* s.wait(reader.readline()))).toBe('body\n');
      peer.transport!.close();
      expect(text(yield* s.wait(reader.read()))).toBe('');
      transport.close();
      yield* until(s, () => peer.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'with buffers of its own gets everything through them, however small they are',
    networked(s, function* () {
      class Buffered extends BufferedProtocol {
        readonly calls: string[] = [];
        readonly buffer = new Uint8Array(4);
        received = '';
        error: unknown = undefined;
        override connectionMade(): void {
          this.calls.push('made');
        }
        override getBuffer(sizeHint: number): Uint8Array {
          expect(sizeHint).not.toBe(0);
          return this.buffer;
        }
        override bufferUpdated(count: number): void {
          this.received += text(this.buffer.subarray(0, count));
        }
        override eofReceived(): boolean {
          this.calls.push('eof');
          return false;
        }
        override connectionLost(error: unknown): void {
          this.calls.push('lost');
          this.error = error;
        }
      }
      const { server, client, peer } = yield* connected(s, () => new Buffered());
      peer.transport!.write('0123456789');
      peer.transport!.close();
      yield* until(s, () => client.error !== undefined);
      expect(client.received).toBe('0123456789');
      expect(client.calls).toEqual(['made', 'eof', 'lost']);
      yield* ended(s, server);
    }),
  );

  it(
    'with buffers of its own gets nothing more when it pauses, and nothing when it closes',
    networked(s, function* () {
      class Buffered extends BufferedProtocol {
        transport: Transport | null = null;
        readonly buffer = new Uint8Array(4);
        received = '';
        isLost = false;
        override connectionMade(transport: Transport): void {
          this.transport = transport;
        }
        override getBuffer(): Uint8Array {
          return this.buffer;
        }
        override bufferUpdated(count: number): void {
          this.received += text(this.buffer.subarray(0, count));
          if (this.received === '0123') this.transport!.pauseReading();
          else this.transport!.close();
        }
        override connectionLost(): void {
          this.isLost = true;
        }
      }
      const { server, client, peer } = yield* connected(s, () => new Buffered());
      peer.transport!.write('0123456789');
      yield* until(s, () => client.received !== '');
      yield* rounds(s, 3);
      expect(client.received).toBe('0123');
      client.transport!.resumeReading();
      yield* until(s, () => client.isLost);
      expect(client.received).toBe('01234567');
      yield* until(s, () => peer.isLost);
      yield* ended(s, server);
    }),
  );

  it.each(['close', 'abort'] as const)(
    'with buffers of its own is told of the loss when it ends the connection as it is asked for a buffer: %s',
    async (end) =>
      networked(s, function* () {
        class Refusing extends BufferedProtocol {
          transport: Transport | null = null;
          readonly calls: string[] = [];
          override connectionMade(transport: Transport): void {
            this.transport = transport;
          }
          override getBuffer(): Uint8Array {
            this.calls.push('getBuffer');
            this.transport![end]();
            return new Uint8Array(4);
          }
          override bufferUpdated(count: number): void {
            this.calls.push(`bufferUpdated ${count}`);
          }
          override connectionLost(): void {
            this.calls.push('connectionLost');
          }
        }
        const { server, client, peer } = yield* connected(s, () => new Refusing());
        peer.transport!.write('0123456789');
        yield* until(s, () => client.calls.includes('connectionLost'));
        expect(client.calls).toEqual(['getBuffer', 'bufferUpdated 4', 'connectionLost']);
        yield* until(s, () => peer.isLost);
        yield* ended(s, server);
      })(),
  );

  it(
    'with buffers of its own leaves the rest to the protocol that replaces it',
    networked(s, function* () {
      const second = new Notes();
      class Head extends BufferedProtocol {
        transport: Transport | null = null;
        readonly buffer = new Uint8Array(4);
        head = '';
        override connectionMade(transport: Transport): void {
          this.transport = transport;
        }
        override getBuffer(): Uint8Array {
          return this.buffer;
        }
        override bufferUpdated(count: number): void {
          this.head += text(this.buffer.subarray(0, count));
          this.transport!.setProtocol(second);
        }
      }
      const { server, client, peer } = yield* connected(s, () => new Head());
      peer.transport!.write('headbody');
      peer.transport!.close();
      yield* until(s, () => second.isLost);
      expect(client.head).toBe('head');
      expect(second.received).toBe('body');
      yield* ended(s, server);
    }),
  );
});

describeBoth('a protocol that throws', (s) => {
  class Faulty extends Notes {
    readonly #where: string;
    constructor(where: string) {
      super();
      this.#where = where;
    }
    #fault(where: string): void {
      if (where === this.#where) throw problem;
    }
    override connectionMade(transport: Transport): void {
      super.connectionMade(transport);
      this.#fault('connectionMade');
    }
    override dataReceived(data: Uint8Array): void {
      super.dataReceived(data);
      this.#fault('dataReceived');
    }
    override eofReceived(): boolean {
      super.eofReceived();
      this.#fault('eofReceived');
      return true;
    }
    override connectionLost(error: unknown): void {
      super.connectionLost(error);
      this.#fault('connectionLost');
    }
  }

  for (const where of ['connectionMade', 'dataReceived', 'eofReceived']) {
    it(
      `in ${where} is reported, and its connection is closed with the error`,
      networked(s, function* (reports) {
        const { server, client, transport, peer } = yield* connected(s, () => new Faulty(where));
        if (!peer.isLost) peer.transport!.write('x');
        if (!peer.isLost) peer.transport!.writeEof();
        yield* until(s, () => client.isLost && peer.isLost);
        expect(theReport(reports)).toMatchObject({
          message: expect.stringContaining(`protocol.${where}()`),
          exception: problem,
          transport,
          protocol: client,
        });
        expect(client.error).toBe(problem);
        expect(client.calls.at(-1)).toBe('lost');
        yield* ended(s, server);
      }),
    );
  }

  it(
    'in connectionLost is reported',
    networked(s, function* (reports) {
      const { server, client, transport, peer } = yield* connected(s, () => new Faulty('connectionLost'));
      transport.close();
      yield* until(s, () => client.isLost && peer.isLost);
      expect(theReport(reports)).toMatchObject({
        message: expect.stringContaining('connectionLost()'),
        exception: problem,
      });
      yield* ended(s, server);
    }),
  );

  it(
    'when writing is paused or resumed is reported, and goes on',
    networked(s, function* (reports) {
      class Stubborn extends Notes {
        override pauseWriting(): void {
          super.pauseWriting();
          throw problem;
        }
        override resumeWriting(): void {
          super.resumeWriting();
          throw problem;
        }
      }
      const { server, client, peer, transport } = yield* connected(s, () => new Stubborn());
      transport.write(new Uint8Array(5_000_000));
      yield* until(s, () => peer.received.length === 5_000_000 && client.calls.includes('resume'));
      expect(reports.map(({ message }) => message)).toEqual([
        expect.stringContaining('pauseWriting()'),
        expect.stringContaining('resumeWriting()'),
      ]);
      reports.length = 0;
      transport.close();
      yield* until(s, () => client.isLost && peer.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'with an empty buffer, or one that is none, is reported, and closed',
    networked(s, function* (reports) {
      // The one that overrides nothing has nothing.
      for (const wrong of [new Uint8Array(0), null, new BufferedProtocol().getBuffer(-1)]) {
        class Empty extends BufferedProtocol {
          error: unknown = undefined;
          override getBuffer(): Uint8Array {
            return wrong as Uint8Array;
          }
          override connectionLost(error: unknown): void {
            this.error = error;
          }
        }
        const { server, client, peer } = yield* connected(s, () => new Empty());
        peer.transport!.write('x');
        yield* until(s, () => client.error !== undefined && peer.isLost);
        const { message, exception } = theReport(reports);
        expect(message).toContain('getBuffer()');
        expect(exception).toBeInstanceOf(RuntimeError);
        expect(client.error).toBe(exception);
        yield* ended(s, server);
      }
    }),
  );
});

describeBoth('what a transport keeps to send', (s) => {
  /** A connection whose peer does not read. */
  function* stuffed(): Generator<unknown, Ends<Notes>, unknown> {
    class Deaf extends Notes {
      override connectionMade(transport: Transport): void {
        super.connectionMade(transport);
        transport.pauseReading();
      }
    }
    const ends = yield* connected(
      s,
      () => new Notes(),
      () => new Deaf(),
    );
    // The system's buffers take some megabytes before anything is kept.
    ends.transport.setWriteBufferLimits({ high: 1e9, low: 1e9 });
    ends.client.sizeOf = () => ends.transport.getWriteBufferSize();
    let before = -1;
    while (before !== ends.transport.getWriteBufferSize() || before === 0) {
      before = ends.transport.getWriteBufferSize();
      ends.transport.write(new Uint8Array(1_000_000));
      before = ends.transport.getWriteBufferSize();
      yield* rounds(s, 3);
    }
    for (let i = 0; i < 3; i++) ends.transport.write(new Uint8Array(1_000_000));
    return ends;
  }

  it(
    'pauses the protocol when it is more than the high mark, and lets it go on at the low one',
    networked(s, function* () {
      const { server, client, peer, transport } = yield* stuffed();
      const kept = transport.getWriteBufferSize();
      transport.setWriteBufferLimits({ high: kept + 10, low: 5 });
      expect(client.calls).toEqual(['made']);
      transport.write(bytes('0123456789'));
      expect(transport.getWriteBufferSize()).toBe(kept + 10);
      expect(client.calls).toEqual(['made']);
      transport.write(bytes('x'));
      expect(client.calls).toEqual(['made', 'pause']);
      transport.write(bytes('y'));
      expect(client.calls).toEqual(['made', 'pause']);
      peer.transport!.resumeReading();
      yield* until(s, () => client.calls.includes('resume'));
      expect(client.sizeAtResume).toBeLessThanOrEqual(5);
      expect(client.calls).toEqual(['made', 'pause', 'resume']);
      transport.close();
      yield* until(s, () => client.isLost && peer.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'lets the protocol go on at the low mark exactly, and not before',
    networked(s, function* () {
      const notes: string[] = [];
      const ends: (() => void)[] = [];
      const stream = new Writable({
        decodeStrings: true,
        write: (_chunk, _encoding, end) => void ends.push(end),
      });
      const protocol = new (class extends Protocol {
        override pauseWriting(): void {
          notes.push(`pause ${side.size}`);
        }
        override resumeWriting(): void {
          notes.push(`resume ${side.size}`);
        }
      })();
      const loop = getRunningLoop();
      const side = new WriteSide(stream, { loop, getProtocol: () => protocol } as object as Writing);
      side.setLimits({ high: 30, low: 10 });
      for (let i = 0; i < 4; i++) side.write(new Uint8Array(10), false);
      expect(notes).toEqual(['pause 40']);
      for (const left of [30, 20, 10]) {
        expect(notes).toEqual(['pause 40']);
        ends.shift()!();
        yield* rounds(s, 1);
        expect(side.size).toBe(left);
      }
      expect(notes).toEqual(['pause 40', 'resume 10']);
      ends.shift()!();
      yield* rounds(s, 1);
      expect(notes).toHaveLength(2);
    }),
  );

  it(
    'pauses and resumes the protocol when the marks are moved over it',
    networked(s, function* () {
      const { server, client, peer, transport } = yield* stuffed();
      const kept = transport.getWriteBufferSize();
      transport.setWriteBufferLimits({ high: kept - 1, low: 0 });
      expect(client.calls).toEqual(['made', 'pause']);
      transport.setWriteBufferLimits({ high: kept + 1, low: kept });
      expect(client.calls).toEqual(['made', 'pause', 'resume']);
      transport.setWriteBufferLimits({ high: 0 });
      expect(client.calls).toEqual(['made', 'pause', 'resume', 'pause']);
      peer.transport!.resumeReading();
      yield* until(s, () => client.calls.length === 5);
      expect(client.calls.at(-1)).toBe('resume');
      expect(transport.getWriteBufferSize()).toBe(0);
      transport.close();
      yield* until(s, () => client.isLost && peer.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'is thrown away by abort',
    networked(s, function* () {
      const { server, client, peer, transport } = yield* stuffed();
      transport.abort();
      expect(transport.isClosing()).toBe(true);
      yield* until(s, () => client.isLost);
      expect(client.error).toBeNull();
      expect(client.calls).toEqual(['made', 'lost']);
      peer.transport!.abort();
      yield* until(s, () => peer.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'is thrown away by abort after close',
    networked(s, function* () {
      const { server, client, peer, transport } = yield* stuffed();
      transport.close();
      yield* rounds(s, 5);
      expect(client.isLost).toBe(false);
      transport.abort();
      yield* until(s, () => client.isLost);
      expect(client.calls).toEqual(['made', 'lost']);
      peer.transport!.abort();
      yield* until(s, () => peer.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'has marks that fit together',
    networked(s, function* () {
      const { server, client, transport, peer } = yield* connected(s, () => new Notes());
      expect(transport.getWriteBufferLimits()).toEqual([16_384, 65_536]);
      transport.setWriteBufferLimits({ high: 100 });
      expect(transport.getWriteBufferLimits()).toEqual([25, 100]);
      transport.setWriteBufferLimits({ low: 100 });
      expect(transport.getWriteBufferLimits()).toEqual([100, 400]);
      transport.setWriteBufferLimits({ high: 0 });
      expect(transport.getWriteBufferLimits()).toEqual([0, 0]);
      for (const wrong of [{ high: 1, low: 2 }, { low: -1 }, { high: -1 }, { high: Number.NaN }])
        expect(thrownBy(() => transport.setWriteBufferLimits(wrong))).toMatchObject({
          name: 'ValueError',
          code: 'INVALID_LIMITS',
        });
      expect(transport.getWriteBufferLimits()).toEqual([0, 0]);
      transport.setWriteBufferLimits();
      expect(transport.getWriteBufferLimits()).toEqual([16_384, 65_536]);
      transport.close();
      yield* until(s, () => client.isLost && peer.isLost);
      yield* ended(s, server);
    }),
  );

  it(
    'does not block drain for ever when the marks are lowered below what is being sent',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      for (let i = 0; i < 200; i++) {
        writer.transport.setWriteBufferLimits({ high: 1e6, low: 1e6 });
        writer.write(new Uint8Array(20_000));
        writer.write(new Uint8Array(20_000));
        writer.transport.setWriteBufferLimits({ high: 0 });
        yield* s.wait(writer.drain());
        expect(writer.transport.getWriteBufferSize()).toBe(0);
        yield* s.wait(reader.readexactly(40_000));
      }
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );
});

describeBoth('drain', (s) => {
  it(
    'waits until the peer has read, and returns then',
    networked(s, function* () {
      const mayRead = getRunningLoop().createFuture<void>();
      const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
        yield* s.wait(mayRead);
        yield* s.wait(reader.read());
        writer.close();
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0, { limit: 1_000 }));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      writer.write(new Uint8Array(20_000_000));
      const draining = createTask(writer.drain());
      yield* rounds(s, 30);
      expect(draining.done()).toBe(false);
      expect(writer.transport.getWriteBufferSize()).toBeGreaterThan(65_536);
      mayRead.setResult(undefined);
      yield* s.wait(draining);
      expect(writer.transport.getWriteBufferSize()).toBeLessThanOrEqual(16_384);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );
});

describeBoth('making a connection', (s) => {
  it(
    'fails with what the factory throws, and leaves no socket',
    networked(s, function* () {
      const server = yield* s.wait(createServer(() => new Notes(), LOCAL, 0));
      const factory = (): Notes => {
        throw problem;
      };
      expect(yield* failure(s, createConnection(factory, LOCAL, server.port))).toBe(problem);
      yield* until(s, () => server.connections === 0);
      yield* ended(s, server);
    }),
  );

  it(
    'leaves no socket when it is cancelled, at any point',
    networked(s, function* () {
      const factory = making(() => new Notes());
      const server = yield* s.wait(createServer(factory, LOCAL, 0));
      for (let after = 0; ; after++) {
        const clients = making(() => new Notes());
        const task = createTask(createConnection(clients, LOCAL, server.port));
        for (let i = 0; i < after; i++) yield* s.wait(sleep(0));
        if (task.done()) {
          task.result().transport.close();
          break;
        }
        task.cancel();
        expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
        yield* until(s, () => clients.made.every((one) => one.calls.length === 0 || one.isLost));
      }
      yield* until(s, () => factory.made.every((one) => one.isLost));
      yield* ended(s, server);
    }),
  );
});

it('a peer that has gone before the transport is made is noticed all the same', async () => {
  const server = net.createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, LOCAL, resolve));
  const { port } = server.address() as net.AddressInfo;
  const came = once(server, 'connection');
  net.connect({ port, host: LOCAL }).end();
  const [sock] = (await came) as [net.Socket];
  await once(sock.resume(), 'end');
  const calls = await run(async () => {
    const { protocol } = await connectAcceptedSocket(() => new Notes(), sock);
    while (!protocol.isLost) await sleep(0.001);
    return protocol.calls.map(String);
  });
  expect(calls).toEqual(['made', 'eof', 'lost']);
  server.close();
});

describe('the arguments of a connection', () => {
  const wrongs: [name: string, call: () => unknown, error: object][] = [
    ['no factory', () => createConnection(null as never, LOCAL, 1), { name: 'TypeError', code: 'NOT_CALLABLE' }],
    ['no host', () => openConnection(null, 80), { name: 'TypeError' }],
    ['an empty host', () => openConnection('', 80), { name: 'TypeError' }],
    ['no port', () => openConnection(LOCAL), { name: 'TypeError' }],
    ['a port as text', () => openConnection(LOCAL, '80' as never), { name: 'TypeError' }],
    ['a port below zero', () => openConnection(LOCAL, -1), { name: 'ValueError', code: 'INVALID_PORT' }],
    ['a socket and a host', () => openConnection(LOCAL, 1, { sock: {} as never }), { name: 'ValueError' }],
    ['a socket that is none', () => openConnection(null, null, { sock: {} as never }), { name: 'TypeError' }],
    ['a version 5', () => openConnection(LOCAL, 1, { family: 5 as never }), { code: 'INVALID_FAMILY' }],
    ['an own address as text', () => openConnection(LOCAL, 1, { localAddr: LOCAL as never }), { name: 'TypeError' }],
    ['half a turn', () => openConnection(LOCAL, 1, { interleave: 0.5 }), { name: 'ValueError' }],
    ['a limit of zero', () => openConnection(LOCAL, 1, { limit: 0 }), { name: 'ValueError' }],
    ['TLS as a number', () => openConnection(LOCAL, 1, { ssl: 1 as never }), { name: 'TypeError' }],
    ['a server name without TLS', () => openConnection(LOCAL, 1, { serverHostname: 'x' }), { name: 'ValueError' }],
    [
      'a handshake time without TLS',
      () => openConnection(LOCAL, 1, { sslHandshakeTimeout: 1 }),
      { name: 'ValueError' },
    ],
    ['no path', () => createUnixConnection(() => new Notes(), ''), { name: 'TypeError' }],
    [
      'TLS on a path without a server name',
      () => createUnixConnection(() => new Notes(), '/x', { ssl: true }),
      { name: 'ValueError', message: expect.stringContaining('serverHostname') },
    ],
  ];

  it.each(wrongs)('is refused at once: %s', (_name, call, error) => {
    expect(thrownBy(call)).toMatchObject(error);
  });
});
