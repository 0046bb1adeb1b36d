import { createHash } from 'node:crypto';
import { createTask, type Future, getRunningLoop, run, sleep } from 'asyncio-ts';
import { openConnection, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { HOST } from './program.ts';

/** Are bytes lost, doubled or out of order, at any back-pressure? `node bench/io/loss.ts`; it ends with 1 when some are. */

type Coroutine<T> = Generator<unknown, T, unknown>;

/** How one transfer goes. */
interface Transfer {
  readonly title: string;
  readonly bytes: number;
  /** Bytes of a write, from and to. */
  readonly writes: readonly [least: number, most: number];
  /** The high water mark of who writes. */
  readonly high?: number;
  /** Whether who writes waits as it should. */
  readonly drains: boolean;
  /** The reader's limit. */
  readonly limit?: number;
  /** Bytes of a read, from and to. */
  readonly reads: readonly [least: number, most: number];
  /** After how many reads the reader rests for a millisecond; never when absent. */
  readonly rests?: number;
}

const MiB = 2 ** 20;

const TRANSFERS: readonly Transfer[] = [
  { title: 'as fast as it goes', bytes: 256 * MiB, writes: [1, MiB], drains: true, reads: [1, MiB] },
  { title: 'a slow reader', bytes: 32 * MiB, writes: [1, 200_000], drains: true, reads: [1, 200_000], rests: 1 },
  {
    title: 'a reader that keeps 1 byte',
    bytes: 16 * MiB,
    writes: [1, 65_536],
    drains: true,
    limit: 1,
    reads: [1, 65_536],
  },
  {
    title: 'a writer that keeps nothing',
    bytes: 64 * MiB,
    writes: [1, 65_536],
    high: 0,
    drains: true,
    reads: [1, 65_536],
  },
  {
    title: 'a writer that never waits',
    bytes: 64 * MiB,
    writes: [1, 65_536],
    drains: false,
    reads: [1, 65_536],
    rests: 16,
  },
  { title: 'small writes, small reads', bytes: MiB, writes: [1, 16], drains: true, reads: [1, 16], rests: 1_000 },
];

/** The same numbers in every run. */
function* numbers(): Generator<number, never> {
  for (let state = 1; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

function between([least, most]: readonly [number, number], source: Generator<number, never>): number {
  return least + Math.floor(source.next().value * (most - least + 1));
}

/** Bytes without a period that chunks could fall in with. */
const SOURCE = Uint8Array.from({ length: MiB + 4_093 }, (_, at) => Math.imul(at + 1, 2_654_435_761) >>> 24);

function* send(writer: StreamWriter, { bytes, writes, high, drains }: Transfer): Coroutine<string> {
  if (high !== undefined) writer.transport.setWriteBufferLimits({ high });
  const hash = createHash('sha256');
  const sizes = numbers();
  for (let sent = 0; sent < bytes; ) {
    const size = Math.min(between(writes, sizes), bytes - sent);
    const start = sent % (SOURCE.length - size);
    const piece = SOURCE.subarray(start, start + size);
    hash.update(piece);
    writer.write(piece);
    sent += size;
    if (drains) yield* writer.drain();
  }
  writer.writeEof();
  return hash.digest('hex');
}

function* receive(reader: StreamReader, { reads, rests }: Transfer): Coroutine<{ bytes: number; hash: string }> {
  const hash = createHash('sha256');
  const sizes = numbers();
  for (let bytes = 0, count = 1; ; count++) {
    const data = yield* reader.read(between(reads, sizes));
    if (data.length === 0) return { bytes, hash: hash.digest('hex') };
    hash.update(data);
    bytes += data.length;
    if (rests !== undefined && count % rests === 0) yield* sleep(0.001);
  }
}

function* sendWhenAccepted(accepted: Future<StreamWriter>, transfer: Transfer): Coroutine<string> {
  return yield* send(yield* accepted, transfer);
}

/** Bytes that are missing, or too many; `NaN` when as many came as were sent, but other ones. */
function* lost(transfer: Transfer): Coroutine<number> {
  const accepted = getRunningLoop().createFuture<StreamWriter>();
  const server = yield* startServer((_, writer) => accepted.setResult(writer), HOST, 0);
  const { reader, writer } = yield* openConnection(HOST, server.sockets[0]!.port, { limit: transfer.limit });
  writer.writeEof();
  const sending = createTask(sendWhenAccepted(accepted, transfer));
  const got = yield* receive(reader, transfer);
  const sent = yield* sending;
  writer.close();
  yield* server.shutdown(1);
  if (got.bytes !== transfer.bytes) return transfer.bytes - got.bytes;
  return got.hash === sent ? 0 : Number.NaN;
}

/** Makes all transfers, says how each went, and gives whether all was well. */
export async function checkLoss(): Promise<boolean> {
  let well = true;
  console.log('\nbytes lost');
  for (const transfer of TRANSFERS) {
    const bytes = await run(lost(transfer));
    well &&= bytes === 0;
    console.log(
      `  ${transfer.title.padEnd(30)}${String(bytes).padStart(11)}  of ${transfer.bytes.toLocaleString('en')}`,
    );
  }
  return well;
}

if (import.meta.main && !(await checkLoss())) process.exitCode = 1;
