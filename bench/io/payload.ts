import { CHUNK, MESSAGE } from './program.ts';

/** The bytes that are sent, and their check: none may be lost, doubled or out of place. */

/** A connection's message: all its bytes are the connection's number, so that a mix-up shows. */
export function messageOf(connection: number): Uint8Array {
  return new Uint8Array(MESSAGE).fill(connection + 1);
}

/** Checks a reply, or a part of one, by its ends: cheap enough not to be measured. */
export function checkEcho(part: Uint8Array, message: Uint8Array): void {
  if (part[0] !== message[0] || part[part.length - 1] !== message[0])
    throw new Error('an echo came back with bytes of another message');
}

/** What the bulk workload sends again and again: each position has a byte of its own as far as 256 of them go. */
export const PATTERN: Uint8Array = Uint8Array.from({ length: CHUNK }, (_, at) => byteAt(at));

function byteAt(position: number): number {
  return (position * 31 + (position >>> 8) * 7) & 0xff;
}

/** Counts what the bulk workload brings, and looks at both ends of each chunk. */
export class Tally {
  bytes = 0;
  /** Whether every byte that was looked at stood in its place. */
  inPlace = true;

  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#look(chunk, 0);
    this.#look(chunk, chunk.length - 1);
    this.bytes += chunk.length;
  }

  #look(chunk: Uint8Array, at: number): void {
    if (chunk[at] !== PATTERN[(this.bytes + at) % CHUNK]) this.inPlace = false;
  }

  /** What the server answers: how many bytes came, `-1` when some were out of place. */
  answer(): string {
    return String(this.inPlace ? this.bytes : -1);
  }
}

/** Checks the server's answer. */
export function checkAnswer(answer: string, chunks: number): void {
  if (answer !== String(chunks * CHUNK))
    throw new Error(`${chunks * CHUNK} bytes were sent, and the server took ${answer}`);
}
