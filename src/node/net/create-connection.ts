import { Socket } from 'node:net';
import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { byName } from '../../internal/keywords.ts';
import { checkWholeNumber } from '../../internal/whole-number.ts';
import { type AwaitableCoroutine, type EventLoop, getRunningLoop, libraryCoroutine } from '../../kernel/lowlevel.ts';
import { checkAddress, checkHost, checkPort } from '../../streams/addresses.ts';
import type { BaseProtocol, Transport } from '../../streams/index.ts';
import { connectTo, connectToPath, type Endpoint, ignoreErrors } from './connect-socket.ts';
import { type AddressFamily, checkFamily, resolve } from './dns.ts';
import { handshake } from './handshake.ts';
import { attempt, firstToConnect, interleaved } from './happy-eyeballs.ts';
import { type KeepAliveOption, keepAliveOf, keepSocketAlive } from './keep-alive.ts';
import { SocketTransport } from './socket-transport.ts';
import { checkHandshakeTimeout, type SslContext, sslContextOf } from './ssl.ts';

/** How a connection is encrypted. */
export interface TlsClientOptions {
  /** Encrypts: `true`, or keys, certificates and rules as Node's `tls.connect` takes them. */
  readonly ssl?: boolean | SslContext | null | undefined;
  /** The name that the server's certificate must have; the host when absent. */
  readonly serverHostname?: string | undefined;
  /** The longest time that the handshake may take, in seconds; 60 when absent. */
  readonly sslHandshakeTimeout?: Duration | undefined;
}

/** Options of a connection over TCP. */
export interface ConnectionOptions extends TlsClientOptions, KeepAliveOption {
  /** Only addresses of this version: 4 or 6; 0 or absent for both. */
  readonly family?: AddressFamily | undefined;
  /** This side's address and port. */
  readonly localAddr?: readonly [host: string, port: number] | undefined;
  /** A connected socket of the runtime, instead of a host and a port. */
  readonly sock?: Socket | undefined;
  /**
   * Seconds until the next address of the host is tried while earlier attempts still run (RFC 8305 recommends 0.25). When absent, one is
   * tried after the other.
   */
  readonly happyEyeballsDelay?: Duration | null | undefined;
  /**
   * Alternates IPv4 and IPv6 addresses, after this number of addresses of the first version; 1 with `happyEyeballsDelay`, otherwise the
   * resolved order is kept.
   */
  readonly interleave?: number | undefined;
  /** Fails with an `ExceptionGroup` of the errors of all addresses. */
  readonly allErrors?: boolean | undefined;
}

/** Where to connect to, by name. */
export interface HostAndPort {
  /** A name or an address; absent with `sock`. */
  readonly host?: string | null | undefined;
  /** 0 to 65535; absent with `sock`. */
  readonly port?: number | null | undefined;
}

/** Where a Unix socket is, by name. */
export interface PathOption {
  /** The socket's file. */
  readonly path: string;
}

/** The result of making a connection: transport and protocol by name, and by position as `[transport, protocol]`. */
export type TransportAndProtocol<T, P> = readonly [transport: T, protocol: P] & {
  readonly transport: T;
  readonly protocol: P;
};

export function transportAndProtocol<T, P>(transport: T, protocol: P): TransportAndProtocol<T, P> {
  return Object.assign([transport, protocol] as const, { transport, protocol });
}

/**
 * Makes a connection over TCP, or TLS, for a protocol. Host and port may also be given by name, among the options.
 *
 * **Cancellation**: ends the attempt; no socket is left open.
 *
 * Follows CPython's `loop.create_connection`.
 *
 * @param protocolFactory makes the protocol when the connection was made
 * @param host a name or an address; `null` with `sock`
 * @param port 0 to 65535; `null` with `sock`
 * @returns `[transport, protocol]`
 * @throws {GetAddrInfoError} when the name does not resolve
 * @throws {OSError} when no address can be connected to; its class and code say why
 * @throws {SSLError} when the handshake fails
 * @throws {ConnectionAbortedError} when the handshake takes too long
 * @throws {ValueError} at once, when options contradict each other
 * @example
 * class Client extends Protocol {
 *   override connectionMade(transport: Transport) { transport.write('hello\n'); }
 *   override dataReceived(data: Uint8Array) { console.log(new TextDecoder().decode(data)); }
 * }
 * const [transport] = await createConnection(() => new Client(), '127.0.0.1', port);
 * transport.close();
 */
