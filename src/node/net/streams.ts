import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { byName } from '../../internal/keywords.ts';
import { type AwaitableCoroutine, getRunningLoop, libraryCoroutine } from '../../kernel/lowlevel.ts';
import { type CloseTimeoutOption, closeTimeoutOf } from '../../streams/closing.ts';
import {
  type ConnectionHandler,
  type Server,
  type StreamPair,
  StreamReader,
  type StreamReaderOptions,
  StreamReaderProtocol,
  type StreamReaderProtocolOptions,
  StreamWriter,
} from '../../streams/index.ts';
import { checkByteLimit } from '../../streams/limit.ts';
import { streamPair } from '../../streams/stream-pair.ts';
import { connectToPath } from './connect-socket.ts';
import {
  begin,
  type ConnectionOptions,
  checkConnectionOptions,
  checkPath,
  checkTls,
  connectionByName,
  type HostAndPort,
  type PathOption,
  reach,
  TLS_CLIENT_OPTIONS,
  type TlsClientOptions,
} from './create-connection.ts';
import {
  type ServerHost,
  type ServerOptions,
  type ServerPlace,
  type ServerPlan,
  serverAt,
  serverByName,
  serverOn,
  UNIX_SERVER_OPTIONS,
  type UnixServerOptions,
} from './create-server.ts';

/** Options of readers, and of closing their connections. */
export interface LimitOption extends CloseTimeoutOption {
  /** The longest line, in bytes; 64 KiB when absent. When a reader holds twice as much, the peer is slowed down. */
  readonly limit?: number | undefined;
}

/**
 * Connects to a host over TCP, or TLS. Host and port may also be given by name: `openConnection({ host, port, ssl })`.
 *
 * **Cancellation**: ends the attempt; no socket is left open.
 *
 * Follows CPython's `asyncio.open_connection`.
 *
 * @param host a name or an address; `null` with `sock`
 * @param port 0 to 65535; `null` with `sock`
 * @returns `[reader, writer]`
 * @throws {GetAddrInfoError} when the name does not resolve
 * @throws {ConnectionRefusedError} when no server listens there
 * @throws {OSError} when connecting fails for another reason
 * @throws {SSLError} when the handshake fails; `SSLCertVerificationError` when the certificate cannot be trusted
 * @throws {ConnectionAbortedError} when the handshake takes too long
 * @throws {ValueError} at once, when options contradict each other
 * @example
 * const [reader, writer] = await openConnection('127.0.0.1', port);
 * writer.write('hello\n');
 * await writer.drain();
 * const line = await reader.readline();
 * writer.close();
 * await writer.waitClosed();
 */
export function openConnection(
  host?: string | null,
  port?: number | null,
  options?: ConnectionOptions & LimitOption,
): AwaitableCoroutine<StreamPair>;
export function openConnection(options: ConnectionOptions & LimitOption & HostAndPort): AwaitableCoroutine<StreamPair>;
export function openConnection(
  host: string,
  options: ConnectionOptions & LimitOption & HostAndPort,
): AwaitableCoroutine<StreamPair>;
export function openConnection(...given: readonly unknown[]): AwaitableCoroutine<StreamPair> {
  const all = connectionByName<ConnectionOptions & LimitOption>('openConnection', given, LIMIT_OPTIONS);
  const { host = null, port = null, ...options } = all;
  checkConnectionOptions('openConnection', host, port, options);
  checkLimit('openConnection', options);
  return open(host, port, options);
}

const open = /* @__PURE__ */ libraryCoroutine(function* openConnection(
  host: string | null,
  port: number | null,
  options: ConnectionOptions & LimitOption,
): Generator<unknown, StreamPair, unknown> {
  const loop = getRunningLoop();
  const socket = options.sock ?? (yield* reach(loop, host ?? '', port ?? 0, options));
  const reader = new StreamReader({ limit: options.limit, loop });
  const protocol = new StreamReaderProtocol(reader, null, { loop });
  const [transport] = yield* begin(loop, socket, () => protocol, options, host ?? undefined);
  return streamPair(reader, new StreamWriter(transport, protocol, reader, loop, options));
});

const LIMIT_OPTIONS: readonly string[] = ['limit', 'closeTimeout'];

function checkLimit(name: string, options: LimitOption): void {
  const { limit } = options;
  closeTimeoutOf(name, options);
  checkByteLimit(name, limit);
}

/**
 * Connects to a Unix socket.
 *
 * **Cancellation**: ends the attempt; no socket is left open.
 *
 * Follows CPython's `asyncio.open_unix_connection`.
 *
 * @param path the socket's file
 * @returns `[reader, writer]`
 * @throws {FileNotFoundError} when there is no such file
 * @throws {ConnectionRefusedError} when no server listens there
 * @throws {SSLError} when the handshake fails
 */
export function openUnixConnection(
  path: string,
  options?: TlsClientOptions & LimitOption,
): AwaitableCoroutine<StreamPair>;
export function openUnixConnection(
  options: TlsClientOptions & LimitOption & PathOption,
): AwaitableCoroutine<StreamPair>;
export function openUnixConnection(...given: readonly unknown[]): AwaitableCoroutine<StreamPair> {
  const { path, ...options } = byName<TlsClientOptions & LimitOption & PathOption>(
    'openUnixConnection',
    ['path'],
    [...TLS_CLIENT_OPTIONS, ...LIMIT_OPTIONS],
    given,
  );
  checkPath('openUnixConnection', path);
  checkTls('openUnixConnection', options, null);
  checkLimit('openUnixConnection', options);
  return openUnix(path, options);
}

