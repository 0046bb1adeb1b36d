import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { IncompleteReadError, ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe, nameOfClass } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import type { AwaitableIterator } from '../../interop/index.ts';
import { type AwaitableCoroutine, getRunningLoop, libraryCoroutine } from '../../kernel/lowlevel.ts';
import { concatenated } from '../../streams/bytes.ts';
import type { Bytes } from '../../streams/transports.ts';
import { checkCount, checkPosition, checkWhence, type WhenceLike } from './checks.ts';
import type { Codec, FileEncoding } from './codec.ts';
import { Descriptor } from './descriptor.ts';
import { FileContent } from './file-content.ts';
import { FileChunks, FileLines } from './file-items.ts';
import { type FilePath, showPath } from './file-path.ts';
import type { FileMode, OpenMode } from './open-mode.ts';

/** The parts of a file. @internal */
export interface FileParts {
  readonly name: FilePath;
  readonly openMode: OpenMode;
  readonly codec: Codec<Bytes>;
  readonly isSequential: boolean;
}

const ALWAYS = (): boolean => true;

/** The default size of a chunk in bytes: 64 KiB. */
const CHUNK = 2 ** 16;

/**
 * An open file, from `openFile`. It has a position, where the next operation reads or writes; each operation moves it on. Operations of
 * several tasks are done one at a time, in the order in which they came.
 *
 * Reads are buffered, writes are not: when `write` is over, the bytes were handed to the system.
 *
 * **Cancellation**: an operation that waits for its turn is not done at all. A system call cannot be stopped once it has begun: the wait
 * ends at once, and the call goes on in the background. Bytes that it reads are given to the next read; bytes that it writes are written
 * completely, and an error is thrown by the next operation, or by `close()`. The next operation waits for the call.
 *
 * @example
 * await using file = await openFile(path, { mode: 'w+', encoding: 'utf-8' });
 * await file.write('one\ntwo\n');
 * await file.seek(0);
 * for await (const line of file) console.log(line.trimEnd()); // one, two
 */
export class AsyncFile<T extends Bytes = Uint8Array> implements AsyncIterable<T>, AsyncDisposable {
  static {
    inspectAsText(AsyncFile.prototype);
  }

  /** The path that it was opened by. */
  readonly name: FilePath;
  readonly #openMode: OpenMode;
  readonly #codec: Codec<Bytes>;
  readonly #descriptor: Descriptor;
  readonly #content: FileContent;
  /** Whether a call may have to wait for the other end: a pipe, a terminal. */
  readonly #isSequential: boolean;

  /** @internal */
  constructor(handle: FileHandle, { name, openMode, codec, isSequential }: FileParts) {
    this.name = name;
    this.#openMode = openMode;
    this.#codec = codec;
    this.#descriptor = new Descriptor(handle, this);
    this.#isSequential = isSequential;
    this.#content = new FileContent(this.#descriptor, { isSequential, appends: openMode.appends });
  }

  /** The mode with which it was opened. */
  get mode(): FileMode {
    return this.#openMode.mode;
  }

  /** The encoding of its text, `null` when it is read as bytes. */
  get encoding(): FileEncoding | null {
    return this.#codec.encoding;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#descriptor.isClosed;
  }

  /**
   * The number of its file descriptor, for functions that take descriptors.
   *
   * @throws {ValueError} when it is closed
   */
  fileno(): number {
    return this.#descriptor.number;
  }

  // --------------------------------------------------------------------------------------------- reading

  /**
   * Reads a number of bytes, or of characters of a text; fewer at the end of the file.
   *
   * **Cancellation**: nothing is lost; the next read gets the bytes.
   *
   * @param count how many; when absent or negative, everything up to the end
   * @returns nothing (no bytes, or an empty string) at the end
   * @throws {TypeError} at once, when the count is not a whole number
   * @throws {ValueError} at once, when the file was opened for writing only; when it is closed; when the bytes are not valid in the
   * encoding
   * @throws {OSError} when a system call fails
   */
  read(count = -1): AwaitableCoroutine<T> {
    checkCount('read', count);
    this.#checkReadable('read');
    return AsyncFile.#read(this, count) as AwaitableCoroutine<T>;
  }

  /**
   * Reads exactly a number of bytes.
   *
   * **Cancellation**: as `read()`.
   *
   * @throws {IncompleteReadError} when the file ends before; `partial` has the bytes that there were
   * @throws {ValueError} at once, when the count is negative, or the file is text; as `read()`
   * @throws {OSError} when a system call fails
   */
  readexactly(count: number): AwaitableCoroutine<Uint8Array> {
    checkCount('readexactly', count);
    if (count < 0) throw new ValueError(`readexactly: the number of bytes must not be less than zero, got ${count}`);
    if (this.encoding !== null) {
      throw new ValueError(
        `readexactly: ${this} is text, whose characters have different sizes; open it without an encoding`,
        {
          code: 'NOT_BINARY',
        },
      );
    }
    this.#checkReadable('readexactly');
    return AsyncFile.#readexactly(this, count);
  }

