import { IncompleteReadError, LimitOverrunError } from '../errors/index.ts';
import { type AwaitableCoroutine, type Future, NONE, thenOf, WaitingCoroutine } from '../kernel/lowlevel.ts';
import { concatenated } from './bytes.ts';
import type { Match, Separators } from './separators.ts';
import type { StreamReader } from './stream-reader.ts';

const NOTHING = /* @__PURE__ */ new Uint8Array(0);

/**
 * A read of a stream: looks whether what it is to give is there, and otherwise waits for more bytes, the end, or an error.
 *
 *     next ──attempt()──▶ bytes: it is over
 *              │  ▲
 *              ▼  │ bytes were fed, or the end, or an error
 *            waiting ──cancelled──▶ error
 *
 * Written by hand rather than as a generator, because servers have a connection waiting in one for most of its life.
 */
abstract class Reading extends WaitingCoroutine<Uint8Array> {
  declare protected readonly reader: StreamReader;
  /** Invariant: what the reader wakes, while it waits; `null` otherwise. */
  declare private waiter: Future<void> | null;
  declare private isOver: boolean;

  constructor(reader: StreamReader) {
    super();
    this.reader = reader;
    this.waiter = null;
    this.isOver = false;
  }

  get calledAs(): string {
    return this.operation;
  }

  /** The transport tells which connection it is. */
  get object(): object {
    return this.reader.transport ?? this.reader;
  }

  /** @internal */
  override get _isQuiet(): boolean {
    return true;
  }

  /**
   * What it gives; `NONE` when it needs more. It has then taken nothing that `end` would not put back.
   *
   * @throws the error that it ends with
   */
  protected abstract attempt(reader: StreamReader): Uint8Array | typeof NONE;

  next(): IteratorResult<unknown, Uint8Array> {
    if (this.isOver) return { done: true, value: NOTHING };
    const { waiter } = this;
    if (waiter !== null) {
      if (!waiter.done()) return pending(waiter); // it was not woken: the program iterates by hand
      if (waiter.cancelled()) {
        this.end();
        return pending(waiter); // which throws
      }
      this.leave(waiter);
    }
    const bytes = this.attemptOrEnd();
    return bytes === NONE ? pending(this.wait()) : { done: true, value: bytes };
  }

  private attemptOrEnd(): Uint8Array | typeof NONE {
    let bytes: Uint8Array | typeof NONE;
    try {
      bytes = this.attempt(this.reader);
    } catch (error) {
      this.end();
      throw error;
    }
    if (bytes !== NONE) this.isOver = true;
    return bytes;
  }

  private wait(): Future<void> {
    try {
      this.waiter = this.reader.beginWait(this);
    } catch (error) {
      this.end();
      throw error;
    }
    return this.waiter;
  }

  private leave(waiter: Future<void>): void {
    this.waiter = null;
    this.reader.endWait(waiter);
  }

  /** @internal */
  override _endAtOnce(): Uint8Array | typeof NONE {
    if (this.hasBegun) return NONE;
    this[Symbol.iterator]();
    return this.attemptOrEnd();
  }

  /** Only after `_endAtOnce`, which has marked it as awaited. @internal */
  override _beginWait(): Future<void> | null {
    return this.hasBegun ? null : this.wait();
  }

  /** Whether a program has ended it, or iterates it by hand. */
  private get hasBegun(): boolean {
    return this.isOver || this.waiter !== null;
  }

  /** @internal */
  override _endWoken(): Uint8Array | typeof NONE {
    if (this.waiter !== null) this.leave(this.waiter);
    return this.attemptOrEnd();
  }

  protected end(): void {
    this.isOver = true;
    if (this.waiter !== null) this.leave(this.waiter);
  }
}

/** What the iterator of a future gives to the task. */
function pending(waiter: Future<void>): IteratorResult<unknown, never> {
  return waiter.next() as IteratorResult<unknown, never>;
}

/** Reads up to a number of bytes, those that come first. */
export class ReadSome extends Reading {
  static readonly exemplar: object = /* @__PURE__ */ new ReadSome(null as never, 0);

  declare private readonly count: number;

  constructor(reader: StreamReader, count: number) {
    super(reader);
    this.count = count;
  }

  override get then(): AwaitableCoroutine<Uint8Array>['then'] {
    return thenOf(this);
  }

  get operation(): string {
    return 'read';
  }

