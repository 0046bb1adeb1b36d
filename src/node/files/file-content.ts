import type { FileHandle } from 'node:fs/promises';
import { ValueError } from '../../errors/index.ts';
import { OSError } from '../../errors/os-error.ts';
import { ByteBuffer } from '../../streams/byte-buffer.ts';
import type { Descriptor } from './descriptor.ts';

/** The smallest size of a read: 64 KiB. */
const SMALLEST_READ = 2 ** 16;
/** The largest size of a read: 1 MiB. */
const LARGEST_READ = 2 ** 20;

const NEWLINE = /* @__PURE__ */ Uint8Array.of(0x0a);

/** Where `seek` counts from. */
export type Whence = 'start' | 'current' | 'end';

/**
 * The bytes of an open file, and the position in them. All of its methods are called during a turn of the descriptor.
 *
 *     file    . . . . . . . | a b c d e f | . . . . .
 *                           ▲             ▲
 *                       position       #offset: the end of the bytes in #buffer
 *
 * The result of a system call is recorded here even if its task was cancelled. So no byte gets lost, and
 * the position is always right.
 */
export class FileContent {
  readonly buffer: ByteBuffer = new ByteBuffer();
  readonly #descriptor: Descriptor;
  /** Whether it is a stream without a position: a pipe, a terminal. */
  readonly #isSequential: boolean;
  readonly #appends: boolean;
  /** `null` for the end of the file, wherever that is at the time of use. */
  #offset: number | null;

  constructor(descriptor: Descriptor, kind: { readonly isSequential: boolean; readonly appends: boolean }) {
    this.#descriptor = descriptor;
    this.#isSequential = kind.isSequential;
    this.#appends = kind.appends;
    this.#offset = kind.appends ? null : 0;
  }

  // --------------------------------------------------------------------------------------------- reading

  /** Reads until a number of bytes are in the buffer, or the end is reached. */
  *need(count: number, operation: string): Generator<unknown, boolean, unknown> {
    while (this.buffer.length < count) {
      // When everything is read, the pieces become larger and larger, because most files are short.
      const wanted = count === Number.POSITIVE_INFINITY ? this.buffer.length : count - this.buffer.length;
      if (!(yield* this.#more(wanted, operation))) return false;
    }
    return true;
  }

  /** How many bytes the next line takes, with its end. */
  *lineLength(): Generator<unknown, number, unknown> {
    let searched = 0;
    for (;;) {
      const at = this.buffer.indexOf(NEWLINE, searched);
      if (at >= 0) return at + 1;
      searched = this.buffer.length;
      if (!(yield* this.#more(searched, 'readline'))) return searched;
    }
  }

  /** Reads a chunk, about as long as wanted. False at the end. */
  *#more(wanted: number, operation: string): Generator<unknown, boolean, unknown> {
    const size = Math.min(Math.max(wanted, SMALLEST_READ), LARGEST_READ);
    const offset = this.#isSequential ? null : yield* this.#whereOffset(operation);
    return (yield* this.#descriptor.call(operation, (handle) => this.#readChunk(handle, size, offset))) > 0;
  }

  async #readChunk(handle: FileHandle, size: number, offset: number | null): Promise<number> {
    const chunk = new Uint8Array(size);
    const { bytesRead } = await handle.read(chunk, 0, size, offset);
    // Short ones are copied, so that a few bytes do not keep a large chunk alive.
    this.buffer.push(bytesRead < size / 2 ? chunk.slice(0, bytesRead) : chunk.subarray(0, bytesRead));
    if (offset !== null) this.#offset = offset + bytesRead;
    return bytesRead;
  }

  // --------------------------------------------------------------------------------------------- writing

  /** Writes all of it, also when the task is cancelled in the meantime. */
  *write(bytes: Uint8Array, operation: string): Generator<unknown, void, unknown> {
    const position = this.#isSequential || this.#appends ? null : yield* this.position(operation);
    if (!this.#isSequential) this.#goTo(position);
    yield* this.#descriptor.call(operation, (handle) => this.#writeAll(handle, bytes, position), true);
  }

  async #writeAll(handle: FileHandle, bytes: Uint8Array, position: number | null): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const place = position === null ? null : position + written;
      const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, place);
      written += bytesWritten;
      if (position !== null) this.#offset = position + written;
    }
  }

  /** Cuts the file off, or fills it up with zeros. The position does not change. */
  *truncate(size: number | null): Generator<unknown, number, unknown> {
    const position = yield* this.position('truncate');
    this.#goTo(position);
    const length = size ?? position;
    yield* this.#descriptor.call('truncate', (handle) => handle.truncate(length), true);
    return length;
  }

  // --------------------------------------------------------------------------------------------- the position

  /** Where the next byte is read or written. */
  *position(operation: string): Generator<unknown, number, unknown> {
    if (this.#isSequential)
      throw new OSError(`${operation}: a pipe or terminal has no position: Illegal seek`, {
        code: 'ESPIPE',
        syscall: operation,
      });
    return (yield* this.#whereOffset(operation)) - this.buffer.length;
  }

  *#whereOffset(operation: string): Generator<unknown, number, unknown> {
    this.#offset ??= yield* this.#size(operation);
    return this.#offset;
  }

  *#size(operation: string): Generator<unknown, number, unknown> {
    return (yield* this.#descriptor.call(operation, (handle) => handle.stat())).size;
  }

  /** Changes the position; returns the new one, from the start of the file. */
  *seek(offset: number, whence: Whence): Generator<unknown, number, unknown> {
    const position = yield* this.position('seek');
    const base = whence === 'start' ? 0 : whence === 'current' ? position : yield* this.#size('seek');
    const target = base + offset;
    if (target < 0) {
      throw new ValueError(`seek: negative seek position ${target}: that is before the start of the file`, {
        code: 'INVALID_POSITION',
      });
    }
    const ahead = target - position;
    if (ahead >= 0 && ahead <= this.buffer.length) this.buffer.take(ahead);
    else this.#goTo(target);
    return target;
  }

  #goTo(position: number | null): void {
    this.buffer.clear();
    this.#offset = position;
  }
}