export function createConnection<P extends BaseProtocol>(
  protocolFactory: () => P,
  host?: string | null,
  port?: number | null,
  options?: ConnectionOptions,
): AwaitableCoroutine<TransportAndProtocol<Transport, P>>;
export function createConnection<P extends BaseProtocol>(
  protocolFactory: () => P,
  options: ConnectionOptions & HostAndPort,
): AwaitableCoroutine<TransportAndProtocol<Transport, P>>;
export function createConnection<P extends BaseProtocol>(
  protocolFactory: () => P,
  host: string,
  options: ConnectionOptions & HostAndPort,
): AwaitableCoroutine<TransportAndProtocol<Transport, P>>;
export function createConnection<P extends BaseProtocol>(
  protocolFactory: () => P,
  ...given: readonly unknown[]
): AwaitableCoroutine<TransportAndProtocol<Transport, P>> {
  checkFactory('createConnection', protocolFactory);
  const { host = null, port = null, ...options } = connectionByName('createConnection', given);
  checkConnectionOptions('createConnection', host, port, options);
  return create(protocolFactory, host, port, options) as AwaitableCoroutine<TransportAndProtocol<Transport, P>>;
}

/** The names of the options of TLS for who connects. */
export const TLS_CLIENT_OPTIONS: readonly string[] = ['ssl', 'serverHostname', 'sslHandshakeTimeout'];

const CONNECTION_OPTIONS: readonly string[] = [
  ...TLS_CLIENT_OPTIONS,
  'family',
  'localAddr',
  'sock',
  'keepAlive',
  'happyEyeballsDelay',
  'interleave',
  'allErrors',
];

/** The arguments of a call that connects, in any form. */
export function connectionByName<O extends ConnectionOptions>(
  name: string,
  given: readonly unknown[],
  others: readonly string[] = [],
): O & HostAndPort {
  return byName<O & HostAndPort>(name, ['host', 'port'], [...CONNECTION_OPTIONS, ...others], given);
}

export function checkFactory(name: string, factory: unknown): void {
  if (typeof factory !== 'function')
    throw typeError(`${name}: a function that makes a protocol is required, got ${describe(factory)}`, 'NOT_CALLABLE');
}

/** @throws {ValueError} when options contradict each other */
export function checkConnectionOptions(
  name: string,
  host: string | null,
  port: number | null,
  options: ConnectionOptions,
): void {
  const { sock, family = 0, localAddr, happyEyeballsDelay, interleave } = options;
  if (sock !== undefined) {
    if (host !== null || port !== null)
      throw new ValueError(`${name}: host/port and sock can not be specified at the same time`);
    if (!(sock instanceof Socket)) throw typeError(`${name}: sock: a net.Socket is required, got ${describe(sock)}`);
  } else {
    checkHost(name, host);
    checkPort(name, port);
  }
  checkFamily(name, family);
  if (localAddr !== undefined) checkAddress(`${name}: localAddr`, localAddr);
  if (happyEyeballsDelay !== undefined && happyEyeballsDelay !== null)
    inSeconds(happyEyeballsDelay, 'happyEyeballsDelay');
  if (interleave !== undefined) checkWholeNumber(`${name}: interleave`, interleave, { least: 0 });
  keepAliveOf(name, options);
  checkTls(name, options, host);
}

/** @throws {ValueError} when options for TLS are given without it, or the expected server name is not known */
export function checkTls(name: string, options: TlsClientOptions, host: string | null): void {
  const { ssl, serverHostname, sslHandshakeTimeout } = options;
  checkHandshakeTimeout(name, sslHandshakeTimeout);
  if (sslContextOf(name, ssl) !== null) {
    if (host === null && serverHostname === undefined && !namesTheServer(ssl))
      throw new ValueError(`${name}: You must set serverHostname when using ssl without a host`);
    return;
  }
  if (serverHostname !== undefined) throw new ValueError(`${name}: serverHostname is only meaningful with ssl`);
  if (sslHandshakeTimeout !== undefined)
    throw new ValueError(`${name}: sslHandshakeTimeout is only meaningful with ssl`);
}

function namesTheServer(ssl: unknown): boolean {
  return typeof ssl === 'object' && ssl !== null && 'servername' in ssl;
}

const create = /* @__PURE__ */ libraryCoroutine(function* createConnection(
  protocolFactory: () => BaseProtocol,
  host: string | null,
  port: number | null,
  options: ConnectionOptions,
): Generator<unknown, TransportAndProtocol<Transport, BaseProtocol>, unknown> {
  const loop = getRunningLoop();
  const socket = options.sock ?? (yield* reach(loop, host ?? '', port ?? 0, options));
  return yield* begin(loop, socket, protocolFactory, options, host ?? undefined);
});

/** A socket connected to one of a host's addresses. */
export function* reach(
  loop: EventLoop,
  host: string,
  port: number,
  options: ConnectionOptions,
): Generator<unknown, Socket, unknown> {
  const socket = yield* reachAny(loop, host, port, options);
  keepSocketAlive(socket, keepAliveOf('keepAlive', options));
  return socket;
}

