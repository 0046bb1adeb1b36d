import { Socket } from 'node:net';
import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import type { Duration } from '../../internal/duration.ts';
import { checkOptions } from '../../internal/options.ts';
import { type AwaitableCoroutine, getRunningLoop, libraryCoroutine } from '../../kernel/lowlevel.ts';
import type { BaseProtocol, StartTlsOptions, Transport } from '../../streams/index.ts';
import { begin, checkFactory, type TransportAndProtocol } from './create-connection.ts';
import { SocketTransport } from './socket-transport.ts';
import { checkHandshakeTimeout, type SslContext, serverContextOf } from './ssl.ts';

/** Options of a connection that other code has accepted. */
export interface AcceptedOptions {
  /** Encrypts, as a server: keys, certificates and rules as Node's `tls.createServer` takes them. */
  readonly ssl?: SslContext | null | undefined;
  /** The longest time that the handshake may take, in seconds; 60 when absent. */
  readonly sslHandshakeTimeout?: Duration | undefined;
}

/**
 * Makes a transport of a socket that a server outside this library has accepted.
 *
 * **Cancellation**: the socket is destroyed.
 *
 * Follows CPython's `loop.connect_accepted_socket`.
 *
 * @param protocolFactory makes the protocol
 * @param sock a connected socket of the runtime that no other code reads from
 * @returns `[transport, protocol]`
 * @throws {SSLError} when the handshake fails
 * @throws {TypeError} at once, when it is not a socket
 */
export function connectAcceptedSocket<P extends BaseProtocol>(
  protocolFactory: () => P,
  sock: Socket,
  options: AcceptedOptions = {},
): AwaitableCoroutine<TransportAndProtocol<Transport, P>> {
  checkFactory('connectAcceptedSocket', protocolFactory);
  if (!(sock instanceof Socket))
    throw typeError(`connectAcceptedSocket: a net.Socket is required, got ${describe(sock)}`);
  checkOptions('connectAcceptedSocket', options, ['ssl', 'sslHandshakeTimeout']);
  const { sslHandshakeTimeout } = options;
  if (serverContextOf('connectAcceptedSocket', options.ssl) === null && sslHandshakeTimeout !== undefined)
    throw new ValueError('connectAcceptedSocket: sslHandshakeTimeout is only meaningful with ssl');
  checkHandshakeTimeout('connectAcceptedSocket', sslHandshakeTimeout);
  return take(protocolFactory, sock, options) as AwaitableCoroutine<TransportAndProtocol<Transport, P>>;
}

const take = /* @__PURE__ */ libraryCoroutine(function* connectAcceptedSocket(
  protocolFactory: () => BaseProtocol,
  socket: Socket,
  options: AcceptedOptions,
): Generator<unknown, TransportAndProtocol<Transport, BaseProtocol>, unknown> {
  return yield* begin(getRunningLoop(), socket, protocolFactory, { ...options, serverSide: true }, undefined);
});

/** Options of `startTls`. */
export interface UpgradeOptions extends StartTlsOptions {
  /** Whether this side is the server. */
  readonly serverSide?: boolean | undefined;
}

/**
 * Encrypts an existing connection, and returns the encrypted transport. Streams have `writer.startTls()` for this.
 *
 * **Cancellation**: aborts the connection, because it is neither plain nor encrypted at this point.
 *
 * Follows CPython's `loop.start_tls`.
 *
 * @param transport a transport from `createConnection` or a server
 * @param protocol the protocol of the new transport; `connectionMade` is not called again
 * @param context as `ssl` of `createConnection` or `createServer`
 * @throws {SSLError} when the handshake fails
 * @throws {ConnectionAbortedError} when it takes too long
 * @throws {TypeError} at once, when the transport cannot be encrypted
 */
export function startTls(
  transport: Transport,
  protocol: BaseProtocol,
  context: SslContext | true,
  given: UpgradeOptions = {},
): AwaitableCoroutine<Transport> {
  checkOptions('startTls', given, ['serverSide', 'serverHostname', 'sslHandshakeTimeout']);
  const { serverSide = false, ...options } = given;
  if (!(transport instanceof SocketTransport))
    throw typeError(`startTls: ${describe(transport)} cannot be encrypted; only TCP and Unix sockets can`);
  transport.setProtocol(protocol);
  return transport.startTls(context, { ...options, serverSide });
}
