import type { Writable } from 'node:stream';
import { osError } from '../../errors/os-error.ts';
import { nameOfClass } from '../../internal/describe.ts';
import type { EventLoop } from '../../kernel/lowlevel.ts';
import {
  BaseProtocol,
  type Bytes,
  type ExtraInfo,
  type WriteBufferLimits,
  type WriteTransport,
} from '../../streams/index.ts';
import { WriteSide } from '../transport/write-side.ts';
import type { PipeState } from './read-pipe.ts';

/**
 * The writing end of a pipe. It calls its protocol at once: who owns the pipe brings that in order.
 *
 * Follows CPython's `_UnixWritePipeTransport`.
 */
export class WritePipeTransport implements WriteTransport {
  readonly #stream: Writable;
  readonly #writing: WriteSide;
  #protocol: BaseProtocol;
  #state: PipeState = 'open';
  #error: unknown = null;

  constructor(loop: EventLoop, stream: Writable, protocol: BaseProtocol) {
    this.#stream = stream;
    this.#protocol = protocol;
    this.#writing = new WriteSide(stream, { loop, transport: this, protocol: () => this.#protocol });
    stream.on('error', this.#onError).on('close', this.#onClose).on('finish', this.#onFinish);
  }

  readonly #onError = (error: Error): void => {
    if (this.#state === 'open') this.#state = 'closing';
    this.#error ??= osError(error);
  };

  /** Everything is written, and the end too. */
  readonly #onFinish = (): void => {
    this.#stream.destroy();
  };

  readonly #onClose = (): void => {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    const protocol = this.#protocol;
    // A writer is known to a registry by this transport, and must not be reached from it for ever.
    this.#protocol = new BaseProtocol();
    protocol.connectionLost(this.#error);
  };

  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: string, otherwise?: unknown): unknown;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return name === 'pipe' ? this.#stream : otherwise;
  }

  isClosing(): boolean {
    return this.#state !== 'open';
  }

  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#stream.end();
  }

  abort(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closing';
    this.#stream.destroy();
  }

  setProtocol(protocol: BaseProtocol): void {
    this.#protocol = protocol;
  }

  getProtocol(): BaseProtocol {
    return this.#protocol;
  }

  write(data: Bytes): void {
    this.#writing.write(data, this.#state !== 'open');
    this.#noticeFailure();
  }

  writelines(data: Iterable<Bytes>): void {
    this.#writing.writelines(data, this.#state !== 'open');
    this.#noticeFailure();
  }

  /** A stream that has failed in a write tells so by an event only later; a `drain` may come before that. */
  #noticeFailure(): void {
    const { errored } = this.#stream;
    if (!errored || this.#state !== 'open') return;
    this.#onError(errored);
    this.#stream.destroy();
    this.#onClose();
  }

  /** A pipe has no other direction to stay open for: its end closes it. */
  writeEof(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#writing.end();
  }

  canWriteEof(): boolean {
    return true;
  }

  getWriteBufferSize(): number {
    return this.#writing.size;
  }

  getWriteBufferLimits(): readonly [low: number, high: number] {
    return [this.#writing.marks.low, this.#writing.marks.high];
  }

  setWriteBufferLimits(limits: WriteBufferLimits = {}): void {
    this.#writing.marks.set(limits);
    this.#writing.adapt();
  }

  toString(): string {
    const kept = this.#writing.size > 0 ? ` ${this.#writing.size} bytes to send` : '';
    return `<${nameOfClass(this)} ${this.#state}${kept}>`;
  }

  /** What Node's `util.inspect` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
