import { ValueError } from '../errors/index.ts';
import type { ByteBuffer } from './byte-buffer.ts';
import { asBytes } from './bytes.ts';
import type { Bytes } from './transports.ts';

/** Where a separator was found. */
export interface Match {
  readonly start: number;
  readonly end: number;
}

/** How many bytes are searched first. */
const FIRST_WINDOW = 1_024;

/** One or several sequences of bytes that end what is read. */
export class Separators {
  readonly #sequences: readonly Uint8Array[];
  readonly #longest: number;

  /**
   * @throws {TypeError} when one is neither bytes nor a string
   * @throws {ValueError} when there is none, or one is empty
   */
  constructor(separator: Bytes | readonly Bytes[]) {
    const given = Array.isArray(separator) ? separator : [separator];
    if (given.length === 0)
      throw new ValueError('readuntil: Separator should contain at least one element, got an empty list');
    // The shortest first: when two separators end at the same place, the one that begins later is taken.
    this.#sequences = given.map((one) => asBytes('readuntil', one)).sort((a, b) => a.length - b.length);
    if (this.#sequences[0]?.length === 0)
      throw new ValueError('readuntil: Separator should be at least one-byte string, got an empty one');
    this.#longest = this.#sequences.at(-1)?.length ?? 0;
  }

  /** The first place where a separator ends, `null` when there is none after `from`. */
  find(buffer: ByteBuffer, from: number): Match | null {
    if (this.#sequences.length === 1) return this.#findBefore(buffer, from, buffer.length);
    // In growing windows: otherwise the whole buffer would be searched for one separator although another one is near its beginning.
    for (let size = FIRST_WINDOW; ; size *= 4) {
      const before = Math.min(from + size, buffer.length);
      const match = this.#findBefore(buffer, from, before);
      if (match !== null || before === buffer.length) return match;
    }
  }

  #findBefore(buffer: ByteBuffer, from: number, before: number): Match | null {
    let match: Match | null = null;
    for (const sequence of this.#sequences) {
      const start = buffer.indexOf(sequence, from, before);
      const end = start + sequence.length;
      if (start !== -1 && (match === null || end < match.end)) match = { start, end };
    }
    return match;
  }

  /** The position up to which a buffer without separators need not be searched again. */
  searched(buffer: ByteBuffer): number {
    return Math.max(0, buffer.length + 1 - this.#longest);
  }
}