  /**
   * Reads a line with its end (`\n`). The last line may have no line end. At the end of the file, returns an empty line.
   *
   * **Cancellation**: as `read()`.
   *
   * @throws {ValueError} as `read()`
   * @throws {OSError} when a system call fails
   */
  readline(): AwaitableCoroutine<T> {
    this.#checkReadable('readline');
    return AsyncFile.#readline(this) as AwaitableCoroutine<T>;
  }

  /**
   * The rest of the file in pieces of one size; the last one may be shorter.
   *
   * **Cancellation**: as `read()`.
   *
   * @param size in bytes, or characters of a text; 65,536 when absent
   * @throws {ValueError} at once, when the size is not above zero; as `read()`
   */
  chunks(size = CHUNK): AwaitableIterator<T> {
    checkCount('chunks', size);
    if (size <= 0) throw new ValueError(`chunks: the size must be above zero, got ${size}`);
    this.#checkReadable('chunks');
    return new FileChunks<T>(this, size)[Symbol.asyncIterator]();
  }

  /**
   * The remaining lines, with their ends. When the loop is left, the rest can still be read, and the file stays open.
   *
   * **Cancellation**: as `read()`.
   */
  [Symbol.asyncIterator](): AwaitableIterator<T> {
    this.#checkReadable('iteration');
    return new FileLines<T>(this)[Symbol.asyncIterator]();
  }

  // --------------------------------------------------------------------------------------------- writing

  /**
   * Writes all of the data.
   *
   * **Cancellation**: nothing is written if it still waits for its turn; otherwise everything is written. `flush()` waits for that.
   *
   * @param data bytes, which must not be changed before the end, or a string; only a string for a file that was opened as text
   * @returns how many bytes were written
   * @throws {TypeError} at once, when the data is something else
   * @throws {ValueError} at once, when the file was opened for reading only, or a character is not in the encoding; when it is closed
   * @throws {OSError} when a system call fails; a part may be written then, and the position shows how much
   */
  write(data: Bytes): AwaitableCoroutine<number> {
    this.#checkWritable('write');
    return AsyncFile.#write(this, this.#codec.encode('write', data));
  }

