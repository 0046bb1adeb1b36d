// PNG files, as far as thumbnails need them: 8 bits for each channel, not interlaced. Compressed by node:zlib, so no native module is needed.

import { promisify } from 'node:util';
import { crc32, deflate, inflate } from 'node:zlib';

/** A picture of 4 bytes for each pixel: red, green, blue, and how opaque it is. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** A file that is no PNG, is damaged, or is of a kind that this program does not read. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** How many bytes a pixel has in the file, by the type of its colours. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const RGBA = 6;

const inflated = promisify(inflate);
const deflated = promisify<Uint8Array, Buffer>(deflate);

/** What a file says about its pixels. */
interface Header {
  readonly width: number;
  readonly height: number;
  /** 0 grey, 2 colours, 3 numbers in a palette, 4 grey and opacity, 6 colours and opacity. */
  readonly type: number;
}

/** @throws {PictureError} when it cannot be read */
export async function decode(file: Uint8Array): Promise<Picture> {
  const chunks = chunksOf(Buffer.from(file.buffer, file.byteOffset, file.byteLength));
  const header = headerOf(chunks.find(({ name }) => name === 'IHDR')?.data);
  const palette = chunks.find(({ name }) => name === 'PLTE')?.data ?? Buffer.alloc(0);
  const opacity = chunks.find(({ name }) => name === 'tRNS')?.data ?? Buffer.alloc(0);
  const packed = Buffer.concat(chunks.filter(({ name }) => name === 'IDAT').map(({ data }) => data));
  const lines = await inflated(packed).catch((error: Error) => {
    throw new PictureError(`its pixels cannot be unpacked: ${error.message}`);
  });
  const { width, height, type } = header;
  const size = width * CHANNELS[type]!;
  if (lines.length !== height * (size + 1))
    throw new PictureError(`it should have ${height * (size + 1)} bytes of pixels, it has ${lines.length}`);
  unfilter(lines, size, CHANNELS[type]!);
  const pixels = new Uint8Array(width * height * 4);
  for (let y = 0, to = 0; y < height; y++) {
    const line = y * (size + 1) + 1;
    for (let x = 0; x < width; x++, to += 4) {
      if (type === 3) putColour(lines[line + x]!, palette, opacity, pixels, to);
      else putPixel(lines, line + x * CHANNELS[type]!, type, pixels, to);
    }
  }
  return { width, height, pixels };
}

export async function encode({ width, height, pixels }: Picture): Promise<Uint8Array> {
  const size = width * 4;
  const lines = new Uint8Array(height * (size + 1)); // each line begins with a 0: it is not filtered
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * size, (y + 1) * size), y * (size + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, RGBA, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', await deflated(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

interface Chunk {
  readonly name: string;
  readonly data: Buffer;
}

function chunksOf(file: Buffer): Chunk[] {
  if (!file.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new PictureError('it is no PNG file');
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; at < file.length; ) {
    const length = at + 12 <= file.length ? file.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (at + 12 + length > file.length) throw new PictureError('it ends in the middle');
    const named = file.subarray(at + 4, at + 8 + length);
    const name = named.toString('latin1', 0, 4);
    if (crc32(named) !== file.readUInt32BE(at + 8 + length))
      throw new PictureError(`its part ${name} is damaged: the checksum is another one`);
    chunks.push({ name, data: named.subarray(4) });
    at += 12 + length;
  }
  return chunks;
}

function chunk(name: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const whole = Buffer.alloc(named.length + 8);
  whole.writeUInt32BE(data.length, 0);
  whole.set(named, 4);
  whole.writeUInt32BE(crc32(named), named.length + 4);
  return whole;
}

function headerOf(data: Buffer | undefined): Header {
  if (data?.length !== 13) throw new PictureError('it has no header');
  const [depth, type, , , interlaced] = data.subarray(8);
  if (depth !== 8) throw new PictureError(`it has ${depth} bits for each channel, only 8 are read`);
  if (interlaced !== 0) throw new PictureError('it is interlaced, which is not read');
  if (!(type! in CHANNELS)) throw new PictureError(`it has colours of the unknown type ${type}`);
  return { width: data.readUInt32BE(0), height: data.readUInt32BE(4), type: type! };
}

/** Undoes, in place, what makes lines smaller when packed: a line holds differences to its neighbours. */
function unfilter(lines: Buffer, size: number, bytes: number): void {
  for (let line = 0; line < lines.length; line += size + 1) {
    const filter = lines[line]!;
    if (filter > 4) throw new PictureError(`a line has the unknown filter ${filter}`);
    for (let i = 1; i <= size; i++) {
      const left = i > bytes ? lines[line + i - bytes]! : 0;
      const above = line > 0 ? lines[line + i - size - 1]! : 0;
      const before = line > 0 && i > bytes ? lines[line + i - size - 1 - bytes]! : 0;
      lines[line + i]! += predicted(filter, left, above, before);
    }
  }
}

function predicted(filter: number, left: number, above: number, before: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter === 0) return 0;
  const guess = left + above - before;
  const [toLeft, toAbove, toBefore] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - before)];
  if (toLeft <= toAbove && toLeft <= toBefore) return left;
  return toAbove <= toBefore ? above : before;
}

function putPixel(from: Buffer, at: number, type: number, to: Uint8Array, into: number): void {
  const isColour = (type & 2) !== 0;
  for (let channel = 0; channel < 3; channel++) to[into + channel] = from[at + (isColour ? channel : 0)]!;
  to[into + 3] = (type & 4) === 0 ? 255 : from[at + (isColour ? 3 : 1)]!;
}

function putColour(number: number, palette: Buffer, opacity: Buffer, to: Uint8Array, into: number): void {
  if (number * 3 + 3 > palette.length) throw new PictureError(`its palette has no colour ${number}`);
  to.set(palette.subarray(number * 3, number * 3 + 3), into);
  to[into + 3] = opacity[number] ?? 255;
}
