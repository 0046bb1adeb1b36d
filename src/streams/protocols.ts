/** What a transport calls when something happens. A program derives its own, and overrides what it wants to know of. */

import type { BaseTransport } from './transports.ts';

/**
 * What all protocols have. The order of calls is `connectionMade`, then whatever comes, then `connectionLost`, each of the
 * two exactly once.
 *
 * Follows CPython's `asyncio.BaseProtocol`.
 */
export class BaseProtocol {
  /** The connection is there. */
  connectionMade(_transport: BaseTransport): void {}

  /**
   * The connection is gone, and nothing more is called.
   *
   * @param _error why, `null` when it was closed or aborted by this side, or ended in order
   */
  connectionLost(_error: unknown): void {}

  /** More than the high mark waits in the transport's buffer: stop writing. */
  pauseWriting(): void {}

  /** The buffer is down to the low mark: go on writing. */
  resumeWriting(): void {}
}

/**
 * Of a stream of bytes: TCP, Unix sockets, TLS, pipes. The order of calls is `connectionMade`, `dataReceived` any number of
 * times, `eofReceived` at most once, `connectionLost`.
 *
 * Follows CPython's `asyncio.Protocol`.
 *
 * @example
 * class Echo extends Protocol {
 *   #transport: Transport | null = null;
 *   override connectionMade(transport: Transport) { this.#transport = transport; }
 *   override dataReceived(data: Uint8Array) { this.#transport?.write(data); }
 * }
 */
export class Protocol extends BaseProtocol {
  /** Some bytes have come: what the peer wrote, in chunks of any size. */
  dataReceived(_data: Uint8Array): void {}

  /**
   * The peer writes no more.
   *
   * @returns whether to keep the connection open for writing; otherwise the transport closes itself
   */
  eofReceived(): boolean | null | void {}
}

/**
 * Of a stream of bytes that go into buffers of the program's own.
 *
 * Follows CPython's `asyncio.BufferedProtocol`.
 */
export class BufferedProtocol extends BaseProtocol {
  /**
   * A buffer to put bytes into, at least one byte long. To be overridden: this one gives none, and a connection that gets none is
   * aborted with a `RuntimeError`.
   *
   * @param _sizeHint how many bytes there are, `-1` when that is not known
   */
  getBuffer(_sizeHint: number): Uint8Array | undefined {
    return undefined;
  }

  /** So many bytes were put into the buffer. */
  bufferUpdated(_byteCount: number): void {}

  /** As `Protocol.eofReceived`. */
  eofReceived(): boolean | null | void {}
}

/**
 * Of datagrams.
 *
 * Follows CPython's `asyncio.DatagramProtocol`.
 */
export class DatagramProtocol extends BaseProtocol {
  /** A datagram has come. */
  datagramReceived(_data: Uint8Array, _address: readonly [host: string, port: number]): void {}

  /** An earlier datagram could not be sent or received. The socket stays open. */
  errorReceived(_error: unknown): void {}
}

/**
 * Of a process and its pipes.
 *
 * Follows CPython's `asyncio.SubprocessProtocol`.
 */
export class SubprocessProtocol extends BaseProtocol {
  /** The process wrote to its standard output (1) or error (2). */
  pipeDataReceived(_fd: number, _data: Uint8Array): void {}

  /** A pipe is closed. */
  pipeConnectionLost(_fd: number, _error: unknown): void {}

  /** The process has ended; `getReturncode()` tells how. */
  processExited(): void {}
}
