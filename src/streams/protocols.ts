/** The classes whose methods a transport calls when something happens. A program derives its own class and overrides methods. */

import type { BaseTransport } from './transports.ts';

/**
 * The base of all protocols. `connectionMade` is called first and `connectionLost` last, each of the
 * two exactly once.
 *
 * Follows CPython's `asyncio.BaseProtocol`.
 */
export class BaseProtocol {
  /** The connection was made. */
  connectionMade(_transport: BaseTransport): void {}

  /**
   * The connection has ended; no method is called after this.
   *
   * @param _error the reason; `null` when it was closed or aborted by this side, or ended without an error
   */
  connectionLost(_error: unknown): void {}

  /** The transport's buffer holds more than the high mark: stop writing. */
  pauseWriting(): void {}

  /** The buffer is down to the low mark: continue writing. */
  resumeWriting(): void {}
}

/**
 * A protocol for a stream of bytes: TCP, Unix sockets, TLS, pipes. The order of calls is `connectionMade`, `dataReceived` any number of
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
  /** Bytes have arrived. The chunks may differ from those that the peer wrote. */
  dataReceived(_data: Uint8Array): void {}

  /**
   * The peer does not write any more.
   *
   * @returns whether to keep the connection open for writing; otherwise the transport closes itself
   */
  eofReceived(): boolean | null | void {}
}

/**
 * A protocol for a stream of bytes that go into buffers of the program.
 *
 * Follows CPython's `asyncio.BufferedProtocol`.
 */
export class BufferedProtocol extends BaseProtocol {
  /**
   * Returns a buffer for incoming bytes, at least one byte long. Must be overridden: this one returns none, and then the connection is
   * aborted with a `RuntimeError`.
   *
   * @param _sizeHint how many bytes there are, `-1` when that is not known
   */
  getBuffer(_sizeHint: number): Uint8Array | undefined {
    return undefined;
  }

  /** A number of bytes were put into the buffer. */
  bufferUpdated(_byteCount: number): void {}

  /** As `Protocol.eofReceived`. */
  eofReceived(): boolean | null | void {}
}

/**
 * A protocol for datagrams.
 *
 * Follows CPython's `asyncio.DatagramProtocol`.
 */
export class DatagramProtocol extends BaseProtocol {
  /** A datagram has arrived. */
  datagramReceived(_data: Uint8Array, _address: readonly [host: string, port: number]): void {}

  /** An earlier datagram could not be sent or received. The socket stays open. */
  errorReceived(_error: unknown): void {}
}

/**
 * A protocol for a process and its pipes.
 *
 * Follows CPython's `asyncio.SubprocessProtocol`.
 */
export class SubprocessProtocol extends BaseProtocol {
  /** The process wrote to its standard output (1) or error (2). */
  pipeDataReceived(_fd: number, _data: Uint8Array): void {}

  /** A pipe is closed. */
  pipeConnectionLost(_fd: number, _error: unknown): void {}

  /** The process has ended; `getReturncode()` is its return code. */
  processExited(): void {}
}
