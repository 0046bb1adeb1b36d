/** Transports carry bytes between a program and its peer. Each runtime implements them; a protocol gets one in `connectionMade`. */

import type { BaseProtocol } from './protocols.ts';

/** Data to write: bytes, or a string, which is sent as UTF-8. */
export type Bytes = Uint8Array | string;

/** Information about a transport, by name. Which names it knows depends on its kind; for the others it returns the default. */
export interface ExtraInfo {
  /** The peer's address: `[host, port]` for TCP and UDP, a path for Unix sockets. */
  readonly peername: SocketName;
  /** This side's address. */
  readonly sockname: SocketName;
  /** The runtime's own socket. */
  readonly socket: object;
  /** The runtime's own TLS socket. */
  readonly sslObject: object;
  /** The peer's certificate, as the runtime describes it. */
  readonly peercert: object;
  /** The cipher in use: its name, the protocol's version, and its number of bits if known. */
  readonly cipher: readonly [name: string, version: string, bits: number | null];
  /** The protocol agreed on by ALPN, `null` when there was none. */
  readonly alpnProtocol: string | null;
  /** The runtime's own process. */
  readonly subprocess: object;
  /** The runtime's own pipe. */
  readonly pipe: object;
}

/** The address of a socket as a list, `[host, port]`, whose parts are also available by name; for Unix sockets the path. */
export type SocketName = SocketAddress | string;

/** The address of a TCP or UDP socket: a list of host and port, as in Python, and the same by name. */
export type SocketAddress = readonly [host: string, port: number] & {
  readonly host: string;
  readonly port: number;
  /** 4 or 6: the version of the internet protocol. */
  readonly family: 4 | 6;
};

/** The base of all transports. */
export interface BaseTransport {
  /**
   * Information about the transport.
   *
   * Follows CPython's `BaseTransport.get_extra_info`; Python's names (`ssl_object`) work too.
   *
   * @param name such as `peername` or `sockname`
   * @param otherwise what to give when it does not know, by position or, with Python's name, as `{ default }`
   */
  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: { readonly default: D }): ExtraInfo[K] | D;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: string, otherwise?: unknown): unknown;
  /** Whether it is closed or is being closed. */
  isClosing(): boolean;
  /** Sends what is in its buffer, then closes. When that is done, the protocol's `connectionLost(null)` is called. */
  close(): void;
  setProtocol(protocol: BaseProtocol): void;
  getProtocol(): BaseProtocol;
}

/** A transport for reading: it calls the protocol with the bytes that arrive. */
export interface ReadTransport extends BaseTransport {
  isReading(): boolean;
  /** No `dataReceived` until `resumeReading`. Does nothing when it is paused or closing. */
  pauseReading(): void;
  resumeReading(): void;
}

/** The buffer sizes in bytes above which a transport pauses the protocol, and at which it resumes it. */
export interface WriteBufferLimits {
  /** 64 KiB when absent, or four times `low`. */
  readonly high?: number | undefined;
  /** A quarter of `high` when absent. */
  readonly low?: number | undefined;
}

/** A transport for writing. */
export interface WriteTransport extends BaseTransport {
  /** Sends bytes, or keeps them until they can be sent. Never waits. */
  write(data: Bytes): void;
  writelines(data: Iterable<Bytes>): void;
  /** Ends this side's direction of the connection; the peer sees the end, and can still send. */
  writeEof(): void;
  canWriteEof(): boolean;
  /** Closes at once; what is in the buffer is lost. */
  abort(): void;
  /** How many bytes are in the buffer. */
  getWriteBufferSize(): number;
  /** The marks at which the protocol is paused and resumed. */
  getWriteBufferLimits(): readonly [low: number, high: number];
  /**
   * Sets the marks.
   *
   * @param limits both by name, or the high one
   * @param low the low one, when the high one is not given by name
   * @throws {ValueError} unless `high >= low >= 0`
   */
  setWriteBufferLimits(limits?: WriteBufferLimits | number | null, low?: number): void;
}

/** A connection. */
export interface Transport extends ReadTransport, WriteTransport {}

/** A socket for datagrams. */
export interface DatagramTransport extends BaseTransport {
  /**
   * Sends a datagram.
   *
   * @param addr whom to, by position or as `{ addr }`; absent when the socket is connected
   */
  sendto(
    data: Bytes,
    addr?:
      | readonly [host: string, port: number]
      | null
      | { readonly addr: readonly [host: string, port: number] | null },
  ): void;
  abort(): void;
  getWriteBufferSize(): number;
  getWriteBufferLimits(): readonly [low: number, high: number];
  setWriteBufferLimits(limits?: WriteBufferLimits | number | null, low?: number): void;
}

/** A process that runs. */
export interface SubprocessTransport extends BaseTransport {
  /** The process's number. */
  getPid(): number;
  /** How it ended: its exit code, `-N` when signal N ended it, `null` while it runs. */
  getReturncode(): number | null;
  /** The transport of one of its pipes (0, 1, 2), `null` when that is not a pipe. */
  getPipeTransport(fd: number): BaseTransport | null;
  sendSignal(signal: SignalLike): void;
  terminate(): void;
  kill(): void;
}

/** A signal by name (`'SIGTERM'`) or number. */
export type SignalLike = string | number;
