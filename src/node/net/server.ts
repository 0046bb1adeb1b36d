import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { isCancelledError } from '../../errors/errors.ts';
import { CancelledError, leavesTheLoop, RuntimeError, TimeoutError } from '../../errors/index.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import {
  type AwaitableCoroutine,
  attach,
  type Context,
  copyContext,
  detach,
  type EventLoop,
  type Future,
  type LoopResource,
  libraryCoroutine,
  logger,
  newWait,
  release,
  type Task,
} from '../../kernel/lowlevel.ts';
import { bindMethods } from '../../streams/bound.ts';
import {
  CLOSE_TIMEOUT,
  type CloseTimeoutOption,
  closeTimeoutOf,
  endWithin,
  HURRIED_CLOSE_TIMEOUT,
  isBeingCancelled,
} from '../../streams/closing.ts';
import type { BaseProtocol } from '../../streams/index.ts';
import { Waiters } from '../../streams/waiters.ts';
import { Lock } from '../../sync/index.ts';
import { waitFor } from '../../tasks/index.ts';
import { ignoreErrors } from './connect-socket.ts';
import type { KnownNames } from './extra-info.ts';
import { failureOf } from './failures.ts';
import { keepSocketAlive } from './keep-alive.ts';
import { ListeningSocket, listen, type Place, stopAll } from './listening.ts';
import { type ConnectionOwner, SocketTransport } from './socket-transport.ts';
import { HANDSHAKE_TIMEOUT, type SslContext } from './ssl.ts';

/** Options of a server. */
export interface ServerSetup extends CloseTimeoutOption {
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

/** The result of `Server.shutdown`. */
export interface ShutdownReport {
  /** How many connections were ended before their handlers had closed them. */
  readonly cut: number;
}

/**
 * The states of a server.
 *
 * | state   | meaning                                         | left by                  |
 * |---------|-------------------------------------------------|--------------------------|
 * | created | it does not listen yet                          | `startServing`, `close`  |
 * | serving | connections are accepted                        | `close`                  |
 * | closed  | none are accepted; open connections go on       | –                        |
 */
type State = 'created' | 'serving' | 'closed';

/**
 * Accepts connections. Made by `startServer`, `createServer` and their Unix counterparts.
 *
 * Follows CPython's `asyncio.Server`.
 *
 * @example
 * const server = await startServer(handle, '127.0.0.1', 0);
 * const serving = createTask(server.serveForever());
 * console.log(server.isServing()); // true
 * serving.cancel();
 * await wait([serving]);
 */
export class Server implements AsyncDisposable, ConnectionOwner, LoopResource {
  static {
    inspectAsText(Server.prototype);
  }

  readonly #loop: EventLoop;
  readonly #setup: ServerSetup;
  readonly #context: Context;
  /** The addresses of connections over a Unix socket. */
  readonly #namesOnPath: KnownNames | undefined;
  readonly #clients = new Set<SocketTransport>();
  /** The sockets whose handshake is in progress. */
  readonly #handshaking = new Set<Socket>();
  readonly #handlers = new Set<Task<unknown>>();
  readonly #waiters: Waiters;
  readonly #starting = new Lock();
  #servers: NetServer[] = [];
  #sockets: readonly ListeningSocket[] = [];
  #state: State = 'created';
  #forever: Future<void> | null = null;

  /** Called by `startServer` and similar functions. @internal */
  constructor(loop: EventLoop, setup: ServerSetup) {
    this.#loop = loop;
    this.#setup = setup;
    const [place] = setup.places;
    this.#namesOnPath = place?.path === undefined ? undefined : { peername: '', sockname: place.path };
    this.#context = copyContext();
    this.#waiters = new Waiters(loop, 'waitClosed', this);
    attach(loop, this);
    bindMethods(this, 'close', 'closeClients', 'abortClients');
  }

  /** Where it listens; empty before it listens, and when it is closed. */
  get sockets(): readonly ListeningSocket[] {
    return this.#sockets;
  }