  /**
   * Writes several items as one operation: nothing is written between them, and no line ends are added.
   *
   * **Cancellation**: as `write()`, for all items together.
   *
   * @returns how many bytes were written
   * @throws as `write()`; when one of them cannot be encoded, none is written
   */
  writelines(lines: Iterable<Bytes>): AwaitableCoroutine<number> {
    this.#checkWritable('writelines');
    if (typeof lines === 'string' || typeof lines?.[Symbol.iterator] !== 'function')
      throw typeError(`writelines: a list of strings or bytes is required, got ${describe(lines)}`, 'NOT_ITERABLE');
    const encoded = Array.from(lines, (line) => this.#codec.encode('writelines', line));
    return AsyncFile.#writelines(this, concatenated(encoded));
  }

  /**
   * Sets the length of the file: cuts it off, or fills it up with zeros. The position does not change.
   *
   * **Cancellation**: as `write()`.
   *
   * @param size in bytes; the current position when absent
   * @returns the size
   * @throws {ValueError} at once, when the size is negative; as `write()`
   * @throws {OSError} when a system call fails
   */
  truncate(size: number | null = null): AwaitableCoroutine<number> {
    if (size !== null) checkPosition('truncate', size);
    this.#checkWritable('truncate');
    return AsyncFile.#truncate(this, size);
  }

  /**
   * Waits until everything that was written before was handed to the system, including writes of tasks that were cancelled.
   *
   * **Cancellation**: ends the wait.
   *
   * @throws {ValueError} when it is closed
   * @throws {OSError} the error of such a write
   */
  flush(): AwaitableCoroutine<void> {
    return AsyncFile.#flush(this);
  }

  /**
   * As `flush`, and waits until the system has put it on the disk (`fsync`).
   *
   * **Cancellation**: ends the wait.
   *
   * @throws as `flush()`
   */
  sync(): AwaitableCoroutine<void> {
    return AsyncFile.#sync(this);
  }

  // --------------------------------------------------------------------------------------------- the position, and the rest

  /**
   * Changes the position.
   *
   * **Cancellation**: the position is unchanged, or already changed if there was nothing to wait for.
   *
   * @param offset in bytes, also for text
   * @param whence the start of the count: `'start'`, `'current'` or `'end'`, or Python's numbers 0, 1 and 2 for them
   * @returns the new position, from the start of the file
   * @throws {ValueError} at once, when `whence` is unknown; when that is before the start of the file, or the file is closed
   * @throws {OSError} when it has no position, as with a pipe (`ESPIPE`)
   */
  seek(offset: number, whence: WhenceLike = 'start'): AwaitableCoroutine<number> {
    const from = checkWhence('seek', whence);
    if (from === 'start') checkPosition('seek', offset);
    else checkCount('seek', offset);
    return AsyncFile.#seek(this, offset, from);
  }

  /**
   * The position: how many bytes are before it.
   *
   * @throws {ValueError} when it is closed
   * @throws {OSError} when it has no position, as with a pipe (`ESPIPE`)
   */
  tell(): AwaitableCoroutine<number> {
    return AsyncFile.#tell(this);
  }

  /**
   * The system's information about the file: its size, its times, its kind.
   *
   * @throws {ValueError} when it is closed
   * @throws {OSError} when a system call fails
   */
  stat(): AwaitableCoroutine<Stats> {
    return AsyncFile.#stat(this);
  }

  /**
   * Closes it: refuses new operations, does those that were called before, and waits for all of them. Has no effect
   * when it is closed.
   *
   * **Cancellation**: ends the wait; the file is closed anyway.
   *
   * @throws {OSError} when a system call fails, or a write of a cancelled task has failed
   */
  close(): AwaitableCoroutine<void> {
    return AsyncFile.#close(this);
  }

  /**
   * As `close()`, but the error of a write of a cancelled task goes to the exception handler of the loop, so that it does not replace the
   * error that ended the block.
   * A call of a cancelled task on a pipe or a terminal is not waited for, because it may never end; the file is closed when
   * it is.
   */
  [Symbol.asyncDispose](): AwaitableCoroutine<void> {
    return AsyncFile.#dispose(this);
  }

  #checkReadable(name: string): void {
    if (this.#openMode.readable) return;
    throw new ValueError(
      `${name}: not readable: ${this} was opened for writing only; open it with 'r' or '+' in its mode`,
      {
        code: 'NOT_READABLE',
      },
    );
  }

  #checkWritable(name: string): void {
    if (this.#openMode.writable) return;
    throw new ValueError(`${name}: not writable: ${this} was opened for reading only; open it with 'w', 'a' or 'r+'`, {
      code: 'NOT_WRITABLE',
    });
  }

  // --------------------------------------------------------------------------------------------- the operations

  /** Takes bytes out of the buffer. There must be no wait between this and the end of the operation, or the bytes would be lost. */
  #take(length: number): T {
    return this.#codec.decode(this.#content.buffer.take(length)) as T;
  }

