import type { Writable } from 'node:stream';
import type { EventLoop } from '../../kernel/lowlevel.ts';
import { bindMethods } from '../../streams/bound.ts';
import { BaseProtocol, type Bytes, type WriteBufferLimits, type WriteTransport } from '../../streams/index.ts';
import { WriteSide, type Writing } from '../transport/write-side.ts';
import { PipeTransport } from './pipe-transport.ts';

/**
 * The writing end of a pipe. It calls its protocol at once; the owner of the pipe takes care of the order.
 *
 * Follows CPython's `_UnixWritePipeTransport`.
 */
export class WritePipeTransport extends PipeTransport implements WriteTransport, Writing {
  /** @internal */
  readonly loop: EventLoop;
  readonly #stream: Writable;
  readonly #writing: WriteSide;
  #protocol: BaseProtocol;

  constructor(loop: EventLoop, stream: Writable, protocol: BaseProtocol) {
    super(stream);
    this.loop = loop;
    this.#stream = stream;
    this.#protocol = protocol;
    this.#writing = new WriteSide(stream, this);
    bindMethods(this, 'write', 'close', 'abort');
    stream.on('error', this.#onError).on('close', this.#onClose).on('finish', this.#onFinish);
  }

  readonly #onError = (error: Error): void => {
    if (this.state === 'open') this.state = 'closing';
    this.noteError(error);
  };

  /** All bytes and the end were written. */
  readonly #onFinish = (): void => {
    this.#stream.destroy();
  };

  readonly #onClose = (): void => {
    if (this.state === 'closed') return;
    this.state = 'closed';
    const protocol = this.#protocol;
    // A registry finds a writer by this transport, so the transport must not keep the writer alive.
    this.#protocol = new BaseProtocol();
    protocol.connectionLost(this.error);
  };

  override close(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.#stream.end();
  }

  abort(): void {
    if (this.state === 'closed') return;
    this.state = 'closing';
    this.#stream.destroy();
  }

  override setProtocol(protocol: BaseProtocol): void {
    this.#protocol = protocol;
  }

  override getProtocol(): BaseProtocol {
    return this.#protocol;
  }

  write(data: Bytes): void {
    this.#writing.write(data, this.state !== 'open');
    this.#noticeFailure();
  }

  writelines(data: Iterable<Bytes>): void {
    this.#writing.writelines(data, this.state !== 'open');
    this.#noticeFailure();
  }

  /** A stream reports a failed write by an event only later; a `drain` may be called before that. */
  #noticeFailure(): void {
    const { errored } = this.#stream;
    if (!errored || this.state !== 'open') return;
    this.#onError(errored);
    this.#stream.destroy();
    this.#onClose();
  }

  /** A pipe has no other direction, so its end closes it. */
  writeEof(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.#writing.end();
  }

  canWriteEof(): boolean {
    return true;
  }

  getWriteBufferSize(): number {
    return this.#writing.size;
  }

  getWriteBufferLimits(): readonly [low: number, high: number] {
    return this.#writing.limits;
  }

  setWriteBufferLimits(limits: WriteBufferLimits | number | null = null, low?: number): void {
    this.#writing.setLimits(limits, low);
  }

  /** @internal */
  protected override details(): string {
    return this.#writing.size > 0 ? ` ${this.#writing.size} bytes to send` : '';
  }
}
