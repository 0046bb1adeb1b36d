// What servers do: `serve_...` of ../python/peer.py in TypeScript.
import { createHash, randomBytes } from 'node:crypto';
import { type Coroutine, getRunningLoop } from 'asyncio-ts';
import type { StreamReader, StreamWriter } from 'asyncio-ts/node';
import { answer, digest, ECHOED, MEGABYTE, text } from './talk.ts';

/** What a handler leaves for the check to look at. */
export interface Seen {
  /** What was received, by its length and digest. */
  got: string;
  /** What was sent, likewise. */
  sent?: string;
  /** How many bytes the writer has kept at most. */
  kept: number;
  error: unknown;
}

export type Handler = (reader: StreamReader, writer: StreamWriter, seen: Seen) => Promise<void> | Coroutine<void>;

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for (let data = await reader.read(65_536); data.length > 0; data = await reader.read(65_536)) {
    writer.write(data);
    await writer.drain();
  }
}

function* echoAsGenerator(reader: StreamReader, writer: StreamWriter): Coroutine<void> {
  for (let data = yield* reader.read(65_536); data.length > 0; data = yield* reader.read(65_536)) {
    writer.write(data);
    yield* writer.drain();
  }
}

async function lines(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader.lines()) {
    for (const out of answer(line)) writer.write(`${out}\n`);
    await writer.drain();
  }
  writer.write('bye\n');
}

async function collect(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const data = await reader.read();
  writer.write(`${data.length} ${digest(data)}\n`);
}

async function greet(reader: StreamReader, writer: StreamWriter, seen: Seen): Promise<void> {
  writer.write('hello\n');
  writer.writeEof();
  const data = await reader.read();
  seen.got = `${data.length} ${digest(data)}`;
}

/** Sends much, and has the connection closed at once. */
function pouring(drains: boolean): Handler {
  return async (_reader, writer, seen) => {
    const data = randomBytes(ECHOED);
    seen.sent = `${data.length} ${digest(data)}`;
    writer.write(data);
    if (drains) await writer.drain();
  };
}

async function absorb(reader: StreamReader, _writer: StreamWriter, seen: Seen): Promise<void> {
  const data = await reader.read();
  seen.got = `${data.length} ${digest(data)}`;
}

async function upload(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const head = await reader.readexactly(8);
  const hash = createHash('sha256');
  let left = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0));
  while (left > 0) {
    const data = await reader.read(Math.min(left, 65_536));
    if (data.length === 0) throw new Error(`${left} bytes are missing`);
    hash.update(data);
    left -= data.length;
  }
  writer.write(`${hash.digest('hex')}\n`);
}

async function download(reader: StreamReader, writer: StreamWriter, seen: Seen): Promise<void> {
  const size = Number(text(await reader.readline()));
  const chunk = randomBytes(MEGABYTE);
  const hash = createHash('sha256');
  for (let sent = 0; sent < size; sent += chunk.length) {
    writer.write(chunk);
    hash.update(chunk);
    seen.kept = Math.max(seen.kept, writer.transport.getWriteBufferSize());
    await writer.drain();
  }
  writer.write(`${hash.digest('hex')}\n`);
}

/** Writes until the peer is gone. */
async function flood(_reader: StreamReader, writer: StreamWriter, seen: Seen): Promise<void> {
  const chunk = randomBytes(MEGABYTE);
  const loop = getRunningLoop();
  const end = loop.time() + 30;
  try {
    while (loop.time() < end) {
      writer.write(chunk);
      await writer.drain();
    }
  } catch (error) {
    seen.error = error;
  }
}

export const handlers: Readonly<Record<string, Handler>> = {
  echo,
  echoAsGenerator,
  lines,
  collect,
  greet,
  pour: pouring(false),
  pourAndDrain: pouring(true),
  absorb,
  upload,
  download,
  reset: flood,
};
