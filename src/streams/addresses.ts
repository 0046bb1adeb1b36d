import { ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkWholeNumber } from '../internal/whole-number.ts';
import type { SocketAddress } from './transports.ts';

/** An address as a list whose parts are also available by name. */
export function socketAddress(host: string, port: number, family: 4 | 6): SocketAddress {
  const address = [host, port];
  // Not enumerable: as in Python it is a list, and equal to any other list of the same two values.
  Object.defineProperties(address, { host: { value: host }, port: { value: port }, family: { value: family } });
  return address as readonly unknown[] as SocketAddress;
}

/** The version of the internet protocol, from the runtime's name for it. */
export function familyOf(name: string | number | undefined): 4 | 6 {
  return name === 'IPv6' || name === 6 ? 6 : 4;
}

/** An address as messages show it. */
export function showAddress(host: string | null | undefined, port: number | string | null): string {
  const name = host ?? '*';
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** What no host name begins with. */
const URL_BEGINS = /^[a-z][a-z\d+.-]*:\/\//i;

/**
 * Checks a host name or address.
 *
 * @throws {TypeError} when it is not a string
 * @throws {ValueError} when it is a URL
 */
export function checkHost(name: string, host: unknown): asserts host is string {
  if (typeof host === 'string' && host !== '') {
    if (!URL_BEGINS.test(host)) return;
    throw new ValueError(
      `${name}: a host name or address is required, got the URL ${describe(host)}; write the host alone, then the port: ` +
        "('example.com', 443)",
      { code: 'HOST_IS_URL' },
    );
  }
  throw typeError(`${name}: a host name or address is required, got ${describe(host)}; host comes before port`);
}

/**
 * Checks a port.
 *
 * @throws {TypeError} when it is not a number
 * @throws {ValueError} when it is not from 0 to 65535
 */
export function checkPort(name: string, port: unknown): asserts port is number {
  if (typeof port !== 'number')
    throw typeError(`${name}: a port must be a number, got ${describe(port)}; write (host, port) or { host, port }`);
  checkWholeNumber(`${name}: a port`, port, { least: 0, most: 65_535, code: 'INVALID_PORT' });
}

/**
 * Checks a local or remote address.
 *
 * @throws {TypeError} when it is not a list of a host and a port
 * @throws {ValueError} when the port is out of range
 */
export function checkAddress(name: string, address: unknown): asserts address is readonly [host: string, port: number] {
  if (!Array.isArray(address) || address.length < 2)
    throw typeError(`${name}: an address is [host, port], got ${describe(address)}`);
  if (typeof address[0] !== 'string') throw typeError(`${name}: an address is [host, port], got ${describe(address)}`);
  checkPort(name, address[1]);
}
