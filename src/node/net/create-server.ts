import type { ListenOptions } from 'node:net';
import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import type { Duration } from '../../internal/duration.ts';
import { byName } from '../../internal/keywords.ts';
import { checkWholeNumber } from '../../internal/whole-number.ts';
import { type AwaitableCoroutine, getRunningLoop, libraryCoroutine } from '../../kernel/lowlevel.ts';
import { checkHost, checkPort } from '../../streams/addresses.ts';
import { type CloseTimeoutOption, closeTimeoutOf } from '../../streams/closing.ts';
import { type BaseProtocol, Server } from '../../streams/index.ts';
import { checkFactory, checkPath, type PathOption } from './create-connection.ts';
import { type AddressFamily, checkFamily, resolve } from './dns.ts';
import { type KeepAliveOption, keepAliveOf } from './keep-alive.ts';
import type { Place } from './listening.ts';
import { SocketListener } from './socket-listener.ts';
import { checkHandshakeTimeout, type SslContext, serverContextOf } from './ssl.ts';

/** Options of all servers. */
export interface BaseServerOptions extends CloseTimeoutOption {
  /** Encrypts: keys, certificates and rules as Node's `tls.createServer` takes them. */
  readonly ssl?: SslContext | null | undefined;
  /** The longest time that a handshake may take, in seconds; 60 when absent. */
  readonly sslHandshakeTimeout?: Duration | undefined;
  /** How many connections may wait to be accepted; 100 when absent. */
  readonly backlog?: number | undefined;
  /** `false`: the server does not listen before `startServing()` or `serveForever()`. */
  readonly startServing?: boolean | undefined;
}

/** Options of a server on TCP. */
export interface ServerOptions extends BaseServerOptions, KeepAliveOption {
  /** Only addresses of this version: 4 or 6; 0 or absent for both. */
  readonly family?: AddressFamily | undefined;
  /** Lets several servers use the same port; the system distributes the connections among them. */
  readonly reusePort?: boolean | undefined;
}

/** Where to listen: a name or an address, several, or `null` for all addresses of the machine. */
export type ServerHost = string | readonly string[] | null;

/** Where to listen, by name. */
export interface ServerPlace {
  /** All addresses of the machine when absent. */
  readonly host?: ServerHost | undefined;
  /** 0 to 65535; 0 for a free one, which is then `server.port`. */
  readonly port: number;
}

const BASE_SERVER_OPTIONS: readonly string[] = [
  'ssl',
  'sslHandshakeTimeout',
  'backlog',
  'startServing',
  'closeTimeout',
];
const SERVER_OPTIONS: readonly string[] = [...BASE_SERVER_OPTIONS, 'family', 'reusePort', 'keepAlive'];
/** The names of the options of a server at a Unix socket. @internal */
export const UNIX_SERVER_OPTIONS: readonly string[] = [...BASE_SERVER_OPTIONS, 'mode'];

/** The arguments of a call that listens, in any form. @internal */
export function serverByName<O extends ServerOptions>(
  name: string,
  given: readonly unknown[],
  others: readonly string[] = [],
): O & ServerPlace {
  return byName<O & ServerPlace>(name, ['host', 'port'], [...SERVER_OPTIONS, ...others], given);
}

/** Settings of all kinds of servers, and whether the protocols are the library's own. @internal */
export interface ServerPlan {
  readonly protocolFactory: () => BaseProtocol;
  readonly options: BaseServerOptions;
  readonly direct: boolean;
  /** How long connections may be silent, as `keepAliveOf` gives it; `null` when absent. */
  readonly keepAlive?: number | null | undefined;
  /** Called with the server before it listens. */
  readonly onServer?: ((server: Server) => void) | undefined;
}

const DEFAULT_BACKLOG = 100;

/**
 * Listens on TCP, or TLS, and makes a protocol for each connection.
 *
 * **Cancellation**: the server does not listen.
 *
 * Follows CPython's `loop.create_server`.
 *
 * @param protocolFactory makes the protocol of a connection
 * @param host a name or an address, a list of them, or `null` for all addresses of this machine
 * @param port 0 to 65535; 0 for a free one, which is then `server.port`
 * @throws {OSError} when it cannot listen: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`
 * @throws {GetAddrInfoError} when the name does not resolve
 * @throws {TypeError} at once, when `ssl` has no certificate
 * @throws {ValueError} at once, when the port is out of range
 */
export function createServer(
  protocolFactory: () => BaseProtocol,
  host: ServerHost,
  port: number,
  options?: ServerOptions,
): AwaitableCoroutine<Server>;
export function createServer(
  protocolFactory: () => BaseProtocol,
  options: ServerOptions & ServerPlace,
): AwaitableCoroutine<Server>;
export function createServer(
  protocolFactory: () => BaseProtocol,
  host: ServerHost,
  options: ServerOptions & ServerPlace,
): AwaitableCoroutine<Server>;
export function createServer(
  protocolFactory: () => BaseProtocol,
  ...given: readonly unknown[]
): AwaitableCoroutine<Server> {
  checkFactory('createServer', protocolFactory);
  const { host = null, port, ...options } = serverByName('createServer', given);
  return create(serverOn('createServer', host, port, options, { protocolFactory, options, direct: false }));
}

const create = /* @__PURE__ */ libraryCoroutine(function* createServer(listening: Listening) {
  return yield* listening;
});

/**
 * Begins to listen when it is run. Each function that a program calls runs it in a coroutine of its own, because debug mode, tasks and call
 * graphs tell of a coroutine by the name of its function.
 */
