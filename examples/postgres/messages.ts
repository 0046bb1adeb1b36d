// Messages of the protocol of PostgreSQL: https://www.postgresql.org/docs/current/protocol-message-formats.html

import { Buffer } from 'node:buffer';
import type { StreamReader } from 'asyncio-ts/node';

/** A message as it was received: its letter, and what follows the length. */
export interface Message {
  readonly type: string;
  readonly body: Fields;
}

/** A number of 16 bits among the fields of a message; a plain one has 32. */
export const int16 = (value: number): { readonly int16: number } => ({ int16: value });

/** A field: text is sent with a zero at its end. */
export type Field = number | { readonly int16: number } | string | Uint8Array;

/** A message as it is sent. The first one of a connection has no letter. */
export function message(type: string, ...fields: readonly Field[]): Buffer {
  const body = Buffer.concat(fields.map(encoded));
  const head = Buffer.alloc(type.length + 4);
  head.write(type);
  head.writeInt32BE(body.length + 4, type.length);
  return Buffer.concat([head, body]);
}

function encoded(field: Field): Uint8Array {
  if (typeof field === 'string') return Buffer.from(`${field}\0`);
  if (field instanceof Uint8Array) return field;
  const bytes = Buffer.alloc(typeof field === 'number' ? 4 : 2);
  if (typeof field === 'number') bytes.writeInt32BE(field);
  else bytes.writeInt16BE(field.int16);
  return bytes;
}

/** What is left of a message, taken field by field. */
export class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  /** Text up to a zero. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** So many bytes, or all that are left, as text. */
  string(length = this.#bytes.length - this.#at): string {
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }
}

/** Takes messages from a stream. If it is cancelled in the middle of a message, the next call continues with that message. */
export class Messages {
  readonly #reader: StreamReader;
  #head: { readonly type: string; readonly length: number } | null = null;

  constructor(reader: StreamReader) {
    this.#reader = reader;
  }

  async next(): Promise<Message> {
    if (this.#head === null) {
      const head = new DataView((await this.#reader.readexactly(5)).slice().buffer);
      this.#head = { type: String.fromCharCode(head.getUint8(0)), length: head.getInt32(1) - 4 };
    }
    const { type, length } = this.#head;
    const body = new Fields(await this.#reader.readexactly(length));
    this.#head = null;
    return { type, body };
  }
}
