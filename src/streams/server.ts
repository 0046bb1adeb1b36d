import { isCancelledError } from '../errors/errors.ts';
import { CancelledError, RuntimeError, TimeoutError } from '../errors/index.ts';
import { type Duration, inSeconds } from '../internal/duration.ts';
import { inspectAsText } from '../internal/inspection.ts';
import {
  type AwaitableCoroutine,
  attach,
  detach,
  type EventLoop,
  type Future,
  type LoopResource,
  libraryCoroutine,
  logger,
  newWait,
  release,
  type Task,
} from '../kernel/lowlevel.ts';
import { Lock } from '../sync/index.ts';
import { waitFor } from '../tasks/index.ts';
import { bindMethods } from './bound.ts';
import {
  CLOSE_TIMEOUT,
  type CloseTimeoutOption,
  closeTimeoutOf,
  endWithin,
  HURRIED_CLOSE_TIMEOUT,
  isBeingCancelled,
} from './closing.ts';
import type { SocketName, WriteTransport } from './transports.ts';
import { Waiters } from './waiters.ts';

/** A place where a server listens. */
export interface ListeningSocket {
  /** `[host, port]`, or the path of a Unix socket. Follows CPython's `socket.getsockname`. */
  getsockname(): SocketName;
  /** As Node's `server.address()`. */
  address(): { readonly address: string; readonly family: string; readonly port: number } | string | null;
  /** The address that it listens at; the path of a Unix socket. */
  readonly host: string;
  /** The port that it listens at; 0 for a Unix socket. */
  readonly port: number;
  /** 4 or 6, `null` for a Unix socket. */
  readonly family: 4 | 6 | null;
}

/** What a server accepts connections by: sockets of the runtime, or a network that is simulated. @internal */
export interface Listener {
  /**
   * Begins to listen. When it fails, nothing listens.
   *
   * @param server gets the connections: their transports are attached to it while they are open
   */
  listen(server: Server): Generator<unknown, readonly ListeningSocket[], unknown>;
  /** Accepts no more connections. */
  stop(): void;
}

/** An object that keeps a list of its connections. */
export interface ConnectionOwner {
  /** @internal */
  attach(transport: WriteTransport): void;
  /** @internal */
  detach(transport: WriteTransport): void;
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
  readonly #listener: Listener;
  readonly #closing: CloseTimeoutOption;
  readonly #clients = new Set<WriteTransport>();
  readonly #handlers = new Set<Task<unknown>>();
  readonly #waiters: Waiters;
  readonly #starting = new Lock();
  #sockets: readonly ListeningSocket[] = [];
  #state: State = 'created';
  #forever: Future<void> | null = null;

  /** Called by `startServer` and similar functions. @internal */
  constructor(loop: EventLoop, listener: Listener, closing: CloseTimeoutOption) {
    this.#loop = loop;
    this.#listener = listener;
    this.#closing = closing;
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
    this.#listener.stop();
    this.#sockets = [];
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
  attach(transport: WriteTransport): void {
    this.#clients.add(transport);
  }

  /** @internal */
  detach(transport: WriteTransport): void {
    this.#clients.delete(transport);
    this.#checkEnd();
  }

  /** A handler's task, which `shutdown` may have to cancel, was made, or is done. @internal */
  noteHandler(task: Task<unknown>): void {
    if (task.done()) this.#handlers.delete(task);
    else this.#handlers.add(task);
  }

  /** The loop is closed, so connections cannot be served any more. @internal */
  loopClosed(): void {
    this.#state = 'closed';
    this.#sockets = [];
    this.#listener.stop();
  }

  #checkEnd(): void {
    if (this.#state !== 'closed' || this.#clients.size > 0) return;
    detach(this.#loop, this);
    this.#waiters.release();
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
    const sockets = yield* this.#listener.listen(this);
    try {
      this.#checkOpen();
    } catch (error) {
      this.#listener.stop();
      throw error;
    }
    this.#sockets = sockets;
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
    const limit = closeTimeoutOf('Server', this.#closing, otherwise);
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
