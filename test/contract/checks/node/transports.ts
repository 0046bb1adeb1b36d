import { getRunningLoop, sleep } from 'asyncio-ts';
import {
  BufferedProtocol,
  createConnection,
  createServer,
  createUnixConnection,
  createUnixServer,
  openFile,
  Protocol,
  sendfile,
  startTls,
  type Transport,
  writeFile,
} from 'asyncio-ts/node';
import { cert, key } from '../../../field/certificate.mjs';
import { equal, ok } from '../../lib/expect.ts';
import { subject } from '../../lib/registry.ts';
import { text } from '../../lib/text.ts';

const { live } = subject('transports');

const HOST = '127.0.0.1';

/** Some bytes that differ by their positions. */
const bytesOf = (size: number) => new Uint8Array(size).map((_, i) => i * 7 + (i >> 8));

function same(actual: Uint8Array, expected: Uint8Array): void {
  ok(actual.length === expected.length && actual.every((byte, i) => byte === expected[i]), 'the bytes that were sent');
}

/** Puts what comes into one buffer of its own, at most so many bytes at once. */
class Filled extends BufferedProtocol {
  readonly lost = getRunningLoop().createFuture<void>();
  readonly bytes: Uint8Array;
  most = 0;
  readonly #piece: number;
  #length = 0;

  constructor(size: number, piece: number) {
    super();
    this.bytes = new Uint8Array(size);
    this.#piece = piece;
  }

