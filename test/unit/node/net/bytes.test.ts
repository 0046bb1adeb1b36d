import { createHash } from 'node:crypto';
import path from 'node:path';
import { createTask, run, type Task } from 'asyncio-ts';
import {
  createServer,
  openConnection,
  openUnixConnection,
  Protocol,
  type StreamReader,
  type StreamWriter,
  startServer,
  startUnixServer,
  type Transport,
} from 'asyncio-ts/node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../../support/certificates.ts';
import { spellings } from '../../../support/spellings.ts';
import { folder, LOCAL, rounds } from './support.ts';

const authority = new Authority();

/** How one side sends: in which pieces, after which it drains, or lets others have a turn. */
interface Sending {
  readonly pieces: readonly { readonly size: number; readonly then: 'drain' | 'turn' | 'nothing' }[];
  readonly high: number;
}

const sending: fc.Arbitrary<Sending> = fc.record({
  pieces: fc.array(
    fc.record({
      size: fc.oneof(fc.nat(20), fc.nat(3_000), fc.nat(200_000)),
      then: fc.constantFrom('drain', 'turn', 'nothing'),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  high: fc.oneof(fc.constant(0), fc.nat(1_000), fc.nat(100_000)),
});

/** How one side receives: so many bytes at most at a time, and with pauses or not. */
const receiving = fc.record({
  limit: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 50, max: 100_000 })),
  sizes: fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1, maxLength: 5 }),
  pauses: fc.boolean(),
});

/** Bytes that tell when one is lost, doubled or out of its place. */
class Numbered {
  #at = 0;

  take(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++, this.#at++) bytes[i] = (this.#at * 2_654_435_761) >>> 13;
    return bytes;
  }
}

class Digest {
  readonly #hash = createHash('sha1');
  length = 0;

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.length += bytes.length;
  }

  toString(): string {
    return `${this.length} ${this.#hash.copy().digest('hex')}`;
  }
}

for (const s of spellings) {
  /** Sends everything, and ends its side. Gives what was sent. */
  const send = s.fn(function* (writer: StreamWriter, { pieces, high }: Sending): Generator<unknown, string, unknown> {
    const bytes = new Numbered();
    const digest = new Digest();
    writer.transport.setWriteBufferLimits({ high });
    for (const { size, then } of pieces) {
      const piece = bytes.take(size);
      digest.add(piece);
      if (size % 2 === 0) writer.write(piece);
      else writer.writelines([piece.subarray(0, size >> 1), piece.subarray(size >> 1)]);
      if (then === 'drain') {
        yield* s.wait(writer.drain());
        expect(writer.transport.getWriteBufferSize()).toBeLessThanOrEqual(high);
      } else if (then === 'turn') yield* rounds(s, 1);
    }
    writer.writeEof();
    return String(digest);
  });

  /** Receives everything. Gives what was received. */
  const receive = s.fn(function* (
    reader: StreamReader,
    sizes: readonly number[],
    pauses: boolean,
  ): Generator<unknown, string, unknown> {
    const digest = new Digest();
    for (let i = 0; !reader.atEof(); i++) {
      if (pauses && i < 20) yield* rounds(s, 1);
      digest.add(yield* s.wait(reader.read(sizes[i % sizes.length])));
    }
    return String(digest);
  });

  describe(`bytes (${s.name})`, () => {
    for (const kind of ['TCP', 'TLS', 'Unix'] as const) {
      it(`are lost and reordered by nothing, in both directions at once: ${kind}`, async () => {
        const place = folder();
        const ssl = kind === 'TLS' ? authority.issue() : null;
        let count = 0;
        await fc.assert(
          fc.asyncProperty(sending, sending, receiving, receiving, async (up, down, above, below) => {
            const file = path.join(place, `socket${count++}`);
            const main = s.fn(function* (): Generator<unknown, void, unknown> {
              const served: Task<string>[] = [];
              const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
                served.push(createTask(() => send(writer, down) as never));
                served.push(createTask(() => receive(reader, above.sizes, above.pauses) as never));
                for (const task of served) yield* s.wait(task);
                writer.close();
              });
              const options = { ssl, limit: above.limit };
              const server = yield* s.wait(
                kind === 'Unix' ? startUnixServer(handler, file, options) : startServer(handler, LOCAL, 0, options),
              );
              const client = {
                limit: below.limit,
                ssl: ssl === null ? null : { ca: authority.cert },
                ...(ssl === null ? {} : { serverHostname: 'localhost' }),
              };
              const { reader, writer } = yield* s.wait(
                kind === 'Unix' ? openUnixConnection(file, client) : openConnection(LOCAL, server.port, client),
              );
              const sent = createTask<string>(() => send(writer, up) as never);
              const got = createTask<string>(() => receive(reader, below.sizes, below.pauses) as never);
              expect(yield* s.wait(got)).toBe(yield* s.wait(served[0]!));
              expect(yield* s.wait(served[1]!)).toBe(yield* s.wait(sent));
              writer.close();
              yield* s.wait(writer.waitClosed());
              expect(yield* s.wait(server.shutdown(10))).toEqual({ cut: 0 });
            });
            await run(main);
          }),
          { numRuns: 15 },
        );
      });
    }
  });
}

describe('bytes for a protocol', () => {
  it('are lost and reordered by nothing, however often it pauses', async () => {
    const [s] = spellings;
    await fc.assert(
      fc.asyncProperty(
        sending,
        fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
        fc.boolean(),
        async (up, pauses, switches) => {
          let got = '';
          class Receiver extends Protocol {
            readonly digest: Digest;
            #transport: Transport | null = null;
            #count = 0;
            constructor(digest: Digest) {
              super();
              this.digest = digest;
            }
            override connectionMade(transport: Transport): void {
              this.#transport = transport;
            }
            override dataReceived(data: Uint8Array): void {
              this.digest.add(data);
              const transport = this.#transport!;
              if (pauses[this.#count++ % pauses.length]) {
                transport.pauseReading();
                setImmediate(() => transport.resumeReading());
              }
              if (switches) {
                const next = new Receiver(this.digest);
                next.connectionMade(transport);
                transport.setProtocol(next);
              }
            }
            override connectionLost(): void {
              got = String(this.digest);
            }
          }
          await run(
            s!.fn(function* (): Generator<unknown, void, unknown> {
              const server = yield* s!.wait(createServer(() => new Receiver(new Digest()), LOCAL, 0));
              const { writer } = yield* s!.wait(openConnection(LOCAL, server.port));
              const bytes = new Numbered();
              const digest = new Digest();
              for (const { size, then } of up.pieces) {
                const piece = bytes.take(size);
                digest.add(piece);
                writer.write(piece);
                if (then === 'drain') yield* s!.wait(writer.drain());
                else if (then === 'turn') yield* rounds(s!, 1);
              }
              writer.close();
              yield* s!.wait(server.shutdown(10));
              expect(got).toBe(String(digest));
            }),
          );
        },
      ),
      { numRuns: 30 },
    );
  });
});
