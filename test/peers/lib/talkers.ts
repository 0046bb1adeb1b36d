// What clients do: `talk_...` of ../python/peer.py in TypeScript.
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { sleep, taskGroup } from 'asyncio-ts';
import type { StreamReader, StreamWriter } from 'asyncio-ts/node';
import { ANSWERS, BIG, digest, ECHOED, LINES, MEGABYTE, oneOf, text } from './talk.ts';

export type Talker = (reader: StreamReader, writer: StreamWriter) => Promise<string | void>;

/** In Python, one direction of a TLS connection cannot be ended while the other goes on. */
export async function echo(reader: StreamReader, writer: StreamWriter, halfClose = true): Promise<void> {
  const data = randomBytes(ECHOED);
  await taskGroup(async (group) => {
    group.createTask(() => sendInPieces(writer, data));
    group.createTask(() => expect(reader, data));
  });
  if (!halfClose) return;
  writer.writeEof();
  strictEqual((await reader.read()).length, 0);
}

async function sendInPieces(writer: StreamWriter, data: Uint8Array): Promise<void> {
  for (let at = 0, size = 0; at < data.length; at += size) {
    size = oneOf([1, 7, 500, 3_000, 70_000, 300_000]);
    writer.write(data.subarray(at, at + size));
    await writer.drain();
    if (size === 7) await sleep(0);
  }
}

async function expect(reader: StreamReader, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const got = await reader.readexactly(Math.min(oneOf([1, 100, 9_000, 200_000]), data.length - at));
    ok(Buffer.compare(got, data.subarray(at, at + got.length)) === 0, `different from byte ${at} on`);
    at += got.length;
  }
}

export async function lines(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const data = Buffer.from(LINES);
  for (let at = 0, size = 0; at < data.length; at += size) {
    size = oneOf([1, 3, 50, 30_000]);
    writer.write(data.subarray(at, at + size));
    await writer.drain();
  }
  writer.writeEof();
  const got: string[] = [];
  for await (const line of reader.lines()) got.push(line);
  deepStrictEqual(got, ANSWERS);
}

export async function collect(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const data = randomBytes(ECHOED);
  writer.write(data);
  writer.writeEof();
  strictEqual(text(await reader.read()), `${data.length} ${digest(data)}\n`);
}

/** Sends much, and has the connection closed at once. */
export async function pour(_reader: StreamReader, writer: StreamWriter): Promise<string> {
  const data = randomBytes(ECHOED);
  writer.write(data);
  return `${data.length} ${digest(data)}`;
}

export async function pourAndDrain(reader: StreamReader, writer: StreamWriter): Promise<string> {
  const sent = await pour(reader, writer);
  await writer.drain();
  return sent;
}

export async function absorb(reader: StreamReader): Promise<string> {
  const data = await reader.read();
  return `${data.length} ${digest(data)}`;
}

export async function greet(reader: StreamReader, writer: StreamWriter): Promise<string> {
  strictEqual(text(await reader.read()), 'hello\n');
  const data = randomBytes(ECHOED);
  writer.write(data);
  await writer.drain();
  writer.writeEof();
  return `${data.length} ${digest(data)}`;
}

export async function upload(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(BigInt(BIG));
  writer.write(head);
  const chunk = randomBytes(MEGABYTE);
  const hash = createHash('sha256');
  for (let sent = 0; sent < BIG; sent += chunk.length) {
    writer.write(chunk);
    hash.update(chunk);
    const kept = writer.transport.getWriteBufferSize();
    ok(kept <= chunk.length + 65_536, `${kept} bytes are kept`);
    await writer.drain();
  }
  strictEqual(text(await reader.readline()), `${hash.digest('hex')}\n`);
}

/** Lets the server write for a while before it reads. */
export async function download(reader: StreamReader, writer: StreamWriter): Promise<void> {
  writer.write(`${BIG}\n`);
  await sleep(0.5);
  const hash = createHash('sha256');
  for (let left = BIG; left > 0; ) {
    const data = await reader.read(Math.min(left, 65_536));
    ok(data.length > 0, `${left} bytes are missing`);
    hash.update(data);
    left -= data.length;
  }
  strictEqual(text(await reader.readline()), `${hash.digest('hex')}\n`);
}
