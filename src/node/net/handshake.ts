import { isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ConnectionAbortedError, ConnectionResetError } from '../../errors/os-error.ts';
import { inSeconds } from '../../internal/duration.ts';
import type { EventLoop } from '../../kernel/lowlevel.ts';
import type { StartTlsOptions } from '../../streams/index.ts';
import { tls } from '../late.ts';
import { type Settle, settled } from '../waiting.ts';
import { ignoreErrors } from './connect-socket.ts';
import { failureOf } from './failures.ts';
import { HANDSHAKE_TIMEOUT, type SslContext } from './ssl.ts';

/** Options of a handshake. */
export interface HandshakeOptions extends StartTlsOptions {
  readonly serverSide: boolean;
}

/**
 * Encrypts a connected socket. When that fails, or is cancelled, the socket is destroyed.
 *
 * @throws {SSLCertVerificationError} when the peer's certificate cannot be trusted
 * @throws {SSLError} when the handshake fails in another way
 * @throws {ConnectionAbortedError} when it takes too long
 */
export function* handshake(
  loop: EventLoop,
  socket: Socket,
  context: SslContext,
  { serverSide, serverHostname, sslHandshakeTimeout = HANDSHAKE_TIMEOUT }: HandshakeOptions,
): Generator<unknown, TLSSocket, unknown> {
  const timeout = inSeconds(sslHandshakeTimeout, 'sslHandshakeTimeout');
  let made: TLSSocket | null = null;
  const giveUp = () => {
    made?.destroy(); // it was cancelled right after the socket was made
    socket.destroy();
  };
  const begin = ({ resolve, reject }: Settle<TLSSocket>) => {
    if (socket.destroyed) throw closedEarly();
    const settle: Settle<TLSSocket> = {
      resolve: (encrypted) => {
        made = encrypted;
        resolve(encrypted);
      },
      reject,
    };
    const onEarlyEnd = () => reject(closedEarly());
    const end = serverSide ? accept(socket, context, settle) : greet(socket, context, serverHostname, settle);
    const timer = loop.callLater(timeout, () => reject(tooSlow(timeout)));
    socket.on('close', onEarlyEnd);
    return () => {
      timer.cancel();
      socket.off('close', onEarlyEnd);
      end();
    };
  };
  try {
    return yield* settled(loop, { operation: 'TLS handshake', object: null }, begin, giveUp);
  } catch (error) {
    giveUp();
    throw failureOf(error, 'TLS handshake'); // thrown at once when a key or certificate cannot be read
  }
}

function closedEarly(): ConnectionResetError {
  return new ConnectionResetError('the connection was closed during the TLS handshake', { code: 'ECONNRESET' });
}

function tooSlow(seconds: number): ConnectionAbortedError {
  return new ConnectionAbortedError(`TLS handshake is taking longer than ${seconds} seconds: aborting the connection`, {
    code: 'ETIMEDOUT',
  });
}

/** As a client. */
function greet(socket: Socket, context: SslContext, name: string | undefined, settle: Settle<TLSSocket>): () => void {
  const host = name ?? 'localhost';
  const encrypted = tls().connect({ servername: isIP(host) === 0 ? host : '', host, ...context, socket });
  let isSecure = false;
  const onSecure = () => {
    isSecure = true;
    settle.resolve(encrypted);
  };
  const onError = (error: Error) => settle.reject(failureOf(error, `TLS handshake with ${host}`));
  encrypted.once('secureConnect', onSecure).on('error', onError);
  return () => {
    encrypted.off('secureConnect', onSecure).off('error', onError);
    encrypted.on('error', ignoreErrors);
    if (!isSecure) encrypted.destroy();
  };
}

/** As a server that does not listen, and gets only this connection. */
function accept(socket: Socket, context: SslContext, settle: Settle<TLSSocket>): () => void {
  const server = tls().createServer(context);
  const onError = (error: Error) => settle.reject(failureOf(error, 'TLS handshake with a client'));
  const onSecure = (encrypted: TLSSocket) => {
    encrypted.allowHalfOpen = true;
    settle.resolve(encrypted);
  };
  socket.on('error', onError);
  socket.allowHalfOpen = false; // a client that ends during its handshake has left
  server.on('secureConnection', onSecure).on('tlsClientError', onError);
  server.emit('connection', socket);
  return () => {
    socket.off('error', onError);
    server.removeAllListeners('secureConnection');
  };
}
