import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import type { TlsOptions, Server as TlsServer } from 'node:tls';
import { leavesTheLoop } from '../../errors/index.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { type Context, copyContext, type EventLoop, isLoopClosed } from '../../kernel/lowlevel.ts';
import type { BaseProtocol } from '../../streams/index.ts';
import type { Listener, Server } from '../../streams/server.ts';
import { tls } from '../late.ts';
import { ignoreErrors } from './connect-socket.ts';
import type { KnownNames } from './extra-info.ts';
import { failureOf } from './failures.ts';
import { keepSocketAlive } from './keep-alive.ts';
import { BoundSocket, listen, type Place, stopAll } from './listening.ts';
import { SocketTransport } from './socket-transport.ts';
import { HANDSHAKE_TIMEOUT, type SslContext } from './ssl.ts';

/** How a server listens on sockets of the runtime. */
export interface ListenerSetup {
  readonly protocolFactory: () => BaseProtocol;
  /** Where to listen: one entry for each socket. */
  readonly places: readonly Place[];
  readonly ssl: SslContext | null;
  readonly sslHandshakeTimeout: Duration | undefined;
  /** As `keepAliveOf` gives it. */
  readonly keepAlive: number | null;
  /** Whether the factory does not need a running loop, and may be called at once. */
  readonly direct: boolean;
}

/** Accepts connections on sockets of the runtime: TCP, Unix, or TLS on top of either. */
export class SocketListener implements Listener {
  readonly #loop: EventLoop;
  readonly #setup: ListenerSetup;
  readonly #context: Context;
  /** The addresses of connections over a Unix socket. */
  readonly #namesOnPath: KnownNames | undefined;
  /** The sockets whose handshake is in progress. */
  readonly #handshaking = new Set<Socket>();
  #servers: readonly NetServer[] = [];
  #isStopped = false;

  constructor(loop: EventLoop, setup: ListenerSetup) {
    this.#loop = loop;
    this.#setup = setup;
    const [place] = setup.places;
    this.#namesOnPath = place?.path === undefined ? undefined : { peername: '', sockname: place.path };
    this.#context = copyContext();
  }

  *listen(server: Server): Generator<unknown, readonly BoundSocket[], unknown> {
    const servers = this.#setup.places.map(() => this.#newServer(server));
    try {
      for (const [index, place] of this.#setup.places.entries())
        yield* listen(this.#loop, servers[index] as NetServer, place);
    } catch (error) {
      stopAll(servers);
      throw error;
    }
    for (const one of servers)
      one.on('error', (error) => this.#report(server, 'A connection could not be accepted', failureOf(error)));
    this.#servers = servers;
    return servers.map((one) => new BoundSocket(one));
  }

  stop(): void {
    this.#isStopped = true;
    stopAll(this.#servers);
    this.#servers = [];
    for (const socket of this.#handshaking) socket.destroy();
  }

  #onConnection(server: Server, socket: Socket): void {
    keepSocketAlive(socket, this.#setup.keepAlive);
    if (this.#setup.direct) {
      this.#context.run(() => this.#accept(server, socket));
      return;
    }
    socket.on('error', ignoreErrors);
    if (!isLoopClosed(this.#loop)) this.#loop.callSoonIn(this.#context, () => this.#accept(server, socket));
  }

  #accept(server: Server, socket: Socket): void {
    if (this.#isStopped) {
      socket.destroy();
      return;
    }
    try {
      new SocketTransport(this.#loop, socket, this.#setup.protocolFactory(), {
        owner: server,
        names: this.#namesOnPath,
      });
    } catch (exception) {
      if (leavesTheLoop(exception)) throw exception;
      socket.destroy();
      this.#report(server, 'Error on transport creation for incoming connection', exception);
    }
  }

  #report(server: Server, message: string, exception: unknown): void {
    if (!isLoopClosed(this.#loop)) this.#loop.callExceptionHandler({ message, exception, server });
  }

  #newServer(owner: Server): NetServer {
    const { ssl, sslHandshakeTimeout = HANDSHAKE_TIMEOUT } = this.#setup;
    if (ssl === null) {
      return createNetServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#onConnection(owner, socket));
    }
    const handshakeTimeout = inSeconds(sslHandshakeTimeout, 'sslHandshakeTimeout') * 1_000;
    // A client that ends during its handshake has left; half-closing is possible only after the handshake.
    const server = tlsServer({ ...ssl, allowHalfOpen: false, handshakeTimeout }, (socket) => {
      socket.allowHalfOpen = true;
      this.#onConnection(owner, socket);
    });
    server.on('connection', (socket: Socket) => this.#watchHandshake(socket));
    server.on('secureConnection', (socket) => this.#handshaking.delete(socketUnder(socket, this.#handshaking)));
    server.on('tlsClientError', (error, socket) => {
      socket.destroy(); // the runtime does not do this when the handshake takes too long
      if (this.#loop.getDebug()) this.#report(owner, 'TLS handshake with a client failed', failureOf(error));
    });
    return server;
  }

  #watchHandshake(socket: Socket): void {
    this.#handshaking.add(socket);
    socket.once('close', () => this.#handshaking.delete(socket));
  }
}

/** @throws {SSLError} when a key or certificate cannot be read */
function tlsServer(options: TlsOptions, onConnection: (socket: Socket) => void): TlsServer {
  try {
    return tls().createServer(options, onConnection);
  } catch (error) {
    throw failureOf(error, 'TLS');
  }
}

/** The socket under an encrypted one. If the runtime does not give it, it is found by the addresses; Unix sockets have none. */
function socketUnder(encrypted: Socket & { readonly _parent?: Socket }, candidates: Iterable<Socket>): Socket {
  if (encrypted._parent !== undefined) return encrypted._parent;
  const { remoteAddress, remotePort } = encrypted;
  for (const raw of candidates) if (raw.remotePort === remotePort && raw.remoteAddress === remoteAddress) return raw;
  return encrypted;
}