function* reachAny(
  loop: EventLoop,
  host: string,
  port: number,
  { family = 0, localAddr, happyEyeballsDelay = null, interleave, allErrors = false }: ConnectionOptions,
): Generator<unknown, Socket, unknown> {
  const found = yield* resolve(host, port, family);
  const delay = happyEyeballsDelay === null ? null : inSeconds(happyEyeballsDelay);
  const turns = interleave ?? (delay === null ? 0 : 1);
  const ordered = turns > 0 ? interleaved(found, turns) : found;
  const local = localAddr === undefined ? [] : yield* resolve(localAddr[0], localAddr[1], family);
  const endpoints = ordered.map(({ address, family }): Endpoint => {
    const own = local.find((candidate) => candidate.family === family) ?? local[0];
    return { host: address, port, family, localAddress: own?.address, localPort: own?.port };
  });
  const [only, ...others] = endpoints;
  if (only !== undefined && others.length === 0 && !allErrors) return yield* connectTo(loop, only);
  return yield* firstToConnect(loop, endpoints, { attempt, delay, allErrors });
}

/** Goes from a connected socket to a transport with its protocol. */
export function* begin<P extends BaseProtocol>(
  loop: EventLoop,
  socket: Socket,
  protocolFactory: () => P,
  {
    ssl,
    serverHostname,
    sslHandshakeTimeout,
    serverSide = false,
  }: TlsClientOptions & { readonly serverSide?: boolean },
  host: string | undefined,
  path?: string,
): Generator<unknown, TransportAndProtocol<Transport, P>, unknown> {
  const context = sslContextOf('ssl', ssl);
  const name = serverHostname ?? host;
  const carrier =
    context === null
      ? socket
      : yield* handshake(loop, socket, context, { serverSide, serverHostname: name, sslHandshakeTimeout });
  carrier.on('error', ignoreErrors);
  try {
    const protocol = protocolFactory();
    const names = path === undefined ? undefined : { peername: path, sockname: '' };
    const transport = new SocketTransport(loop, carrier, protocol, { host, names, isClient: !serverSide });
    // `connectionMade` must be called before the caller continues.
    if (!transport.isDirect) yield;
    return transportAndProtocol<Transport, P>(transport, protocol);
  } catch (error) {
    carrier.destroy();
    throw error;
  }
}

/**
 * Makes a connection over a Unix socket for a protocol.
 *
 * **Cancellation**: ends the attempt; no socket is left open.
 *
 * Follows CPython's `loop.create_unix_connection`.
 *
 * @param protocolFactory makes the protocol when the connection was made
 * @param path the socket's file
 * @returns `[transport, protocol]`
 * @throws {FileNotFoundError} when there is no such file
 * @throws {ConnectionRefusedError} when no server listens there
 * @throws {SSLError} when the handshake fails
 * @throws {ValueError} at once, when options contradict each other
 */
export function createUnixConnection<P extends BaseProtocol>(
  protocolFactory: () => P,
  path: string,
  options?: TlsClientOptions,
): AwaitableCoroutine<TransportAndProtocol<Transport, P>>;
export function createUnixConnection<P extends BaseProtocol>(
  protocolFactory: () => P,
  options: TlsClientOptions & PathOption,
): AwaitableCoroutine<TransportAndProtocol<Transport, P>>;
export function createUnixConnection<P extends BaseProtocol>(
  protocolFactory: () => P,
  ...given: readonly unknown[]
): AwaitableCoroutine<TransportAndProtocol<Transport, P>> {
  checkFactory('createUnixConnection', protocolFactory);
  const { path, ...options } = byName<TlsClientOptions & PathOption>(
    'createUnixConnection',
    ['path'],
    TLS_CLIENT_OPTIONS,
    given,
  );
  checkPath('createUnixConnection', path);
  checkTls('createUnixConnection', options, null);
  return createUnix(protocolFactory, path, options) as AwaitableCoroutine<TransportAndProtocol<Transport, P>>;
}

const createUnix = /* @__PURE__ */ libraryCoroutine(function* createUnixConnection(
  protocolFactory: () => BaseProtocol,
  path: string,
  options: TlsClientOptions,
): Generator<unknown, TransportAndProtocol<Transport, BaseProtocol>, unknown> {
  const loop = getRunningLoop();
  return yield* begin(loop, yield* connectToPath(loop, path), protocolFactory, options, undefined, path);
});

/** @throws {TypeError} when it is not a path */
export function checkPath(name: string, path: unknown): asserts path is string {
  if (typeof path !== 'string' || path === '')
    throw typeError(`${name}: the path of a Unix socket is required, got ${describe(path)}`);
}
