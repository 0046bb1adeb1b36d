import type { Socket } from 'node:dgram';
import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { checkOptions } from '../../internal/options.ts';
import { checkAddress, checkHost, showAddress } from '../../streams/addresses.ts';
import { type AddressFamily, checkFamily } from '../net/dns.ts';

/** An address of a datagram: a name or an address, and a port. */
export type DatagramAddress = readonly [host: string, port: number];

/** Options of a socket for datagrams. */
export interface DatagramOptions {
  /** This side's address and port; 0 for any free port. */
  readonly localAddr?: DatagramAddress | null | undefined;
  /** The only peer: datagrams from others are not received, and all datagrams are sent there. */
  readonly remoteAddr?: DatagramAddress | null | undefined;
  /** The version of the internet protocol, 4 or 6; needed when there is neither address. */
  readonly family?: AddressFamily | undefined;
  /** Lets several sockets have the same address; the system distributes the datagrams among them (`SO_REUSEPORT`). */
  readonly reusePort?: boolean | undefined;
  /** Allows sending to broadcast addresses. A socket with `remoteAddr` then receives from others, too. */
  readonly allowBroadcast?: boolean | undefined;
  /** A socket of the runtime, instead of all other options. From then on it belongs to the transport. */
  readonly sock?: Socket | undefined;
}

/**
 * Checks options.
 *
 * @throws {TypeError} when an address is not `[host, port]`, or `sock` is not a socket
 * @throws {ValueError} when a port or family is invalid, or options contradict each other
 */
export function checkDatagramOptions(
  name: string,
  options: unknown,
  others: readonly string[] = [],
): asserts options is DatagramOptions {
  if (typeof options !== 'object' || options === null)
    throw typeError(`${name}: options are required, got ${describe(options)}; write { localAddr: ['127.0.0.1', 0] }`);
  checkOptions(name, options, [...MODIFIERS, 'sock', ...others]);
  const { localAddr, remoteAddr, family = 0, sock } = options as DatagramOptions;
  if (sock !== undefined) {
    checkSocket(name, options as DatagramOptions & { sock: unknown });
    return;
  }
  checkFamily(name, family);
  if (localAddr) checkEndpoint(`${name}: localAddr`, localAddr);
  if (remoteAddr) checkReceiver(`${name}: remoteAddr`, remoteAddr);
  if (!localAddr && !remoteAddr && family === 0) {
    throw new ValueError(
      `${name}: unexpected address family: without localAddr and remoteAddr, family must be 4 or 6`,
      {
        code: 'INVALID_FAMILY',
      },
    );
  }
}

/** Options that cannot be applied to an existing socket. */
const MODIFIERS: readonly string[] = ['localAddr', 'remoteAddr', 'family', 'reusePort', 'allowBroadcast'];

function checkSocket(name: string, { sock, ...others }: { readonly sock: unknown }): void {
  if (typeof sock !== 'object' || sock === null || !('send' in sock && 'bind' in sock))
    throw typeError(`${name}: A datagram socket was expected, got ${describe(sock)}`);
  const given = Object.entries(others).filter(([key, value]) => MODIFIERS.includes(key) && Boolean(value));
  if (given.length === 0) return;
  const problems = given.map(([key, value]) => `${key}=${describe(value)}`).join(', ');
  throw new ValueError(`${name}: socket modifier options can not be used when sock is specified (${problems})`, {
    code: 'CONTRADICTING_OPTIONS',
  });
}

function checkEndpoint(name: string, address: unknown): asserts address is DatagramAddress {
  checkAddress(name, address);
  checkHost(name, address[0]);
}

/**
 * Checks an address to send to.
 *
 * @throws {TypeError} when it is not `[host, port]`
 * @throws {ValueError} when the port cannot be a peer's port
 */
export function checkReceiver(name: string, address: unknown): asserts address is DatagramAddress {
  checkEndpoint(name, address);
  if (address[1] === 0)
    throw new ValueError(`${name}: port 0 cannot be a peer's port; give a port from 1 to 65535`, {
      code: 'INVALID_PORT',
    });
}

/** Whether two addresses are the same as they are written. */
export function isSameAddress(a: DatagramAddress, b: DatagramAddress): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** An address as messages show it. */
export function shown([host, port]: DatagramAddress): string {
  return showAddress(host, port);
}