  override getBuffer(): Uint8Array {
    return this.bytes.subarray(this.#length, this.#length + this.#piece);
  }

  override bufferUpdated(count: number): void {
    this.most = Math.max(this.most, count);
    this.#length += count;
  }

  override connectionLost(): void {
    this.lost.setResult(undefined);
  }

  received(): Uint8Array {
    return this.bytes.subarray(0, this.#length);
  }
}

/** Keeps what comes, and notes when it is to wait. */
class Kept extends Protocol {
  readonly lost = getRunningLoop().createFuture<void>();
  readonly flow: string[] = [];
  transport: Transport | null = null;
  #received: Uint8Array = new Uint8Array(0);

  override connectionMade(transport: Transport): void {
    this.transport = transport;
  }

  override dataReceived(data: Uint8Array): void {
    const all = new Uint8Array(this.#received.length + data.length);
    all.set(this.#received);
    all.set(data, this.#received.length);
    this.#received = all;
  }

  override pauseWriting(): void {
    this.flow.push('pause');
  }

  override resumeWriting(): void {
    this.flow.push('resume');
  }

  override connectionLost(): void {
    this.lost.setResult(undefined);
  }

  received(): Uint8Array {
    return this.#received;
  }
}

/** Sends something as soon as there is a connection, and ends it. */
class Sender extends Protocol {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
  }

  override connectionMade(transport: Transport): void {
    transport.write(this.#bytes);
    transport.close();
  }
}

live('put what comes into buffers of the program, plain and encrypted', function* (s) {
  const bytes = bytesOf(300_000);
  for (const isEncrypted of [false, true]) {
    const server = yield* s.wait(
      createServer(() => new Sender(bytes), HOST, 0, isEncrypted ? { ssl: { key, cert } } : {}),
    );
    const options = isEncrypted ? { ssl: { ca: cert } } : {};
    const factory = () => new Filled(bytes.length + 1, 1_000);
    const [, filled] = yield* s.wait(createConnection(factory, HOST, server.port, options));
    yield* s.wait(filled.lost);
    same(filled.received(), bytes);
    ok(filled.most <= 1_000, `pieces of at most 1,000 bytes, not ${filled.most}`);
    yield* s.wait(server.shutdown(5));
  }
});

live('slow a peer down, whose protocol is paused and resumed', function* (s) {
  const accepted: Kept[] = [];
  const factory = () => {
    const kept = new Kept();
    accepted.push(kept);
    return kept;
  };
  const server = yield* s.wait(createServer(factory, HOST, 0));
  const [transport, sender] = yield* s.wait(createConnection(() => new Kept(), HOST, server.port));
  while (accepted[0]?.transport == null) yield* s.wait(sleep(0.001));
  const [kept] = accepted;
  kept?.transport?.pauseReading();
  transport.setWriteBufferLimits({ high: 100_000, low: 10_000 });
  equal(transport.getWriteBufferLimits(), [10_000, 100_000]);
  const chunk = bytesOf(1_000_000);
  let sent = 0;
  for (; sender.flow.length === 0; sent += chunk.length) {
    transport.write(chunk);
    ok(sent < 100_000_000, 'a transport that says when to wait');
    yield* s.wait(sleep(0.001));
  }
  ok(transport.getWriteBufferSize() > 100_000, 'bytes that wait to be sent');
  equal(kept?.received().length, 0, 'bytes of one that reads nothing');
  kept?.transport?.resumeReading();
  while (sender.flow.length < 2) yield* s.wait(sleep(0.001));
  transport.close();
  yield* s.wait(kept?.lost);
  equal([sender.flow, kept?.received().length], [['pause', 'resume'], sent]);
  yield* s.wait(server.shutdown(5));
});

live('send a file, and a part of one', function* (s) {
  const { mkdtempSync, rmSync } = process.getBuiltinModule('node:fs');
  const { tmpdir } = process.getBuiltinModule('node:os');
  const folder = mkdtempSync(`${tmpdir()}/asyncio-ts-contract-`);
  const bytes = bytesOf(700_000);
  yield* s.wait(writeFile(`${folder}/file`, bytes));
  const file = yield* s.wait(openFile(`${folder}/file`));
  const accepted: Kept[] = [];
  const server = yield* s.wait(
    createServer(
      () => {
        const kept = new Kept();
        accepted.push(kept);
        return kept;
      },
      HOST,
      0,
    ),
  );
  const [transport] = yield* s.wait(createConnection(() => new Kept(), HOST, server.port));
  equal(yield* s.wait(sendfile(transport, file)), bytes.length);
  equal(yield* s.wait(sendfile(transport, file, { offset: 10, count: 20 })), 20);
  equal(yield* s.wait(file.tell()), 30);
  transport.write('end');
  transport.close();
  while (accepted[0] === undefined) yield* s.wait(sleep(0.001));
  yield* s.wait(accepted[0].lost);
  const received = accepted[0].received();
  same(received.subarray(0, bytes.length), bytes);
  same(received.subarray(bytes.length, bytes.length + 20), bytes.subarray(10, 30));
  equal(text(received.subarray(bytes.length + 20)), 'end');
  yield* s.wait(file.close());
  yield* s.wait(server.shutdown(5));
  rmSync(folder, { recursive: true });
});

live('are encrypted in their midst, with another protocol', function* (s) {
  const loop = getRunningLoop();
  const secret = loop.createFuture<Kept>();
  /** Answers `go`, and encrypts. */
  class Upgrading extends Kept {
    override dataReceived(data: Uint8Array): void {
      equal(text(data), 'encrypt');
      const { transport } = this;
      if (transport === null) return;
      transport.write('go');
      const upgrade = s.fn(function* () {
        const kept = new Kept();
        yield* s.wait(startTls(transport, kept, { key, cert }, { serverSide: true }));
        secret.setResult(kept);
      });
      loop.createTask(upgrade);
    }
  }
  const server = yield* s.wait(createServer(() => new Upgrading(), HOST, 0));
  const [plain, kept] = yield* s.wait(createConnection(() => new Kept(), HOST, server.port));
  plain.write('encrypt');
  while (kept.received().length < 2) yield* s.wait(sleep(0.001));
  const inside = new Kept();
  const encrypted = yield* s.wait(startTls(plain, inside, { ca: cert }, { serverHostname: 'localhost' }));
  encrypted.write('a secret');
  encrypted.close();
  const heard = yield* s.wait(secret);
  yield* s.wait(heard.lost);
  equal([text(heard.received()), text(kept.received())], ['a secret', 'go']);
  yield* s.wait(server.shutdown(5));
});

live('go over Unix sockets, whose file is removed with the server', function* (s) {
  const { existsSync, mkdtempSync, rmSync } = process.getBuiltinModule('node:fs');
  const folder = mkdtempSync('/tmp/asyncio-ts-contract-');
  const path = `${folder}/socket`;
  const server = yield* s.wait(createUnixServer(() => new Sender(bytesOf(1_000)), path));
  const [, kept] = yield* s.wait(createUnixConnection(() => new Kept(), path));
  yield* s.wait(kept.lost);
  same(kept.received(), bytesOf(1_000));
  equal(existsSync(path), true);
  yield* s.wait(server.shutdown(5));
  equal(existsSync(path), false);
  rmSync(folder, { recursive: true });
});