  static readonly #read = /* @__PURE__ */ libraryCoroutine(function* read(
    file: AsyncFile<Bytes>,
    count: number,
  ): Generator<unknown, Bytes, unknown> {
    return yield* file.nextChunk(count, ALWAYS);
  });

  /** As `read()`; takes nothing when it is not wanted any more. @internal */
  *nextChunk(count: number, isWanted: () => boolean): Generator<unknown, T, unknown> {
    yield* this.#descriptor.begin('read');
    try {
      const size = yield* this.#sizeOf(count < 0 ? Number.POSITIVE_INFINITY : count);
      return this.#take(isWanted() ? size : 0);
    } finally {
      this.#descriptor.finish();
    }
  }

  /** How many bytes a number of characters take; reads until all of them are in the buffer. Fewer at the end. */
  *#sizeOf(count: number): Generator<unknown, number, unknown> {
    const { sizeOf } = this.#codec;
    const { buffer } = this.#content;
    let wanted = count;
    while (yield* this.#content.need(wanted, 'read')) {
      if (sizeOf === null || count === 0) return count;
      const bytes = buffer.takeAll(); // in one piece, to examine it
      buffer.push(bytes);
      const size = sizeOf.call(this.#codec, bytes, count);
      if (size >= 0) return size;
      wanted = bytes.length - size; // `-size` is the number of missing bytes
    }
    return buffer.length;
  }

  static readonly #readexactly = /* @__PURE__ */ libraryCoroutine(function* readexactly(
    file: AsyncFile<Bytes>,
    count: number,
  ): Generator<unknown, Uint8Array, unknown> {
    yield* file.#descriptor.begin('readexactly');
    try {
      const isThere = yield* file.#content.need(count, 'readexactly');
      const bytes = file.#content.buffer.take(count);
      if (!isThere) throw new IncompleteReadError(bytes, count);
      return bytes;
    } finally {
      file.#descriptor.finish();
    }
  });

  static readonly #readline = /* @__PURE__ */ libraryCoroutine(function* readline(
    file: AsyncFile<Bytes>,
  ): Generator<unknown, Bytes, unknown> {
    return yield* file.nextLine(ALWAYS);
  });

  /** As `readline()`; takes nothing when it is not wanted any more. @internal */
  *nextLine(isWanted: () => boolean): Generator<unknown, T, unknown> {
    yield* this.#descriptor.begin('readline');
    try {
      const size = yield* this.#content.lineLength();
      return this.#take(isWanted() ? size : 0);
    } finally {
      this.#descriptor.finish();
    }
  }

  static readonly #write = /* @__PURE__ */ libraryCoroutine(function* write(
    file: AsyncFile<Bytes>,
    bytes: Uint8Array,
  ): Generator<unknown, number, unknown> {
    return yield* file.#writeAll(bytes, 'write');
  });

  static readonly #writelines = /* @__PURE__ */ libraryCoroutine(function* writelines(
    file: AsyncFile<Bytes>,
    bytes: Uint8Array,
  ): Generator<unknown, number, unknown> {
    return yield* file.#writeAll(bytes, 'writelines');
  });

  *#writeAll(bytes: Uint8Array, operation: string): Generator<unknown, number, unknown> {
    yield* this.#descriptor.begin(operation);
    try {
      yield* this.#content.write(bytes, operation);
      return bytes.length;
    } finally {
      this.#descriptor.finish();
    }
  }

  static readonly #truncate = /* @__PURE__ */ libraryCoroutine(function* truncate(
    file: AsyncFile<Bytes>,
    size: number | null,
  ): Generator<unknown, number, unknown> {
    yield* file.#descriptor.begin('truncate');
    try {
      return yield* file.#content.truncate(size);
    } finally {
      file.#descriptor.finish();
    }
  });

  static readonly #flush = /* @__PURE__ */ libraryCoroutine(function* flush(
    file: AsyncFile<Bytes>,
  ): Generator<unknown, void, unknown> {
    yield* file.#descriptor.begin('flush');
    file.#descriptor.finish();
  });

  static readonly #sync = /* @__PURE__ */ libraryCoroutine(function* sync(
    file: AsyncFile<Bytes>,
  ): Generator<unknown, void, unknown> {
    yield* file.#descriptor.begin('sync');
    try {
      yield* file.#descriptor.call('sync', (handle) => handle.sync(), true);
    } finally {
      file.#descriptor.finish();
    }
  });

  static readonly #seek = /* @__PURE__ */ libraryCoroutine(function* seek(
    file: AsyncFile<Bytes>,
    offset: number,
    whence: 'start' | 'current' | 'end',
  ): Generator<unknown, number, unknown> {
    yield* file.#descriptor.begin('seek');
    try {
      return yield* file.#content.seek(offset, whence);
    } finally {
      file.#descriptor.finish();
    }
  });

  static readonly #tell = /* @__PURE__ */ libraryCoroutine(function* tell(
    file: AsyncFile<Bytes>,
  ): Generator<unknown, number, unknown> {
    yield* file.#descriptor.begin('tell');
    try {
      return yield* file.#content.position('tell');
    } finally {
      file.#descriptor.finish();
    }
  });

  static readonly #stat = /* @__PURE__ */ libraryCoroutine(function* stat(
    file: AsyncFile<Bytes>,
  ): Generator<unknown, Stats, unknown> {
    yield* file.#descriptor.begin('stat');
    try {
      return yield* file.#descriptor.call('stat', (handle) => handle.stat());
    } finally {
      file.#descriptor.finish();
    }
  });

  static readonly #close = /* @__PURE__ */ libraryCoroutine(function* close(
    file: AsyncFile<Bytes>,
  ): Generator<unknown, void, unknown> {
    yield* file.#descriptor.close();
    const failure = file.#descriptor.takeFailure();
    if (failure !== null) throw failure.error;
  });

  static readonly #dispose = /* @__PURE__ */ libraryCoroutine(function* close(
    file: AsyncFile<Bytes>,
  ): Generator<unknown, void, unknown> {
    yield* file.#descriptor.leave(file.#isSequential);
    const failure = file.#descriptor.takeFailure();
    if (failure === null) return;
    const { error: exception } = failure;
    getRunningLoop().callExceptionHandler({ message: `Writing to ${file} failed after a cancellation`, exception });
  });

  toString(): string {
    const state = this.closed ? ' closed' : '';
    return `<${nameOfClass(this)} ${showPath(this.name)} mode='${this.mode}'${state}>`;
  }
}
