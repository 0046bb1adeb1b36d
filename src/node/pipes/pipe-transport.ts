import { osError } from '../../errors/os-error.ts';
import { nameOfClass } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import { anyByName } from '../../internal/options.ts';
import type { BaseProtocol, BaseTransport, ExtraInfo } from '../../streams/index.ts';
import { lossOf } from '../net/failures.ts';

/**
 * The states of a pipe, in either direction.
 *
 * | state   | meaning                                         | left by                    |
 * |---------|-------------------------------------------------|----------------------------|
 * | open    | bytes go through it                             | `close`, an error, its end |
 * | closing | it is being closed                              | its end                    |
 * | closed  | it is closed; `connectionLost` was or will be called | –                          |
 */
export type PipeState = 'open' | 'closing' | 'closed';

/** The base of both ends of pipes. They call their protocol at once; the owner of the pipe takes care of the order. */
export abstract class PipeTransport implements BaseTransport {
  static {
    inspectAsText(PipeTransport.prototype);
  }

  /** The runtime's stream. */
  readonly #stream: object;
  /** For the transport. @internal */
  protected state: PipeState = 'open';
  /** The error of the stream, `null` when it has not failed. @internal */
  protected error: unknown = null;

  constructor(stream: object) {
    this.#stream = stream;
  }

  /** @internal */
  protected noteError(error: unknown): void {
    // A stream may have been destroyed by the signal of a task that was cancelled.
    this.error ??= lossOf(osError(error));
  }

  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: { readonly default: D }): ExtraInfo[K] | D;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: string, otherwise?: unknown): unknown;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return name === 'pipe' ? this.#stream : anyByName('default', otherwise);
  }

  isClosing(): boolean {
    return this.state !== 'open';
  }

  abstract close(): void;
  abstract setProtocol(protocol: BaseProtocol): void;
  abstract getProtocol(): BaseProtocol;

  /** The part of `toString()` after the state. @internal */
  protected abstract details(): string;

  toString(): string {
    return `<${nameOfClass(this)} ${this.state}${this.details()}>`;
  }
}
