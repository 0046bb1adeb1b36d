import type { Readable } from 'node:stream';
import { bindMethods } from '../../streams/bound.ts';
import type { BaseProtocol, Protocol, ReadTransport } from '../../streams/index.ts';
import { plainBytes } from '../transport/delivery.ts';
import { PipeTransport } from './pipe-transport.ts';

/**
 * The reading end of a pipe. It calls its protocol at once; the owner of the pipe takes care of the order.
 *
 * Follows CPython's `_UnixReadPipeTransport`.
 */
export class ReadPipeTransport extends PipeTransport implements ReadTransport {
  readonly #stream: Readable;
  #protocol: Protocol;
  #paused = false;

  constructor(stream: Readable, protocol: Protocol) {
    super(stream);
    this.#stream = stream;
    this.#protocol = protocol;
    bindMethods(this, 'close');
    stream.on('error', this.#onError).on('close', this.#onClose);
  }

  /** Begins to read; no bytes arrive before. */
  start(): void {
    if (this.state !== 'open') return;
    this.#stream.on('data', this.#onData).on('end', this.#onEnd).on('resume', this.#onResume);
    if (this.#paused) this.#stream.pause();
    else this.#stream.resume();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.state === 'open') this.#protocol.dataReceived(plainBytes(chunk));
  };

  readonly #onEnd = (): void => {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.#protocol.eofReceived();
    this.#stream.destroy();
  };

  /** When a process ends, runtimes resume its pipes so that they come to their end. A pipe that was paused must stay paused. */
  readonly #onResume = (): void => {
    if (this.#paused) this.#stream.pause();
  };

  readonly #onError = (error: Error): void => {
    this.noteError(error);
  };

  readonly #onClose = (): void => {
    this.state = 'closed';
    this.#protocol.connectionLost(this.error);
  };

  /** Bytes that were not read are lost. */
  override close(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.#stream.destroy();
  }

  override setProtocol(protocol: BaseProtocol): void {
    this.#protocol = protocol as Protocol;
  }

  override getProtocol(): BaseProtocol {
    return this.#protocol;
  }

  isReading(): boolean {
    return this.state === 'open' && !this.#paused;
  }

  pauseReading(): void {
    if (!this.isReading()) return;
    this.#paused = true;
    this.#stream.pause();
  }

  resumeReading(): void {
    if (this.state !== 'open' || !this.#paused) return;
    this.#paused = false;
    this.#stream.resume();
  }

  /** @internal */
  protected override details(): string {
    return this.#paused ? ' paused' : '';
  }
}