type Listening = Generator<unknown, Server, unknown>;

/** Checks what `name` was called with, at once. @internal */
export function serverOn(
  name: string,
  host: ServerHost,
  port: number,
  options: ServerOptions,
  plan: ServerPlan,
): Listening {
  const hosts = typeof host === 'string' && host !== '' ? [host] : host === '' ? null : host;
  if (hosts !== null) {
    if (!Array.isArray(hosts) || hosts.length === 0)
      throw typeError(`${name}: a host is required, got ${describe(host)}`);
    for (const one of hosts) checkHost(name, one);
  }
  checkPort(name, port);
  checkFamily(name, options.family ?? 0);
  const keepAlive = keepAliveOf(name, options);
  checkServerOptions(name, options);
  return listenOn(hosts, port, options, { ...plan, keepAlive });
}

function checkServerOptions(name: string, options: BaseServerOptions): void {
  const { ssl, sslHandshakeTimeout, backlog = DEFAULT_BACKLOG } = options;
  closeTimeoutOf(name, options);
  const context = serverContextOf(name, ssl);
  checkHandshakeTimeout(name, sslHandshakeTimeout);
  if (sslHandshakeTimeout !== undefined && context === null)
    throw new ValueError(`${name}: sslHandshakeTimeout is only meaningful with ssl`);
  checkWholeNumber(`${name}: backlog`, backlog, { least: 0, of: 'connections' });
}

function* listenOn(hosts: readonly string[] | null, port: number, options: ServerOptions, plan: ServerPlan): Listening {
  return yield* serve(plan, yield* placesOf(hosts, port, options));
}

/** One place for each address of the hosts. */
function* placesOf(
  hosts: readonly string[] | null,
  port: number,
  { family = 0, backlog = DEFAULT_BACKLOG, reusePort }: ServerOptions,
): Generator<unknown, ListenOptions[], unknown> {
  const common: ListenOptions = { port, backlog, exclusive: true };
  if (reusePort !== undefined) Object.assign(common, { reusePort });
  // The runtime listens on IPv4 and IPv6 with one socket, and falls back to IPv4 when there is no IPv6.
  if (hosts === null)
    return [family === 0 ? common : { ...common, host: family === 4 ? '0.0.0.0' : '::', ipv6Only: family === 6 }];
  const addresses = new Map<string, 4 | 6>();
  for (const host of hosts)
    for (const { address, family: version } of yield* resolve(host, port, family)) addresses.set(address, version);
  return [...addresses].map(([host, version]) => ({ ...common, host, ipv6Only: version === 6 }));
}

function* serve(
  { protocolFactory, options, direct, keepAlive = null, onServer }: ServerPlan,
  places: readonly Place[],
): Listening {
  const { ssl, sslHandshakeTimeout, startServing = true } = options;
  const context = serverContextOf('ssl', ssl);
  const { closeTimeout } = options;
  const loop = getRunningLoop();
  const setup = { protocolFactory, places, ssl: context, sslHandshakeTimeout, keepAlive, direct };
  const server = new Server(loop, new SocketListener(loop, setup), { closeTimeout });
  onServer?.(server);
  try {
    if (startServing) yield* server.startServing();
  } catch (error) {
    server.close();
    throw error;
  }
  return server;
}

/** Options of a server on a Unix socket. */
export interface UnixServerOptions extends BaseServerOptions {
  /** The permissions of the socket's file, such as `0o600`; according to the process's umask when absent. */
  readonly mode?: number | undefined;
}

/**
 * Listens on a Unix socket, and makes a protocol for each connection. If a crashed server has left its socket file behind, it is replaced;
 * the file is removed when the server closes.
 *
 * **Cancellation**: the server does not listen.
 *
 * Follows CPython's `loop.create_unix_server`.
 *
 * @param protocolFactory makes the protocol of a connection
 * @param path the socket's file
 * @throws {OSError} when it cannot listen: `EADDRINUSE` when the path is in use, `EACCES`, `ENOENT`
 */
export function createUnixServer(
  protocolFactory: () => BaseProtocol,
  path: string,
  options?: UnixServerOptions,
): AwaitableCoroutine<Server>;
export function createUnixServer(
  protocolFactory: () => BaseProtocol,
  options: UnixServerOptions & PathOption,
): AwaitableCoroutine<Server>;
export function createUnixServer(
  protocolFactory: () => BaseProtocol,
  ...given: readonly unknown[]
): AwaitableCoroutine<Server> {
  checkFactory('createUnixServer', protocolFactory);
  const { path, ...options } = byName<UnixServerOptions & PathOption>(
    'createUnixServer',
    ['path'],
    UNIX_SERVER_OPTIONS,
    given,
  );
  return createAt(serverAt('createUnixServer', path, options, { protocolFactory, options, direct: false }));
}

const createAt = /* @__PURE__ */ libraryCoroutine(function* createUnixServer(listening: Listening) {
  return yield* listening;
});

/** As `serverOn`. @internal */
export function serverAt(name: string, path: string, options: UnixServerOptions, plan: ServerPlan): Listening {
  checkPath(name, path);
  checkServerOptions(name, options);
  if (options.mode !== undefined && !Number.isInteger(options.mode))
    throw typeError(`${name}: mode is a number such as 0o600, got ${describe(options.mode)}`);
  const { backlog = DEFAULT_BACKLOG, mode } = options;
  return serve(plan, [{ path, backlog, mode }]);
}
