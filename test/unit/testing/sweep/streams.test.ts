import { getRunningLoop, sleep, taskGroup } from 'asyncio-ts';
import { IncompleteReadError, StreamReader, StreamReaderProtocol, StreamWriter } from 'asyncio-ts/node';
import { sweep } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth } from '../../../support/spellings.ts';
import { bytes, FakeTransport, text } from '../../streams/support.ts';
import { many } from './support.ts';

/** What was fed, and what was read. */
interface Traffic {
  fed: string;
  read: string;
  reader: StreamReader | null;
}

/** The ends whose connection is closed: they get nothing more. */
const lost = new WeakSet<object>();

/** A transport that sends to a protocol what is written to it, a second later, and is full after three bytes. */
class Loopback extends FakeTransport {
  readonly #to: StreamReaderProtocol;
  #waiting = 0;

  constructor(from: StreamReaderProtocol, to: StreamReaderProtocol) {
    super(from);
    this.#to = to;
  }

  override write(data: Uint8Array | string): void {
    const sent = typeof data === 'string' ? bytes(data) : data;
    this.#waiting += sent.length;
    if (this.#waiting > 3) this.getProtocol().pauseWriting();
    getRunningLoop().callLater(1, () => {
      this.#waiting -= sent.length;
      if (this.#waiting <= 3) this.getProtocol().resumeWriting();
      if (!lost.has(this.#to)) this.#to.dataReceived(sent);
    });
  }

  override close(): void {
    if (this.closing) return;
    this.closing = true;
    // What was written is sent first.
    getRunningLoop().callLater(1, () => {
      if (!lost.has(this.#to)) this.#to.eofReceived();
      lost.add(this.getProtocol());
      this.getProtocol().connectionLost(null);
    });
  }
}

/** Two ends of a connection in memory: what one end writes, the other one reads. */
function pair() {
  const loop = getRunningLoop();
  const ends = [0, 1].map(() => {
    const reader = new StreamReader();
    return { reader, protocol: new StreamReaderProtocol(reader) };
  });
  const [one, other] = ends as [(typeof ends)[0], (typeof ends)[0]];
  const connect = (end: typeof one, peer: typeof one) => {
    const transport = new Loopback(end.protocol, peer.protocol);
    end.protocol.connectionMade(transport);
    return new StreamWriter(transport, end.protocol, end.reader, loop);
  };
  return { reader: other.reader, writer: connect(one, other), back: connect(other, one) };
}

describeBoth('whichever await is cancelled', (s) => {
  test('a reader loses no byte, by whatever method it is read', async () => {
    const report = await sweep(
      s.fn(function* (traffic: Traffic) {
        const reader = new StreamReader();
        traffic.reader = reader;
        const feed = s.fn(function* () {
          try {
            for (const part of ['ab', 'cd\nef', '\n', 'gh|ij', 'kl|m']) {
              yield* s.wait(sleep(1));
              reader.feedData(bytes(part));
              traffic.fed += part;
            }
          } finally {
            reader.feedEof();
          }
        });
        const read = s.fn(function* () {
          const ways = [
            () => reader.readexactly(3),
            () => reader.readline(),
            () => reader.read(1),
            () => reader.readuntil(bytes('|')),
            () => reader.read(),
          ];
          for (const way of ways) {
            try {
              traffic.read += text(yield* s.wait(way()));
            } catch (error) {
              if (!(error instanceof IncompleteReadError)) throw error;
              traffic.read += text(error.partial);
            }
          }
        });
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              group.createTask(feed);
              group.createTask(read);
            }),
          ),
        );
      }),
      {
        setup: (): Traffic => ({ fed: '', read: '', reader: null }),
        check: ({ fed, read, reader }) => {
          expect(read + text(reader!.takeUnread())).toBe(fed);
        },
      },
    );
    many(report, 40);
  });

  test('writers that wait for room, for lines and for the end leave nobody waiting', async () => {
    const report = await sweep(
      s.fn(function* (traffic: Traffic) {
        const { reader, writer, back } = pair();
        const write = s.fn(function* () {
          try {
            for (const line of ['one\n', 'two\n', 'three\n']) {
              writer.write(line);
              traffic.fed += line;
              yield* s.wait(writer.drain());
            }
          } finally {
            writer.close();
            yield* s.wait(writer.waitClosed());
          }
        });
        const read = s.fn(function* () {
          const lines = reader.lines();
          try {
            for (let next = yield* s.wait(lines.next()); next.done !== true; next = yield* s.wait(lines.next())) {
              traffic.read += `${next.value}\n`;
            }
          } finally {
            yield* s.wait(lines.return!());
            back.close();
            yield* s.wait(back.waitClosed());
          }
        });
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              group.createTask(write);
              group.createTask(read);
            }),
          ),
        );
      }),
      {
        setup: (): Traffic => ({ fed: '', read: '', reader: null }),
        failOnLeaks: false, // the connection goes on delivering for a second
        check: ({ fed, read }, { at }) => {
          if (at === null) expect(read).toBe(fed);
          expect(fed.startsWith(read)).toBe(true);
        },
      },
    );
    many(report, 30);
  });
});
