/** What carries bytes between a program and its peer. Runtimes implement these; protocols are given them. */

import type { BaseProtocol } from './protocols.ts';

/** What is written: bytes, or a string, which is sent as UTF-8. */
export type Bytes = Uint8Array | string;

/** What a transport may tell of itself, by name. Which ones it knows depends on its kind; of the others it gives the default. */
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
  /** The cipher in use: its name, the protocol's version, its bits where they are known. */
  readonly cipher: readonly [name: string, version: string, bits: number | null];
  /** The protocol agreed on by ALPN, `null` when there was none. */
  readonly alpnProtocol: string | null;
  /** The runtime's own process. */
  readonly subprocess: object;
  /** The runtime's own pipe. */
  readonly pipe: object;
}

/** An address of a socket as a list, `[host, port]`, that also knows its parts by name; for Unix sockets the path. */
export type SocketName = SocketAddress | string;

/** An address of a TCP or UDP socket: a list of host and port, as in Python, and the same by name. */
export type SocketAddress = readonly [host: string, port: number] & {
  readonly host: string;
  readonly port: number;
  /** 4 or 6: the version of the internet protocol. */
  readonly family: 4 | 6;
};

/** What all transports have. */
export interface BaseTransport {
  /**
   * What the transport knows of itself.
   *
   * Follows CPython's `BaseTransport.get_extra_info`; Python's names (`ssl_object`) are understood too.
   *
   * @param name such as `peername` or `sockname`
   * @param otherwise what to give when it does not know, by position or, with Python's name, as `{ default }`
   */
  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: { readonly default: D }): ExtraInfo[K] | D;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: string, otherwise?: unknown): unknown;
  /** Whether it is closed or about to be. */
  isClosing(): boolean;
  /** Sends what is in its buffer, then closes. The protocol's `connectionLost(null)` tells when that is done. */
  close(): void;
  setProtocol(protocol: BaseProtocol): void;
  getProtocol(): BaseProtocol;
}

/** A transport that is read from: it calls the protocol with what comes. */
export interface ReadTransport extends BaseTransport {
  isReading(): boolean;
  /** No `dataReceived` until `resumeReading`. Does nothing when it is paused or closing. */
  pauseReading(): void;
  resumeReading(): void;
}

/** From how many bytes in its buffer on a transport pauses the protocol, and at how many it lets it go on. */
export interface WriteBufferLimits {
  /** 64 KiB when absent, or four times `low`. */
  readonly high?: number | undefined;
  /** A quarter of `high` when absent. */
  readonly low?: number | undefined;
}

/** A transport that is written to. */
export interface WriteTransport extends BaseTransport {
  /** Sends bytes, or keeps them until they can be sent. Never waits. */
  write(data: Bytes): void;
  writelines(data: Iterable<Bytes>): void;
  /** Says that nothing more is written; the peer sees the end, and can still send. */
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
  /** The transport of one of its pipes (0, 1, 2), `null` when that is no pipe. */
  getPipeTransport(fd: number): BaseTransport | null;
  sendSignal(signal: SignalLike): void;
  terminate(): void;
  kill(): void;
}

/** A signal by name (`'SIGTERM'`) or number. */
export type SignalLike = string | number;
