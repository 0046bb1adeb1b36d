/**
 * asyncio's I/O half on Node's own modules.
 *
 * @module asyncio-ts/node
 */

// Errors
export {
  BrokenPipeError,
  ConnectionAbortedError,
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  FileExistsError,
  FileNotFoundError,
  OSError,
  type OSErrorDetails,
  PermissionError,
  ProcessLookupError,
} from '../errors/os-error.ts';
export { IncompleteReadError, LimitOverrunError } from '../errors/stream-errors.ts';
export * from '../streams/index.ts';
// Streams, transports and protocols
export { type AcceptedOptions, connectAcceptedSocket, startTls, type UpgradeOptions } from './accepted.ts';
// Threads and executors
export { ConcurrentFuture, type WorkState } from './concurrent-future.ts';
export {
  type ConnectionOptions,
  createConnection,
  createUnixConnection,
  type TlsClientOptions,
  type TransportAndProtocol,
} from './create-connection.ts';
export {
  type BaseServerOptions,
  createServer,
  createUnixServer,
  type ServerHost,
  type ServerOptions,
  type UnixServerOptions,
} from './create-server.ts';
// Files and datagrams
export * from './datagram/index.ts';
export {
  type AddressFamily,
  type AddressInfoEntry,
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  type GetAddrInfoOptions,
  type GetNameInfoOptions,
  getaddrinfo,
  getnameinfo,
} from './dns.ts';
export * from './executors/index.ts';
export { GetAddrInfoError, SSLCertVerificationError, SSLError } from './failures.ts';
export * from './files/index.ts';
export type { ListeningSocket } from './listening.ts';
// Subprocesses
export * from './pipes/index.ts';
export { type SendfileOptions, sendfile } from './sendfile.ts';
export { Server, type ShutdownReport } from './server.ts';
export type { SslContext } from './ssl.ts';
export {
  type LimitOption,
  openConnection,
  openUnixConnection,
  type StreamPair,
  startServer,
  startUnixServer,
} from './streams.ts';
export * from './subprocess/index.ts';
export * from './threads/index.ts';
