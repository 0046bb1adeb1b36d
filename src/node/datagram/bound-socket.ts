import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import dns from 'node:dns';
import { isIP } from 'node:net';
import { ValueError } from '../../errors/index.ts';
import type { EventLoop } from '../../kernel/lowlevel.ts';
import { familyOf, showAddress, socketAddress } from '../../streams/addresses.ts';
import type { SocketAddress } from '../../streams/index.ts';
import { type AddressFamily, resolve } from '../net/dns.ts';
import { failureOf } from '../net/failures.ts';
import { settled } from '../waiting.ts';
import type { DatagramAddress, DatagramOptions } from './options.ts';

/** A socket that is ready, with the addresses that it is bound and connected to. */
export interface BoundSocket {
  readonly socket: Socket;
  readonly sockname: SocketAddress | undefined;
  /** The peer to which the system has connected it. */
  readonly peername: SocketAddress | undefined;
  /** Whether only the runtime knows the peer, so that the system delivers datagrams from all addresses. */
  readonly playsConnected: boolean;
  /** The peer to which all datagrams are sent, whether or not the system has connected it. */
  readonly remote: SocketAddress | null;
}

/** Addresses of one version of the protocol. */
interface Pair {
  readonly family: 4 | 6;
  readonly local: SocketAddress | null;
  readonly remote: SocketAddress | null;
}

/**
 * Makes a socket for some options, with the first pair of addresses that works.
 *
 * @throws {GetAddrInfoError} when a name does not resolve
 * @throws {OSError} the error of the first pair
 */
export function* boundSocket(loop: EventLoop, options: DatagramOptions): Generator<unknown, BoundSocket, unknown> {
  if (options.sock !== undefined) return yield* takenOver(loop, options.sock);
  const failures: unknown[] = [];
  for (const pair of yield* pairs(options)) {
    const socket = createSocket(socketOptions(pair.family, options));
    try {
      yield* bind(loop, socket, pair.local, options.allowBroadcast === true);
      if (pair.remote !== null && options.allowBroadcast !== true) yield* connect(loop, socket, pair.remote);
      return { socket, ...namesOf(socket), remote: pair.remote };
    } catch (error) {
      discard(socket);
      // Cancelled, or an error that has nothing to do with the addresses.
      if (!isOfTheSystem(error)) throw error;
      failures.push(failureOf(error, what(pair)));
    }
  }
  throw failures[0];
}

function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function what({ local, remote }: Pair): string {
  const parts: string[] = [];
  if (local !== null) parts.push(`bind to ${showAddress(local.host, local.port)}`);
  if (remote !== null) parts.push(`connect to ${showAddress(remote.host, remote.port)}`);
  return parts.length === 0 ? 'make a socket for datagrams' : parts.join(' and ');
}

/** The addresses by version of the protocol, in the order in which the system recommends to try them. */
function* pairs({ localAddr, remoteAddr, family = 0 }: DatagramOptions): Generator<unknown, Pair[], unknown> {
  if (!localAddr && !remoteAddr) return [{ family: familyOf(family), local: null, remote: null }];
  const local = localAddr ? yield* byFamily(localAddr, family) : null;
  const remote = remoteAddr ? yield* byFamily(remoteAddr, family) : null;
  const found: Pair[] = [];
  for (const version of (local ?? remote ?? new Map<4 | 6, SocketAddress>()).keys()) {
    const here = local?.get(version) ?? null;
    const there = remote?.get(version) ?? null;
    if ((local === null) === (here === null) && (remote === null) === (there === null))
      found.push({ family: version, local: here, remote: there });
  }
  if (found.length > 0) return found;
  throw new ValueError(
    `can not get address information: localAddr ${localAddr} and remoteAddr ${remoteAddr} have no version of the internet protocol (IPv4 or IPv6) in common`,
    { code: 'NO_COMMON_FAMILY' },
  );
}

function* byFamily(
  [host, port]: DatagramAddress,
  family: AddressFamily,
): Generator<unknown, Map<4 | 6, SocketAddress>, unknown> {
  const addresses = new Map<4 | 6, SocketAddress>();
  // As in CPython, the last one of each version.
  for (const { family: version, sockaddr } of yield* resolve(host, port, family)) addresses.set(version, sockaddr);
  return addresses;
}

/** Options of Node 22.12 and later, which are missing in some of its types. */
type Options = SocketOptions & { readonly reusePort?: boolean };

function socketOptions(family: 4 | 6, { reusePort = false }: DatagramOptions): Options {
  const options: Options = { type: family === 6 ? 'udp6' : 'udp4', lookup: lookUp as NonNullable<Options['lookup']> };
  return reusePort ? { ...options, reusePort } : options;
}

type LookedUp = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;

/** Looks up names only: an address need not wait for the next turn, so that datagrams are sent at once. */
function lookUp(host: string, options: dns.LookupOneOptions, callback: LookedUp): void {
  const version = isIP(host);
  if (version !== 0) callback(null, host, version);
  else dns.lookup(host, options, callback);
}

function* bind(
  loop: EventLoop,
  socket: Socket,
  local: SocketAddress | null,
  allowBroadcast: boolean,
): Generator<unknown, void, unknown> {
  yield* settled<void>(loop, { operation: 'bind', object: local }, (settle) => {
    const bound = (): void => settle.resolve();
    socket.on('listening', bound).on('error', settle.reject);
    if (local === null) socket.bind();
    else socket.bind({ address: local.host, port: local.port, exclusive: true });
    return () => socket.off('listening', bound).off('error', settle.reject);
  });
  if (allowBroadcast) socket.setBroadcast(true);
}

function* connect(loop: EventLoop, socket: Socket, remote: SocketAddress): Generator<unknown, void, unknown> {
  yield* settled<void>(loop, { operation: 'connect', object: remote }, (settle) => {
    socket.on('error', settle.reject);
    socket.connect(remote.port, remote.host, (error?: unknown) => {
      if (error instanceof Error) settle.reject(error);
      else settle.resolve();
    });
    return () => socket.off('error', settle.reject);
  });
}

/** A socket that a program has made; one that is not bound yet gets a free port. */
function* takenOver(loop: EventLoop, socket: Socket): Generator<unknown, BoundSocket, unknown> {
  try {
    if (namesOf(socket).sockname === undefined) yield* bind(loop, socket, null, false);
    return { socket, ...namesOf(socket), remote: null };
  } catch (error) {
    discard(socket);
    throw failureOf(error);
  }
}

/** The local address of a socket that the system has not connected. For a connected one the system would know it. */
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

function namesOf(socket: Socket): Pick<BoundSocket, 'sockname' | 'peername' | 'playsConnected'> {
  const sockname = nameOf(() => socket.address());
  const peername = nameOf(() => socket.remoteAddress());
  const playsConnected =
    peername !== undefined && ('deno' in process.versions || WILDCARDS.includes(sockname?.host ?? ''));
  return { sockname, peername, playsConnected };
}

function nameOf(ask: () => ReturnType<Socket['address']>): SocketAddress | undefined {
  try {
    const { address, port, family } = ask();
    return port === 0 ? undefined : socketAddress(address, port, familyOf(family));
  } catch {
    return undefined; // not bound, or not connected
  }
}

/** Closes a socket that is not passed to the caller. */
export function discard(socket: Socket): void {
  socket.on('error', () => {}); // it may still fail to bind
  try {
    socket.close();
  } catch {
    // closed already
  }
}