  /** The port of the first socket; 0 when it does not listen, or listens on a Unix socket. */
  get port(): number {
    return this.#sockets[0]?.port ?? 0;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#clients.size;
  }

  /** Whether it accepts connections. Follows CPython's `Server.is_serving`. */
  isServing(): boolean {
    return this.#state === 'serving';
  }

  /** Its loop. Follows CPython's `Server.get_loop`. */
  getLoop(): EventLoop {
    return this.#loop;
  }

  /**
   * Begins to accept connections. Has no effect when it already does.
   *
   * **Cancellation**: the server does not listen.
   *
   * Follows CPython's `Server.start_serving`.
   *
   * @throws {OSError} when it cannot listen: the port is in use, the address is not of this machine
   * @throws {RuntimeError} when it is closed
   */
  startServing(): AwaitableCoroutine<void> {
    return Server.#startServing(this);
  }

  /**
   * Accepts connections until it is cancelled or closed. Cancelling it closes the server and its connections; when the server is
   * closed, it waits until the connections have ended.
   *
   * **Cancellation**: closes, sends the buffered bytes of the connections for at most a second (or `closeTimeout`, if given), and cuts
   * connections whose peers have not received everything by then, which is logged. Another cancellation cuts them at once.
   *
   * Follows CPython's `Server.serve_forever`.
   *
   * @throws {CancelledError} when `close()` is called, too
   * @throws {RuntimeError} when it is closed, or was already called by another task
   */
  serveForever(): AwaitableCoroutine<never> {
    return Server.#serveForever(this);
  }

