/** Streams of bytes, and their parts. The parts that depend on a runtime (`asyncio-ts/node`) connect them to sockets and pipes. */

export type { CloseTimeoutOption } from './closing.ts';
export type { LinesOptions } from './lines.ts';
export {
  BaseProtocol,
  BufferedProtocol,
  DatagramProtocol,
  Protocol,
  SubprocessProtocol,
} from './protocols.ts';
export { type ListeningSocket, Server, type ShutdownReport } from './server.ts';
export type { StreamPair } from './stream-pair.ts';
export { type ReadOptions, type ReadUntilOptions, StreamReader, type StreamReaderOptions } from './stream-reader.ts';
export {
  type ConnectionHandler,
  StreamReaderProtocol,
  type StreamReaderProtocolOptions,
} from './stream-reader-protocol.ts';
export { type StartTlsOptions, StreamWriter, type WriterProtocol } from './stream-writer.ts';
export type { DecodingErrors, DecodingOptions } from './text.ts';
export type {
  BaseTransport,
  Bytes,
  DatagramTransport,
  ExtraInfo,
  ReadTransport,
  SignalLike,
  SocketAddress,
  SocketName,
  SubprocessTransport,
  Transport,
  WriteBufferLimits,
  WriteTransport,
} from './transports.ts';
