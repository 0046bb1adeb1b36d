export { type AcceptedOptions, connectAcceptedSocket, startTls, type UpgradeOptions } from './accepted.ts';
export {
  type ConnectionOptions,
  createConnection,
  createUnixConnection,
  type HostAndPort,
  type PathOption,
  type TlsClientOptions,
  type TransportAndProtocol,
} from './create-connection.ts';
export {
  type BaseServerOptions,
  createServer,
  createUnixServer,
  type ServerHost,
  type ServerOptions,
  type ServerPlace,
  type UnixServerOptions,
} from './create-server.ts';
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
export { GetAddrInfoError, SSLCertVerificationError, SSLError } from './failures.ts';
export type { KeepAliveOption } from './keep-alive.ts';
export { type SendfileOptions, sendfile } from './sendfile.ts';
export type { SslContext } from './ssl.ts';
export {
  type LimitOption,
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
} from './streams.ts';
