import { Buffer } from 'node:buffer';
import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { asBytes } from '../../streams/bytes.ts';
import type { DecodingErrors } from '../../streams/text.ts';
import type { Bytes } from '../../streams/transports.ts';

/** The encodings that a text file can have. */
export type FileEncoding = 'utf-8' | 'utf8' | 'latin1';

/** How the content of a text file is read and written. */
export interface TextOptions {
  /** Reads and writes text instead of bytes. */
  readonly encoding: FileEncoding;
  /** What to do with bytes that are not valid, and with characters that are not in the encoding; `strict` when absent. */
  readonly errors?: DecodingErrors | undefined;
}

/** The same where bytes are read when there is no encoding. */
export interface CodecOptions {
  readonly encoding?: FileEncoding | undefined;
  readonly errors?: DecodingErrors | undefined;
}

/** The names of these options. */
export const CODEC_OPTIONS: readonly string[] = ['encoding', 'errors'];

/** Converts between the bytes of a file and the values that a program reads and writes. */
export interface Codec<T> {
  /** `null` for bytes. */
  readonly encoding: FileEncoding | null;
  decode(bytes: Uint8Array): T;
  encode(name: string, data: unknown): Uint8Array;
  /** How many bytes a number of characters take; `-n` when at least n bytes are missing. `null` when each character takes one byte. */
  readonly sizeOf: ((bytes: Uint8Array, count: number) => number) | null;
}

/** Bytes as they are; strings are written as UTF-8. */
const BYTES: Codec<Uint8Array> = {
  encoding: null,
  decode: (bytes) => bytes,
  encode: asBytes,
  sizeOf: null,
};

class Utf8 implements Codec<string> {
  readonly encoding = 'utf-8';
  // The byte order mark is kept as a character, because this decodes lines, too.
  readonly #decoder: TextDecoder;
  readonly #errors: DecodingErrors;

  constructor(errors: DecodingErrors) {
    this.#errors = errors;
    this.#decoder = new TextDecoder('utf-8', { fatal: errors === 'strict', ignoreBOM: true });
  }

  decode(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes);
    } catch (cause) {
      throw new ValueError("'utf-8' codec can't decode the bytes read: they are not valid UTF-8", {
        code: 'INVALID_ENCODING',
        cause,
      });
    }
  }

  encode(name: string, data: unknown): Uint8Array {
    const text = checkText(name, data);
    return this.#errors === 'replace' ? new TextEncoder().encode(text) : asBytes(name, text);
  }

  sizeOf(bytes: Uint8Array, count: number): number {
    let left = count;
    for (let at = 0; at < bytes.length; at++) {
      const isInside = ((bytes[at] as number) & 0xc0) === 0x80; // 10xxxxxx continues a character
      if (!isInside && left-- === 0) return at;
    }
    if (left > 0) return -left;
    return isWhole(bytes) ? bytes.length : -1;
  }
}

/** Whether the last character is complete, according to its first byte. */
function isWhole(bytes: Uint8Array): boolean {
  let first = bytes.length - 1;
  while (first > 0 && ((bytes[first] as number) & 0xc0) === 0x80) first--;
  const head = bytes[first] ?? 0;
  const length = head < 0xc0 ? 1 : head < 0xe0 ? 2 : head < 0xf0 ? 3 : 4;
  return bytes.length - first >= length;
}

const latin1 = (errors: DecodingErrors): Codec<string> => ({
  encoding: 'latin1',
  // Not with TextDecoder, which decodes latin1 as windows-1252.
  decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'),
  encode(name, data) {
    const given = checkText(name, data);
    // As in Python: one replacement for each character, also for those that have two UTF-16 units.
    const text = errors === 'replace' ? given.replaceAll(/[\u{100}-\u{10ffff}]/gu, '?') : given;
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0xff) {
        throw new ValueError(`${name}: 'latin1' codec can't encode character ${describe(text[at])} in position ${at}`, {
          code: 'INVALID_ENCODING',
        });
      }
      bytes[at] = code;
    }
    return bytes;
  },
  sizeOf: null,
});

function checkText(name: string, data: unknown): string {
  if (typeof data === 'string') return data;
  throw typeError(`${name}: the file is text, so a string is required, got ${describe(data)}`, 'NOT_TEXT');
}

/**
 * The codec for some options.
 *
 * @throws {ValueError} when the encoding, or what to do with errors, is unknown
 * @throws {TypeError} when the options are not an object
 */
export function codecOf(name: string, options: CodecOptions): Codec<Bytes> {
  if (typeof options !== 'object' || options === null) {
    const meant = typeof options === 'string' ? options : 'utf-8';
    throw typeError(`${name}: options are one object, got ${describe(options)}; write { encoding: '${meant}' }`);
  }
  const { encoding, errors = 'strict' } = options;
  if (errors !== 'strict' && errors !== 'replace')
    throw new ValueError(`${name}: errors must be 'strict' or 'replace', got ${describe(errors)}`);
  switch (encoding) {
    case undefined:
      return BYTES;
    case 'utf-8':
    case 'utf8':
      return new Utf8(errors);
    case 'latin1':
      return latin1(errors);
    default:
      throw new ValueError(`${name}: unknown encoding: ${describe(encoding)}; it is 'utf-8' or 'latin1'`, {
        code: 'UNKNOWN_ENCODING',
      });
  }
}
