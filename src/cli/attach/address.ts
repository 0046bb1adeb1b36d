/** Where a server of this machine is reached. */
export interface Address {
  /** As a client writes it: the one of this machine where the server listens at all of them. */
  readonly host: string;
  readonly port: number;
}

/** Brackets around an address of IPv6 are taken off, and an address that stands for all becomes one that can be reached. */
export function addressOf(host: string, port: number): Address {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare === '' || bare === '*' || bare === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: bare === '::' ? '::1' : bare, port };
}

/** As in a URL. */
export function textOf({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Each of them once. */
export function unique(addresses: Iterable<Address>): Address[] {
  return [...new Map([...addresses].map((address) => [textOf(address), address])).values()];
}