const openUnix = /* @__PURE__ */ libraryCoroutine(function* openUnixConnection(
  path: string,
  options: TlsClientOptions & LimitOption,
): Generator<unknown, StreamPair, unknown> {
  const loop = getRunningLoop();
  const socket = yield* connectToPath(loop, path);
  const reader = new StreamReader({ limit: options.limit, loop });
  const protocol = new StreamReaderProtocol(reader, null, { loop });
  const [transport] = yield* begin(loop, socket, () => protocol, options, undefined, path);
  return streamPair(reader, new StreamWriter(transport, protocol, reader, loop, options));
});

/**
 * Listens on TCP, or TLS, and handles each connection in a task of its own.
 *
 * A handler closes its writer when it is done. When a handler fails, this is reported to the loop's exception handler, and its connection
 * is closed; the others and the server go on.
 *
 * **Cancellation**: the server does not listen.
 *
 * Follows CPython's `asyncio.start_server`.
 *
 * @param handler an async function, a generator function or a plain one, called with a reader and a writer
 * @param host a name or an address, a list of them, or `null` for all addresses of this machine
 * @param port 0 to 65535; 0 for a free one, which is then `server.port`
 * @throws {OSError} when it cannot listen: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`
 * @throws {GetAddrInfoError} when the name does not resolve
 * @throws {TypeError} at once, when the handler is not a function, or `ssl` has no certificate
 * @throws {ValueError} at once, when the port is out of range
 * @example
 * const server = await startServer(async (reader, writer) => {
 *   await using _ = writer;
 *   for await (const line of reader) {
 *     writer.write(line);
 *     await writer.drain();
 *   }
 * }, '127.0.0.1', 0);
 * const [reader, writer] = await openConnection('127.0.0.1', server.port);
 * writer.write('hello\n');
 * console.log(await reader.readline());
 * writer.close();
 * await server.shutdown(5);
 */
export function startServer(
  handler: ConnectionHandler,
  host: ServerHost,
  port: number,
  options?: ServerOptions & LimitOption,
): AwaitableCoroutine<Server>;
export function startServer(
  handler: ConnectionHandler,
  options: ServerOptions & LimitOption & ServerPlace,
): AwaitableCoroutine<Server>;
export function startServer(
  handler: ConnectionHandler,
  host: ServerHost,
  options: ServerOptions & LimitOption & ServerPlace,
): AwaitableCoroutine<Server>;
export function startServer(handler: ConnectionHandler, ...given: readonly unknown[]): AwaitableCoroutine<Server> {
  const all = serverByName<ServerOptions & LimitOption>('startServer', given, LIMIT_OPTIONS);
  const { host = null, port, ...options } = all;
  return start(serverOn('startServer', host, port, options, streamPlan('startServer', handler, options)));
}

const start = /* @__PURE__ */ libraryCoroutine(function* startServer(listening: Generator<unknown, Server, unknown>) {
  return yield* listening;
});

/**
 * Listens on a Unix socket, and handles each connection in a task of its own, as `startServer`. If a crashed server has
 * left its socket file behind, the file is replaced; the file is removed when the server closes.
 *
 * **Cancellation**: the server does not listen.
 *
 * Follows CPython's `asyncio.start_unix_server`.
 *
 * @param handler an async function, a generator function or a plain one, called with a reader and a writer
 * @param path the socket's file
 * @throws {OSError} when it cannot listen: `EADDRINUSE` when the path is in use, `EACCES`, `ENOENT`
 */
export function startUnixServer(
  handler: ConnectionHandler,
  path: string,
  options?: UnixServerOptions & LimitOption,
): AwaitableCoroutine<Server>;
export function startUnixServer(
  handler: ConnectionHandler,
  options: UnixServerOptions & LimitOption & PathOption,
): AwaitableCoroutine<Server>;
export function startUnixServer(handler: ConnectionHandler, ...given: readonly unknown[]): AwaitableCoroutine<Server> {
  const { path, ...options } = byName<UnixServerOptions & LimitOption & PathOption>(
    'startUnixServer',
    ['path'],
    [...UNIX_SERVER_OPTIONS, ...LIMIT_OPTIONS],
    given,
  );
  return startAt(serverAt('startUnixServer', path, options, streamPlan('startUnixServer', handler, options)));
}

const startAt = /* @__PURE__ */ libraryCoroutine(function* startUnixServer(
  listening: Generator<unknown, Server, unknown>,
) {
  return yield* listening;
});

function streamPlan(name: string, handler: ConnectionHandler, options: ServerOptions & LimitOption): ServerPlan {
  if (typeof handler !== 'function')
    throw typeError(
      `${name}: a function that handles connections is required, got ${describe(handler)}`,
      'NOT_CALLABLE',
    );
  checkLimit(name, options);
  // One object of options for all connections.
  let ofReaders: StreamReaderOptions | undefined;
  let ofProtocols: StreamReaderProtocolOptions | undefined;
  const protocolFactory = () => new StreamReaderProtocol(new StreamReader(ofReaders), handler, ofProtocols);
  const onServer = (made: Server) => {
    const loop = made.getLoop();
    ofReaders = { limit: options.limit, loop };
    ofProtocols = { loop, closeTimeout: options.closeTimeout, onTask: (task) => made.noteHandler(task) };
  };
  return { protocolFactory, options, direct: true, onServer };
}