  protected attempt(reader: StreamReader): Uint8Array | typeof NONE {
    reader.check();
    // After a wait there may be none again, when another read has taken the bytes: an empty result would mean the end.
    if (this.count > 0 && reader.buffer.length === 0 && !reader.hasEnded) return NONE;
    return reader.take(this.count);
  }
}

/** Reads everything up to the end. Chunks are taken as they arrive, so that the result may be longer than the buffer may be. */
export class ReadAll extends Reading {
  static readonly exemplar: object = /* @__PURE__ */ new ReadAll(null as never);

  /** What it has taken so far, `null` before it has begun. */
  declare private chunks: Uint8Array[] | null;

  constructor(reader: StreamReader) {
    super(reader);
    this.chunks = null;
  }

  get operation(): string {
    return 'read';
  }

  protected attempt(reader: StreamReader): Uint8Array | typeof NONE {
    reader.check();
    this.chunks ??= [];
    reader.takeChunks(this.chunks);
    if (!reader.hasEnded) return NONE;
    const whole = concatenated(this.chunks);
    this.chunks = null; // so that `end` does not put back what was given
    return whole;
  }

  protected override end(): void {
    super.end();
    if (this.chunks !== null) this.reader.putBack(this.chunks);
    this.chunks = null;
  }
}

/** Reads exactly a number of bytes. */
export class ReadExactly extends Reading {
  static readonly exemplar: object = /* @__PURE__ */ new ReadExactly(null as never, 0);

  declare private readonly count: number;

  constructor(reader: StreamReader, count: number) {
    super(reader);
    this.count = count;
  }

  override get then(): AwaitableCoroutine<Uint8Array>['then'] {
    return thenOf(this);
  }

  get operation(): string {
    return 'readexactly';
  }

  protected attempt(reader: StreamReader): Uint8Array | typeof NONE {
    reader.check();
    if (reader.buffer.length >= this.count) return reader.take(this.count);
    if (reader.hasEnded) throw new IncompleteReadError(reader.buffer.takeAll(), this.count);
    return NONE;
  }
}

/** Reads up to a separator, including it. */
export class ReadUntil extends Reading {
  static readonly exemplar: object = /* @__PURE__ */ new ReadUntil(null as never, null as never);

  declare private readonly separators: Separators;
  /** Up to where the buffer was searched in vain. */
  declare private searched: number;

  constructor(reader: StreamReader, separators: Separators) {
    super(reader);
    this.separators = separators;
    this.searched = 0;
  }

  get operation(): string {
    return 'readuntil';
  }

  protected attempt(reader: StreamReader): Uint8Array | typeof NONE {
    reader.check();
    const match = this.separators.find(reader.buffer, this.searched);
    if (match !== null) return this.found(reader, match);
    this.searched = this.separators.searched(reader.buffer);
    if (this.searched > reader.limit)
      return this.tooLong('Separator is not found, and chunk exceed the limit', this.searched);
    return reader.hasEnded ? this.atEnd(reader.buffer.takeAll()) : NONE;
  }

  private found(reader: StreamReader, { start, end }: Match): Uint8Array {
    if (start > reader.limit) return this.tooLong('Separator is found, but chunk is longer than limit', start);
    return reader.take(end);
  }

  /** @param consumed how many bytes belong to what is too long */
  protected tooLong(message: string, consumed: number): never {
    throw new LimitOverrunError(message, consumed);
  }

  /** The stream has ended before a separator. */
  protected atEnd(rest: Uint8Array): Uint8Array {
    throw new IncompleteReadError(rest, null);
  }
}

/** Reads a line with its end; at the end of the stream the rest. */
export class ReadLine extends ReadUntil {
  static override readonly exemplar: object = /* @__PURE__ */ new ReadLine(null as never, null as never, null);

  /** Asked before a line is taken: when it is not wanted any more, the read gives nothing. `null` when it is wanted in any case. */
  declare private readonly isWanted: (() => boolean) | null;

  constructor(reader: StreamReader, lineEnd: Separators, isWanted: (() => boolean) | null) {
    super(reader, lineEnd);
    this.isWanted = isWanted;
  }

  override get then(): AwaitableCoroutine<Uint8Array>['then'] {
    return thenOf(this);
  }

  override get operation(): string {
    return 'readline';
  }

  protected override attempt(reader: StreamReader): Uint8Array | typeof NONE {
    return this.isWanted?.() === false ? NOTHING : super.attempt(reader);
  }

  protected override tooLong(message: string, consumed: number): never {
    this.reader.dropLine(message, consumed);
  }

  protected override atEnd(rest: Uint8Array): Uint8Array {
    return rest;
  }
}
