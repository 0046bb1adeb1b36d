import { RuntimeError, ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { checkOptions, nearest } from '../internal/options.ts';
import type { AwaitableIterator } from '../interop/task-iterator.ts';
import {
  type AwaitableCoroutine,
  type EventLoop,
  type Future,
  implicitLoop,
  libraryCoroutine,
  release,
  type WaitingCoroutine,
} from '../kernel/lowlevel.ts';
import { ByteBuffer } from './byte-buffer.ts';
import { areBytes } from './bytes.ts';
import { checkByteLimit } from './limit.ts';
import { ByteLines, type LinesOptions, TextLines } from './lines.ts';
import { ReadAll, ReadExactly, ReadLine, ReadSome, ReadUntil } from './reading.ts';
import { Separators } from './separators.ts';
import { type Decoder, type DecodingOptions, decoderOf } from './text.ts';
import type { Bytes, ReadTransport } from './transports.ts';

/** How many bytes a reader keeps before it looks for a line's end in vain: 64 KiB. */
const DEFAULT_LIMIT = 2 ** 16;

/** Feeds a reader that it holds by a weak reference. Reading that reference costs more than everything else here. */
export interface Feeder {
  /** The reader while a task waits in it; that task keeps the reader alive anyway. @internal */
  awaited: StreamReader | null;
}

const NEWLINE = '\n';
/** What readers have that were fed nothing yet. Invariant: empty. */
const NO_BYTES = /* @__PURE__ */ new ByteBuffer();

/** Text instead of bytes. */
interface AsText extends DecodingOptions {
  readonly encoding: string;
}

/** Options of `read`. */
export interface ReadOptions extends DecodingOptions {
  /** The largest number of bytes; everything up to the end when absent or negative. */
  readonly n?: number | undefined;
}

/** Options of `readuntil`. */
export interface ReadUntilOptions extends DecodingOptions {
  /** Bytes or a string, or a list of them; `\n` when absent. */
  readonly separator?: Bytes | readonly Bytes[] | undefined;
}

/** Options of a reader. */
export interface StreamReaderOptions {
  /**
   * The longest line, in bytes; 64 KiB when absent. When twice as much is buffered, the peer is slowed down.
   */
  readonly limit?: number | undefined;
  /** The loop in which it is fed; the running one, or the thread's, when absent. */
  readonly loop?: EventLoop | undefined;
}

/**
 * Reads bytes from a connection, a pipe, or any code that feeds it. One task at a time may wait in it.
 *
 * It keeps at most about twice its limit; then the transport is paused, which slows down the peer, until bytes are read.
 *
 * Follows CPython's `asyncio.StreamReader`.
 *
 * @example
 * const { reader, writer } = await openConnection('127.0.0.1', port);
 * writer.write('hello\nworld\n');
 * writer.writeEof();
 * const line = await reader.readline(); // bytes
 * for await (const text of reader.lines()) console.log(text); // world
 * writer.close();
 */
export class StreamReader implements AsyncIterable<Uint8Array> {
  static {
    inspectAsText(StreamReader.prototype);
  }

  /** One of its own from the first byte on. */
  #buffer = NO_BYTES;
  readonly #limit: number;
  readonly #loop: EventLoop;
  #eof = false;
  /** The error with which all reads fail. */
  #failure: { readonly error: unknown; seen: boolean } | null = null;
  /** Invariant: pending until bytes, the end or an error are fed; `null` when no task waits. */
  #waiter: Future<void> | null = null;
  #transport: ReadTransport | null = null;
  /** Whether the transport was paused because the buffer is full. */
  #paused = false;
  /** The other half of the connection: it lives as long as this one. @internal */
  companion: object | null = null;
  /** The object that feeds it and must not keep it alive. @internal */
  feeder: Feeder | null = null;

  /**
   * @param options the limit and the loop by name, or the limit
   * @param eventLoop the loop, when the limit is not given by name
   * @throws {ValueError} unless the limit is above zero
   * @throws {TypeError} when it is not a number
   */
  constructor(options: StreamReaderOptions | number = {}, eventLoop?: EventLoop) {
    const isObject = typeof options === 'object' && options !== null;
    if (isObject) checkOptions('StreamReader', options, ['limit', 'loop']);
    const { limit = DEFAULT_LIMIT, loop } = isObject ? options : { limit: options, loop: eventLoop };
    this.#limit = checkByteLimit('StreamReader', limit);
    this.#loop = loop ?? implicitLoop();
  }

  // ------------------------------------------------------------------------------------------------- feeding

  /**
   * Sets the transport that it may slow down: `pauseReading` of the transport is called when the buffer is full.
   *
   * Follows CPython's `StreamReader.set_transport`.
   *
   * @throws {RuntimeError} when it has one already
   */
  setTransport(transport: ReadTransport): void {
    if (this.#transport !== null)
      throw new RuntimeError('StreamReader: the transport is set already', { code: 'TRANSPORT_IS_SET' });
    this.#transport = transport;
  }

  /** Replaces the current transport by another one (`startTls`). @internal */
  replaceTransport(transport: ReadTransport): void {
    this.#transport = transport;
    this.#paused = false;
  }

  /** Takes the bytes that were not read. @internal */
  takeUnread(): Uint8Array {
    return this.#buffer.takeAll();
  }

  /**
   * Adds bytes, and wakes the task that waits for them. The bytes must not be changed afterwards.
   *
   * Follows CPython's `StreamReader.feed_data`.
   *
   * @throws {RuntimeError} after `feedEof()`
   * @throws {TypeError} when it is not a `Uint8Array`
   */
  feedData(data: Uint8Array): void {
    if (!areBytes(data)) throw notBytes(data);
    if (this.#eof)
      throw new RuntimeError('feedData after feedEof: a stream that has ended gets no more data', {
        code: 'FED_AFTER_EOF',
      });
    if (data.length === 0) return;
    if (this.#buffer === NO_BYTES) this.#buffer = new ByteBuffer();
    this.#buffer.push(data);
    this.wake();
    if (this.#transport !== null && !this.#paused && this.#buffer.length > 2 * this.#limit) {
      this.#transport.pauseReading();
      this.#paused = true;
    }
  }

  /** Marks the end of the stream. Follows CPython's `StreamReader.feed_eof`. */
  feedEof(): void {
    this.#eof = true;
    this.wake();
  }

  /** Makes the current read and all later ones fail. Follows CPython's `StreamReader.set_exception`. */
  setException(error: unknown): void {
    this.#failure = { error, seen: false };
    this.wake();
  }

  /** The error that reads fail with, `null` when there is none. Follows CPython's `StreamReader.exception`. */
  exception(): unknown {
    return this.#failure?.error ?? null;
  }

  /** Whether this error was thrown by a read. @internal */
  hasThrown(error: unknown): boolean {
    return this.#failure?.seen === true && this.#failure.error === error;
  }

  /** Makes the waiting task check again. @internal */
  wake(): void {
    const waiter = this.#waiter;
    this.#waiter = null;
    if (waiter !== null) release(waiter);
  }

  /**
   * Does nothing as long as the connection has not failed.
   *
   * @throws the error with which it was made to fail; it then counts as seen
   * @internal
   */
  check(): void {
    if (this.#failure === null) return;
    this.#failure.seen = true;
    throw this.#failure.error;
  }

  #resume(): void {
    if (!this.#paused || this.#buffer.length > this.#limit) return;
    this.#paused = false;
    this.#transport?.resumeReading();
  }

  // ------------------------------------------------------------------------------------------------- for reads

  /** The bytes that were not read. @internal */
  get buffer(): ByteBuffer {
    return this.#buffer;
  }

  /** @internal */
  get limit(): number {
    return this.#limit;
  }

  /** Whether the end was fed. @internal */
  get hasEnded(): boolean {
    return this.#eof;
  }

  /** Takes up to a number of bytes. @internal */
  take(count: number): Uint8Array {
    const bytes = this.#buffer.take(count);
    this.#resume();
    return bytes;
  }

  /** Takes everything, as it has arrived, into a list. @internal */
  takeChunks(chunks: Uint8Array[]): void {
    for (let chunk = this.#buffer.takeChunk(); chunk !== null; chunk = this.#buffer.takeChunk()) chunks.push(chunk);
    this.#resume();
  }

  /** Puts chunks back that were taken, before what has arrived since. @internal */
  putBack(chunks: readonly Uint8Array[]): void {
    const rest = this.#buffer.takeAll();
    for (const chunk of chunks) this.#buffer.push(chunk);
    this.#buffer.push(rest);
  }

  /** Drops a line that is too long: up to its end if that has arrived, otherwise everything. @internal */
  dropLine(message: string, consumed: number): never {
    if (LINE_END?.find(this.#buffer, consumed)?.start === consumed) this.#buffer.take(consumed + 1);
    else this.#buffer.clear();
    this.#resume();
    throw new ValueError(`readline: ${message} of ${this.#limit} bytes; give a larger limit`, {
      code: 'LINE_TOO_LONG',
    });
  }

  /** Waits for more bytes, the end, or an error. @internal */
  beginWait(reading: WaitingCoroutine<Uint8Array>): Future<void> {
    if (this.#waiter !== null) {
      throw new RuntimeError(
        `${reading.operation}() called while another coroutine is already waiting for incoming data: one task at a time can read`,
        { code: 'ANOTHER_READS' },
      );
    }
    // A read that waits although the buffer is full needs more bytes: without this it would wait for ever.
    if (this.#paused) {
      this.#paused = false;
      this.#transport?.resumeReading();
    }
    const waiter = reading.newWait(this.#loop);
    this.#waiter = waiter;
    if (this.feeder !== null) this.feeder.awaited = this;
    return waiter;
  }

  /** Where its bytes come from, once that is known. @internal */
  get transport(): ReadTransport | null {
    return this.#transport;
  }

  /** The wait is over. @internal */
  endWait(waiter: Future<void>): void {
    if (this.#waiter === waiter) this.#waiter = null;
    if (this.feeder !== null) this.feeder.awaited = null;
  }

  // --------------------------------------------------------------------------------------------- reading

  /** Whether the end was fed and everything is read. Follows CPython's `StreamReader.at_eof`. */
  atEof(): boolean {
    return this.#eof && this.#buffer.length === 0;
  }

  /**
   * Reads up to a number of bytes: those that are there, or, when there are none, the next ones that arrive.
   *
   * **Cancellation**: no bytes are lost; the next read gets them.
   *
   * Follows CPython's `StreamReader.read`.
   *
   * @param count the largest number of bytes; when absent or negative, everything up to the end
   * @returns the bytes; none at the end. With an `encoding`, everything up to the end as text
   * @throws {TypeError} at once, when the count is not a whole number
   * @throws {ValueError} at once, when both a number of bytes and an encoding are given, because the bytes may end inside a character; when
   * the bytes are not valid text; they are taken from the buffer anyway
   * @throws {RuntimeError} when another task waits for data
   * @throws the error with which the connection was lost
   */
  read(count?: number): AwaitableCoroutine<Uint8Array>;
  read(options: ReadOptions & AsText): AwaitableCoroutine<string>;
  read(options: ReadOptions): AwaitableCoroutine<Bytes>;
  read(given: number | ReadOptions = -1): AwaitableCoroutine<Bytes> {
    if (typeof given === 'number') return this.#read(checkCount('read', given));
    const options = checkReadOptions(given);
    const count = checkCount('read', options.n ?? -1);
    const decoder = textDecoderOf('read', options);
    if (decoder === null) return this.#read(count);
    if (count >= 0) {
      throw new ValueError(
        `read: ${count} bytes may end inside a character; read everything as text, or lines with readline({ encoding })`,
      );
    }
    return readAsText(this, decoder);
  }

  #read(count: number): AwaitableCoroutine<Uint8Array> {
    return count < 0 ? new ReadAll(this) : new ReadSome(this, count);
  }

  /**
   * Reads exactly a number of bytes.
   *
   * **Cancellation**: no bytes are lost; the next read gets them.
   *
   * Follows CPython's `StreamReader.readexactly`.
   *
   * @throws {IncompleteReadError} when the stream ends before; `partial` has the bytes that arrived
   * @throws {ValueError} at once, when the count is negative
   * @throws {TypeError} at once, when it is not a whole number
   * @throws {RuntimeError} when another task waits for data
   * @throws the error with which the connection was lost
   */
  readexactly(count: number): AwaitableCoroutine<Uint8Array> {
    checkCount('readexactly', count);
    if (count < 0) throw new ValueError(`readexactly: the number of bytes must not be less than zero, got ${count}`);
    return new ReadExactly(this, count);
  }

  /**
   * Reads a line with its end (`\n`). At the end of the stream, returns the rest without a line end, then no bytes.
   *
   * **Cancellation**: no bytes are lost; the next read gets them.
   *
   * Follows CPython's `StreamReader.readline`.
   *
   * @param options `encoding`: gives a string instead of bytes
   * @throws {ValueError} when the line is longer than the limit, or is not valid text; the line, or the part that has arrived, is dropped
   * @throws {TypeError} {RangeError} at once, when the options are wrong, or the encoding is unknown
   * @throws {RuntimeError} when another task waits for data
   * @throws the error with which the connection was lost
   * @example
   * const { reader, writer } = await openConnection('127.0.0.1', port);
   * writer.write('hello\n');
   * console.log((await reader.readline({ encoding: 'utf-8' })).trimEnd()); // hello
   * writer.close();
   */
  readline(): AwaitableCoroutine<Uint8Array>;
  readline(options: AsText): AwaitableCoroutine<string>;
  readline(options?: DecodingOptions): AwaitableCoroutine<Bytes>;
  readline(options?: DecodingOptions): AwaitableCoroutine<Bytes> {
    if (options === undefined) return this.nextLine(null);
    const decoder = textDecoderOf('readline', checkDecoding('readline', options, 'readline({ encoding: "utf-8" })'));
    return decoder === null ? this.nextLine(null) : readlineAsText(this, decoder);
  }

  /**
   * Reads up to a separator, including it. With several separators, up to the one that ends first.
   *
   * **Cancellation**: no bytes are lost; the next read gets them.
   *
   * Follows CPython's `StreamReader.readuntil`.
   *
   * @param separator bytes or a string, or a list of them; `\n` when absent
   * @param options `encoding`: gives a string instead of bytes; these may come alone, with `separator` among them
   * @throws {IncompleteReadError} when the stream ends before; `partial` has the bytes that arrived
   * @throws {LimitOverrunError} when more than the limit arrives before the separator; the bytes stay in the buffer
   * @throws {ValueError} at once, when a separator is empty; when the bytes are not valid text; they are dropped
   * @throws {RuntimeError} when another task waits for data
   * @throws the error with which the connection was lost
   */
  readuntil(separator?: Bytes | readonly Bytes[]): AwaitableCoroutine<Uint8Array>;
  readuntil(separator: Bytes | readonly Bytes[], options: AsText): AwaitableCoroutine<string>;
  readuntil(options: ReadUntilOptions & AsText): AwaitableCoroutine<string>;
  readuntil(
    separator: Bytes | readonly Bytes[] | ReadUntilOptions,
    options?: DecodingOptions,
  ): AwaitableCoroutine<Bytes>;
  readuntil(
    given: Bytes | readonly Bytes[] | ReadUntilOptions = NEWLINE,
    others: DecodingOptions = {},
  ): AwaitableCoroutine<Bytes> {
    const isByName =
      typeof given === 'object' && given !== null && !(given instanceof Uint8Array) && !Array.isArray(given);
    if (isByName) checkOptions('readuntil', given, READUNTIL_OPTIONS);
    const { separator = NEWLINE, ...options }: ReadUntilOptions = isByName
      ? (given as ReadUntilOptions)
      : {
          ...checkDecoding('readuntil', others, 'readuntil("\\r\\n", { encoding: "utf-8" })'),
          separator: given as Bytes,
        };
    const decoder = textDecoderOf('readuntil', options);
    const separators = new Separators(separator);
    return decoder === null ? new ReadUntil(this, separators) : readuntilAsText(this, separators, decoder);
  }

  /**
   * Lines as text, without their ends (`\n` or `\r\n`).
   *
   * **Cancellation**: no bytes are lost; the next read gets them.
   *
   * @param options `encoding`: UTF-8 when absent; `errors`: `'replace'` for bytes that are not valid in the encoding; `keepEnds`: leaves
   * the ends on
   * @throws {RangeError} at once, when the encoding is unknown, or when its lines do not end with the byte `\n`, as in UTF-16
   * @throws {ValueError} where the next line is awaited, when it is not valid text; the line is dropped
   */
  lines(options: LinesOptions = {}): AwaitableIterator<string> {
    if (typeof options === 'object' && options !== null) checkOptions('lines', options, LINES_OPTIONS, false);
    return new TextLines(this, options)[Symbol.asyncIterator]();
  }

  /**
   * Lines with their ends, as bytes. When the loop is left, the rest can still be read.
   *
   * **Cancellation**: no bytes are lost; the next read gets them.
   */
  [Symbol.asyncIterator](): AwaitableIterator<Uint8Array> {
    return new ByteLines(this)[Symbol.asyncIterator]();
  }

  /**
   * Waits for a line; returns nothing at the end, and when the line is not wanted any more. @internal
   *
   * @param isWanted called before a line is taken; `null` when the line is wanted in any case
   */
  nextLine(isWanted: (() => boolean) | null): ReadLine {
    LINE_END ??= new Separators(NEWLINE);
    return new ReadLine(this, LINE_END, isWanted);
  }

  toString(): string {
    const parts = [nameOfClass(this)];
    if (this.#buffer.length > 0) parts.push(`${this.#buffer.length} bytes`);
    if (this.#eof) parts.push('eof');
    if (this.#limit !== DEFAULT_LIMIT) parts.push(`limit=${this.#limit}`);
    if (this.#failure !== null) parts.push(`exception=${describe(this.#failure.error)}`);
    if (this.#paused) parts.push('paused');
    return `<${parts.join(' ')}>`;
  }
}

let LINE_END: Separators | undefined;

function checkCount(name: string, count: unknown): number {
  if (Number.isInteger(count)) return count as number;
  throw typeError(`${name}: a whole number of bytes is required, got ${describe(count)}; write ${name}(100)`);
}

function checkDecoding<T extends object>(name: string, options: T, right: string): T {
  if (typeof options !== 'object' || options === null || options instanceof Uint8Array)
    throw typeError(`${name}: options are one object, got ${describe(options)}; write ${right}`);
  checkOptions(name, options, DECODING_OPTIONS);
  return options;
}

const DECODING_OPTIONS: readonly string[] = ['encoding', 'errors'];
const LINES_OPTIONS: readonly string[] = [...DECODING_OPTIONS, 'keepEnds'];
const READ_OPTIONS: readonly string[] = ['n', ...DECODING_OPTIONS];
const READUNTIL_OPTIONS: readonly string[] = ['separator', ...DECODING_OPTIONS];

function checkReadOptions(given: ReadOptions): ReadOptions {
  const isObject = typeof given === 'object' && given !== null;
  const names = isObject && !Array.isArray(given) && !(given instanceof Uint8Array) ? Object.keys(given) : [];
  if (names.some((name) => nearest(name, READ_OPTIONS) !== undefined)) {
    checkOptions('read', given, READ_OPTIONS);
    return given;
  }
  throw typeError(
    `read: a whole number of bytes or options are required, got ${describe(given)}; ` +
      'write read(100), read() or read({ encoding: "utf-8" })',
  );
}

function notBytes(data: unknown): TypeError {
  return typeError(
    `feedData: a Uint8Array is required, got ${describe(data)}; write feedData(new TextEncoder().encode('…'))`,
    'NOT_BYTES',
  );
}

/** `null` for bytes. */
function textDecoderOf(name: string, options: DecodingOptions): Decoder | null {
  return options.encoding === undefined || options.encoding === null ? null : decoderOf(name, options);
}

// One for each method, and it makes its read only when it runs: so debug mode tells of one coroutine, by the name that the program called.

const readAsText = /* @__PURE__ */ libraryCoroutine(function* read(
  reader: StreamReader,
  decoder: Decoder,
): Generator<unknown, string, unknown> {
  return decoder.decode(yield* new ReadAll(reader));
});

const readlineAsText = /* @__PURE__ */ libraryCoroutine(function* readline(
  reader: StreamReader,
  decoder: Decoder,
): Generator<unknown, string, unknown> {
  return decoder.decode(yield* reader.nextLine(null));
});

const readuntilAsText = /* @__PURE__ */ libraryCoroutine(function* readuntil(
  reader: StreamReader,
  separators: Separators,
  decoder: Decoder,
): Generator<unknown, string, unknown> {
  return decoder.decode(yield* new ReadUntil(reader, separators));
});
