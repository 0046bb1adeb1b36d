import type { Readable } from 'node:stream';
import { osError } from '../../errors/os-error.ts';
import { nameOfClass } from '../../internal/describe.ts';
import type { BaseProtocol, ExtraInfo, Protocol, ReadTransport } from '../../streams/index.ts';
import { plainBytes } from '../transport/delivery.ts';

/**
 * Where a pipe stands, whichever way it leads.
 *
 * | state   | meaning                                         | left by        |
 * |---------|-------------------------------------------------|----------------|
 * | open    | bytes go through it                             | `close`, an error, its end |
 * | closing | it is about to be gone                          | its end        |
 * | closed  | it is gone, and the protocol knows or will      | –              |
 */
export type PipeState = 'open' | 'closing' | 'closed';

/**
 * The reading end of a pipe. It calls its protocol at once: who owns the pipe brings that in order.
 *
 * Follows CPython's `_UnixReadPipeTransport`.
 */
export class ReadPipeTransport implements ReadTransport {
  readonly #stream: Readable;
  #protocol: Protocol;
  #state: PipeState = 'open';
  #paused = false;
  #error: unknown = null;

  constructor(stream: Readable, protocol: Protocol) {
    this.#stream = stream;
    this.#protocol = protocol;
    stream.on('error', this.#onError).on('close', this.#onClose);
  }

  /** Begins to read: only then does anything come. */
  start(): void {
    if (this.#state !== 'open') return;
    this.#stream.on('data', this.#onData).on('end', this.#onEnd).on('resume', this.#onResume);
    if (this.#paused) this.#stream.pause();
    else this.#stream.resume();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#state === 'open') this.#protocol.dataReceived(plainBytes(chunk));
  };

  readonly #onEnd = (): void => {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#protocol.eofReceived();
    this.#stream.destroy();
  };

  /** When a process ends, runtimes make its pipes flow, so that they come to their end: who paused them has reasons. */
  readonly #onResume = (): void => {
    if (this.#paused) this.#stream.pause();
  };

  readonly #onError = (error: Error): void => {
    this.#error ??= osError(error);
  };

  readonly #onClose = (): void => {
    this.#state = 'closed';
    this.#protocol.connectionLost(this.#error);
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

  /** What has not been read is lost. */
  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#stream.destroy();
  }

  setProtocol(protocol: BaseProtocol): void {
    this.#protocol = protocol as Protocol;
  }

  getProtocol(): BaseProtocol {
    return this.#protocol;
  }

  isReading(): boolean {
    return this.#state === 'open' && !this.#paused;
  }

  pauseReading(): void {
    if (!this.isReading()) return;
    this.#paused = true;
    this.#stream.pause();
  }

  resumeReading(): void {
    if (this.#state !== 'open' || !this.#paused) return;
    this.#paused = false;
    this.#stream.resume();
  }

  toString(): string {
    return `<${nameOfClass(this)} ${this.#state}${this.#paused ? ' paused' : ''}>`;
  }

  /** What Node's `util.inspect` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
