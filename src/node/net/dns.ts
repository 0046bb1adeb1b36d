import dns from 'node:dns';
import { isIP } from 'node:net';
import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { checkOptions } from '../../internal/options.ts';
import {
  type AwaitableCoroutine,
  getRunningLoop,
  libraryCoroutine,
  noteWait,
  wrapPromise,
} from '../../kernel/lowlevel.ts';
import { checkAddress, checkHost, checkPort, familyOf, socketAddress } from '../../streams/addresses.ts';
import type { SocketAddress } from '../../streams/index.ts';
import { failureOf, GetAddrInfoError } from './failures.ts';

/** Any version of the internet protocol. */
export const AF_UNSPEC = 0;
/** Version 4 of the internet protocol. */
export const AF_INET = 4;
/** Version 6 of the internet protocol. */
export const AF_INET6 = 6;

/** A version of the internet protocol; 0 for any. */
export type AddressFamily = 0 | 4 | 6;

/** Options of `getaddrinfo`. */
export interface GetAddrInfoOptions {
  /** Only addresses of this version: 4 or 6; 0 or absent for both. */
  readonly family?: AddressFamily | undefined;
  /** Only versions for which this machine has an address. */
  readonly addrConfig?: boolean | undefined;
}

/** An address of a host. */
export interface AddressInfoEntry {
  readonly family: 4 | 6;
  /** The address as text. */
  readonly address: string;
  readonly port: number;
  /** Both, as a list `[address, port]`. */
  readonly sockaddr: SocketAddress;
}

/**
 * The addresses of a host, in the order in which the system recommends to try them.
 *
 * **Cancellation**: ends the wait; the system's look-up goes on, and its result is dropped.
 *
 * Follows CPython's `loop.getaddrinfo`.
 *
 * @param host a name or an address; `null` for this machine
 * @param port goes into the results; 0 when absent
 * @throws {GetAddrInfoError} when the name has no address of the family, or cannot be looked up
 * @throws {TypeError} at once, when the host is not a string
 * @throws {ValueError} at once, when the port or family is invalid
 * @example
 * for (const { address, family } of await getaddrinfo('localhost', 80)) console.log(address, family);
 */
export function getaddrinfo(
  host: string | null,
  port: number | null = 0,
  options: GetAddrInfoOptions = {},
): AwaitableCoroutine<AddressInfoEntry[]> {
  checkOptions('getaddrinfo', options, ['family', 'addrConfig']);
  const { family = AF_UNSPEC, addrConfig = false } = options;
  if (host !== null) checkHost('getaddrinfo', host);
  if (port !== null) checkPort('getaddrinfo', port);
  checkFamily('getaddrinfo', family);
  return lookUp(host ?? 'localhost', port ?? 0, family, addrConfig ? dns.ADDRCONFIG : 0);
}

/** @throws {ValueError} when it is not 0, 4 or 6 */
export function checkFamily(name: string, family: unknown): asserts family is AddressFamily {
  if (family !== 0 && family !== 4 && family !== 6)
    throw new ValueError(`${name}: family is 4, 6, or 0 for both, got ${describe(family)}`, { code: 'INVALID_FAMILY' });
}

const lookUp = /* @__PURE__ */ libraryCoroutine(function* getaddrinfo(
  host: string,
  port: number,
  family: AddressFamily,
  hints: number,
): Generator<unknown, AddressInfoEntry[], unknown> {
  return yield* resolve(host, port, family, hints);
});

/** As `getaddrinfo`, for coroutines of this library. An address is not looked up. */
export function* resolve(
  host: string,
  port: number,
  family: AddressFamily,
  hints = 0,
): Generator<unknown, AddressInfoEntry[], unknown> {
  const version = isIP(host);
  if (version !== 0) {
    if (family === 0 || family === version) return [entry(host, port, familyOf(version))];
    throw new GetAddrInfoError(`no address for ${describe(host)}: it has none of version ${family}`, {
      code: 'EAI_ADDRFAMILY',
      syscall: 'getaddrinfo',
    });
  }
  const future = wrapPromise(dns.promises.lookup(host, { all: true, family, hints, verbatim: true }), {
    loop: getRunningLoop(),
  });
  noteWait(future, { operation: `getaddrinfo(${host})`, object: null });
  try {
    const found = yield* future;
    return found.map(({ address, family }) => entry(address, port, familyOf(family)));
  } catch (error) {
    throw failureOf(error, `no address for ${describe(host)}`);
  }
}

function entry(address: string, port: number, family: 4 | 6): AddressInfoEntry {
  return { family, address, port, sockaddr: socketAddress(address, port, family) };
}

/** Options of `getnameinfo`. */
export interface GetNameInfoOptions {
  /** Returns the host as an address. */
  readonly numericHost?: boolean | undefined;
  /** Returns the service as a number. */
  readonly numericService?: boolean | undefined;
}

/**
 * The names of a host and a service.
 *
 * **Cancellation**: ends the wait; the system's look-up goes on, and its result is dropped.
 *
 * Follows CPython's `loop.getnameinfo`.
 *
 * @param sockaddr an address (not a name) and a port
 * @returns `[host, service]`
 * @throws {GetAddrInfoError} when the look-up fails
 * @throws {TypeError} at once, when it is not `[address, port]`
 * @throws {ValueError} at once, when the first part is a name, or the port is out of range
 * @example
 * const [host, service] = await getnameinfo(['127.0.0.1', 80]);
 */
export function getnameinfo(
  sockaddr: readonly [host: string, port: number],
  options: GetNameInfoOptions = {},
): AwaitableCoroutine<[host: string, service: string]> {
  checkAddress('getnameinfo', sockaddr);
  if (isIP(sockaddr[0]) === 0)
    throw new ValueError(`getnameinfo: an address is required, got the name ${describe(sockaddr[0])}`);
  if (typeof options !== 'object' || options === null)
    throw typeError(`getnameinfo: options are required, got ${describe(options)}`);
  checkOptions('getnameinfo', options, ['numericHost', 'numericService']);
  return lookUpNames(sockaddr[0], sockaddr[1], options);
}

const lookUpNames = /* @__PURE__ */ libraryCoroutine(function* getnameinfo(
  address: string,
  port: number,
  { numericHost = false, numericService = false }: GetNameInfoOptions,
): Generator<unknown, [host: string, service: string], unknown> {
  if (numericHost && numericService) return [address, String(port)];
  const future = wrapPromise(dns.promises.lookupService(address, port));
  noteWait(future, { operation: `getnameinfo(${address})`, object: null });
  try {
    const { hostname, service } = yield* future;
    return [numericHost ? address : hostname, numericService ? String(port) : service];
  } catch (error) {
    throw failureOf(error, `no name for ${address}:${port}`);
  }
});