  /** Accepts no more connections. Those that are open go on. Follows CPython's `Server.close`. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    stopAll(this.#servers);
    this.#servers = [];
    this.#sockets = [];
    for (const socket of this.#handshaking) socket.destroy();
    if (this.#forever !== null) release(this.#forever);
    this.#checkEnd();
  }

  /** Closes the connections when their buffered bytes have been sent. Follows CPython's `Server.close_clients`. */
  closeClients(): void {
    for (const client of [...this.#clients]) client.close();
  }

  /** Closes the connections at once. Follows CPython's `Server.abort_clients`. */
  abortClients(): void {
    for (const client of [...this.#clients]) client.abort();
  }

  /**
   * Waits until it is closed and all connections have ended. It does not close them: see `close`, `closeClients` and `shutdown`.
   *
   * **Cancellation**: ends the wait.
   *
   * Follows CPython's `Server.wait_closed`.
   */
  waitClosed(): AwaitableCoroutine<void> {
    return Server.#waitClosed(this);
  }

  /**
   * Ends it gracefully: accepts no more connections and lets the handlers of open ones finish. At the deadline the handlers that
   * still run are cancelled, and the connections are closed at once.
   *
   * **Cancellation**: does at once what the deadline would.
   *
   * @param deadline how long the handlers may take, in seconds
   * @returns `cut`: how many connections had to be closed
   * @example
   * const server = await startServer(handle, '127.0.0.1', 0);
   * const { cut } = await server.shutdown(10);
   * console.log(cut); // 0
   */
  shutdown(deadline: Duration): AwaitableCoroutine<ShutdownReport> {
    return Server.#shutdown(this, inSeconds(deadline, 'deadline'));
  }

  /**
   * Closes, and waits until the connections have ended, as Python's `async with`, but at most for `closeTimeout`: then the rest is cut as
   * by
   * `shutdown`, which is logged.
   *
   * **Cancellation**: cuts the connections. When the block ends because of a cancellation, they are cut after a second at most.
   */
  [Symbol.asyncDispose](): AwaitableCoroutine<void> {
    return Server.#dispose(this);
  }

  // --------------------------------------------------------------------------------------------- its connections

  /** @internal */
  attach(transport: SocketTransport): void {
    this.#clients.add(transport);
  }

  /** @internal */
  detach(transport: SocketTransport): void {
    this.#clients.delete(transport);
    this.#checkEnd();
  }

  /** A handler's task, which `shutdown` may have to cancel. @internal */
  noteHandler(task: Task<unknown>): void {
    this.#handlers.add(task);
    task.addDoneCallback((done) => this.#handlers.delete(done as Task<unknown>));
  }

  /** The loop is closed, so connections cannot be served any more. @internal */
  loopClosed(): void {
    this.#state = 'closed';
    this.#sockets = [];
    stopAll(this.#servers);
    for (const socket of this.#handshaking) socket.destroy();
  }

  #checkEnd(): void {
    if (this.#state !== 'closed' || this.#clients.size > 0) return;
    detach(this.#loop, this);
    this.#waiters.release();
  }

  readonly #onConnection = (socket: Socket): void => {
    socket.on('error', ignoreErrors);
    keepSocketAlive(socket, this.#setup.keepAlive);
    if (this.#setup.direct) this.#context.run(() => this.#accept(socket));
    else if (!this.#loop.isClosed()) this.#loop.callSoonIn(this.#context, () => this.#accept(socket));
  };

  #accept(socket: Socket): void {
    if (this.#state === 'closed') {
      socket.destroy();
      return;
    }
    try {
      new SocketTransport(this.#loop, socket, this.#setup.protocolFactory(), {
        owner: this,
        names: this.#namesOnPath,
      });
    } catch (exception) {
      if (leavesTheLoop(exception)) throw exception;
      socket.destroy();
      this.#report('Error on transport creation for incoming connection', exception);
    }
  }

  #report(message: string, exception: unknown): void {
    if (!this.#loop.isClosed()) this.#loop.callExceptionHandler({ message, exception, server: this });
  }

  #newServer(): NetServer {
    const { ssl, sslHandshakeTimeout = HANDSHAKE_TIMEOUT } = this.#setup;
    if (ssl === null) return createNetServer({ allowHalfOpen: true, noDelay: true }, this.#onConnection);
    const handshakeTimeout = inSeconds(sslHandshakeTimeout, 'sslHandshakeTimeout') * 1_000;
    // A client that ends during its handshake has left; half-closing is possible only after the handshake.
    const server = tlsServer({ ...ssl, allowHalfOpen: false, handshakeTimeout }, (socket) => {
      socket.allowHalfOpen = true;
      this.#onConnection(socket);
    });
    server.on('connection', (socket: Socket) => this.#watchHandshake(socket));
    server.on('secureConnection', (socket) => this.#handshaking.delete(socketUnder(socket, this.#handshaking)));
    server.on('tlsClientError', (error, socket) => {
      socket.destroy(); // the runtime does not do this when the handshake takes too long
      if (this.#loop.getDebug()) this.#report('TLS handshake with a client failed', failureOf(error));
    });
    return server;
  }

  #watchHandshake(socket: Socket): void {
    this.#handshaking.add(socket);
    socket.once('close', () => this.#handshaking.delete(socket));
  }

  // --------------------------------------------------------------------------------------------- coroutines

  /** When several tasks want it to listen, the first one makes it listen, and the others wait for that. */
  *#listen(): Generator<unknown, void, unknown> {
    yield* this.#starting.acquire();
    try {
      this.#checkOpen();
      if (this.#state === 'created') yield* this.#listenEverywhere();
    } finally {
      this.#starting.release();
    }
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw new RuntimeError(`server ${this} is closed`, { code: 'SERVER_CLOSED' });
  }

  *#listenEverywhere(): Generator<unknown, void, unknown> {
    const servers = this.#setup.places.map(() => this.#newServer());
    try {
      for (const [index, place] of this.#setup.places.entries())
        yield* listen(this.#loop, servers[index] as NetServer, place);
      this.#checkOpen();
    } catch (error) {
      stopAll(servers);
      throw error;
    }
    for (const server of servers)
      server.on('error', (error) => this.#report('A connection could not be accepted', failureOf(error)));
    this.#servers = servers;
    this.#sockets = servers.map((server) => new ListeningSocket(server));
    this.#state = 'serving';
  }

  static readonly #startServing = /* @__PURE__ */ libraryCoroutine(function* startServing(
    server: Server,
  ): Generator<unknown, void, unknown> {
    yield* server.#listen();
  });

  static readonly #serveForever = /* @__PURE__ */ libraryCoroutine(function* serveForever(
    server: Server,
  ): Generator<unknown, never, unknown> {
    if (server.#forever !== null)
      throw new RuntimeError(`server ${server} is already being awaited on serveForever()`, { code: 'SERVED_ALREADY' });
    const forever = newWait(server.#loop, { operation: 'serveForever', object: server });
    server.#forever = forever;
    try {
      yield* server.#listen();
      yield* forever;
      // It was closed by other code, which does not affect the connections.
      yield* server.waitClosed();
    } catch (error) {
      if (isCancelledError(error)) {
        server.close();
        server.closeClients();
        yield* server.#leave(HURRIED_CLOSE_TIMEOUT, () => server.abortClients());
      }
      throw error;
    } finally {
      server.#forever = null;
    }
    throw new CancelledError();
  });

  static readonly #waitClosed = /* @__PURE__ */ libraryCoroutine(function* waitClosed(
    server: Server,
  ): Generator<unknown, void, unknown> {
    if (server.#state === 'closed' && server.#clients.size === 0) return;
    yield* server.#waiters.wait();
  });

  static readonly #shutdown = /* @__PURE__ */ libraryCoroutine(function* shutdown(
    server: Server,
    deadline: number,
  ): Generator<unknown, ShutdownReport, unknown> {
    server.close();
    let cut = 0;
    try {
      yield* waitFor(server.waitClosed(), deadline);
    } catch (error) {
      cut = server.#cut();
      if (!(error instanceof TimeoutError)) throw error;
      yield* server.waitClosed();
    }
    return { cut };
  });

  /** Ends the connections, even if their handlers still run. */
  #cut(): number {
    const open = this.#clients.size;
    for (const task of this.#handlers) task.cancel('the server is shut down');
    this.abortClients();
    return open;
  }

  static readonly #dispose = /* @__PURE__ */ libraryCoroutine(function* dispose(
    server: Server,
  ): Generator<unknown, void, unknown> {
    const isHurried = isBeingCancelled();
    server.close();
    if (isHurried) server.closeClients();
    try {
      yield* server.#leave(isHurried ? HURRIED_CLOSE_TIMEOUT : CLOSE_TIMEOUT, () => server.#cut());
    } catch (error) {
      // JavaScript would turn two cancellations into a `SuppressedError`.
      if (!(isHurried && error instanceof CancelledError)) throw error;
    }
  });

  /** Waits for the connections to end, and cuts those that do not end in time. */
  *#leave(otherwise: number, cut: () => void): Generator<unknown, void, unknown> {
    const limit = closeTimeoutOf('Server', this.#setup, otherwise);
    let lost = '';
    const cutAll = (): void => {
      const unsent = [...this.#clients].reduce((sum, client) => sum + client.getWriteBufferSize(), 0);
      lost = `${this.#clients.size} connections were cut, and ${unsent} bytes were not sent`;
      cut();
    };
    const isWhole = yield* endWithin(() => this.waitClosed(), limit, cutAll);
    if (!isWhole) logger.warn(`${this}: closing took longer than ${limit} s: ${lost}; set closeTimeout to wait longer`);
  }

  toString(): string {
    const where = this.#sockets.length > 0 ? ` on ${this.#sockets.join(', ')}` : '';
    return `<Server ${this.#state}${where} connections=${this.#clients.size}>`;
  }
}

/** @throws {SSLError} when a key or certificate cannot be read */
function tlsServer(options: TlsOptions, onConnection: (socket: Socket) => void): TlsServer {
  try {
    return createTlsServer(options, onConnection);
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
