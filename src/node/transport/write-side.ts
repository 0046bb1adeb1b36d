import { Buffer } from 'node:buffer';
import type { Writable } from 'node:stream';
import { leavesTheLoop, RuntimeError } from '../../errors/index.ts';
import { type EventLoop, logger } from '../../kernel/lowlevel.ts';
import { checkBytes } from '../../streams/bytes.ts';
import type { BaseTransport, Bytes, WriteBufferLimits } from '../../streams/index.ts';
import { WaterMarks } from '../../streams/water-marks.ts';

/** After this number of writes on a lost connection a warning is logged. */
const WARN_FROM = 5;

const NOTHING = new Uint8Array(0);

const DEFAULT_MARKS: Readonly<WaterMarks> = /* @__PURE__ */ new WaterMarks();

/** The transport that it is the writing half of. */
export interface Writing extends BaseTransport {
  /** @internal */
  readonly loop: EventLoop;
}

/**
 * The writing half of a transport: passes bytes to a runtime's stream, which sends what it can at once and keeps the rest, and
 * pauses the protocol while too many bytes are kept.
 */
export class WriteSide {
  /** Those of a transport that has set none are common to all. */
  #marks: Readonly<WaterMarks> = DEFAULT_MARKS;
  readonly #stream: Writable;
  readonly #owner: Writing;
  #paused = false;
  #ended = false;
  #inVain = 0;
  /** The callback of writes; made for the first that cannot be sent at once. */
  #onSent: ((error?: unknown) => void) | null = null;

  constructor(stream: Writable, owner: Writing) {
    this.#stream = stream;
    this.#owner = owner;
  }

  /** How many bytes are kept. */
  get size(): number {
    return this.#stream.writableLength;
  }

  /** @throws as `StreamWriter.write` */
  write(data: Bytes, isLost: boolean): void {
    checkBytes('write', data);
    if (this.#ended)
      throw new RuntimeError(`Cannot call write() after writeEof(): ${this.#owner}`, {
        code: 'WRITE_AFTER_EOF',
      });
    if (data.length === 0) return;
    if (isLost) {
      this.#inVain++;
      if (this.#inVain === WARN_FROM) logger.warn(`write() has no effect, the connection is closed: ${this.#owner}`);
      return;
    }
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    // A callback for each small write that was sent at once would cost more than sending it.
    if (this.#stream.writableLength + bytes.length > this.#marks.low) this.#stream.write(bytes, this.#callback());
    else this.#stream.write(bytes);
    if (!this.#paused && this.#stream.writableLength > this.#marks.high) this.#pause();
  }

  /** Writes several pieces as one. @throws as `write`; nothing is written then */
  writelines(data: Iterable<Bytes>, isLost: boolean): void {
    const pieces = [...data];
    for (const piece of pieces) checkBytes('writelines', piece);
    this.#stream.cork();
    try {
      for (const piece of pieces) this.write(piece, isLost);
    } finally {
      this.#stream.uncork();
    }
  }

  /** Ends writing, when the kept bytes have been sent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stream.end();
  }

  /** The marks: how many bytes are kept when the protocol is told to go on, and to pause. */
  get limits(): readonly [low: number, high: number] {
    return [this.#marks.low, this.#marks.high];
  }

  /** Sets the marks, and pauses the protocol or lets it go on if the new ones ask for it. @throws {ValueError} unless `high >= low >= 0` */
  setLimits(limits: WriteBufferLimits | number | null, low?: number): void {
    const marks = new WaterMarks();
    marks.set(limits, low);
    this.#marks = marks;
    if (this.#paused || this.size <= this.#marks.high) {
      this.#sent();
      return;
    }
    this.#pause();
    // With the old marks there may be no callback for the bytes that are being sent.
    if (this.#stream.writableEnded) this.#stream.once('finish', this.#callback());
    else if (!this.#stream.destroyed) this.#stream.write(NOTHING, this.#callback());
  }

  #pause(): void {
    this.#paused = true;
    this.#tell('pauseWriting');
  }

  #callback(): (error?: unknown) => void {
    this.#onSent ??= (error) => this.#sent(error);
    return this.#onSent;
  }

  /** @param error the error of the stream; waiting tasks get it when the connection ends */
  #sent(error?: unknown): void {
    if (!this.#paused || error || this.size > this.#marks.low) return;
    this.#paused = false;
    this.#tell('resumeWriting');
  }

  #tell(what: 'pauseWriting' | 'resumeWriting'): void {
    const transport = this.#owner;
    const protocol = transport.getProtocol();
    try {
      protocol[what]();
    } catch (exception) {
      if (leavesTheLoop(exception)) throw exception;
      transport.loop.callExceptionHandler({ message: `protocol.${what}() failed`, exception, transport, protocol });
    }
  }
}
