import { type AwaitableCoroutine, type EventLoop, getRunningLoop, libraryCoroutine } from '../../kernel/lowlevel.ts';
import type { DatagramProtocol, DatagramTransport } from '../../streams/index.ts';
import { checkFactory, type TransportAndProtocol, transportAndProtocol } from '../net/create-connection.ts';
import { boundSocket, discard } from './bound-socket.ts';
import { checkDatagramOptions, type DatagramAddress, type DatagramOptions } from './options.ts';
import { UdpTransport } from './udp-transport.ts';

/**
 * Makes a socket for datagrams (UDP) for a protocol.
 *
 * **Cancellation**: ends the attempt; no socket is left open.
 *
 * Follows CPython's `loop.create_datagram_endpoint`. A socket without a local address is bound to a free port at once.
 *
 * @param protocolFactory makes the protocol when the socket was made
 * @param options at least one of `localAddr`, `remoteAddr`, `family` and `sock`; or the two addresses by position, followed by the other
 * options
 * @returns `[transport, protocol]`, when `connectionMade` was called
 * @throws {GetAddrInfoError} when a name does not resolve
 * @throws {OSError} when no address can be bound or connected to, with the code of the reason
 * @throws {TypeError} at once, when an argument is of the wrong kind
 * @throws {ValueError} at once, when options contradict each other; when the two addresses have no IP version in common
 * @throws what the factory throws
 * @example
 * class Echo extends DatagramProtocol {
 *   #transport: DatagramTransport | null = null;
 *   override connectionMade(transport: DatagramTransport) { this.#transport = transport; }
 *   override datagramReceived(data: Uint8Array, address: DatagramAddress) { this.#transport?.sendto(data, address); }
 * }
 * const [transport] = await createDatagramEndpoint(() => new Echo(), { localAddr: ['127.0.0.1', 0] });
 * transport.close();
 */
export function createDatagramEndpoint<P extends DatagramProtocol>(
  protocolFactory: () => P,
  options: DatagramOptions,
): AwaitableCoroutine<TransportAndProtocol<DatagramTransport, P>>;
export function createDatagramEndpoint<P extends DatagramProtocol>(
  protocolFactory: () => P,
  localAddr: DatagramAddress | null,
  remoteAddr?: DatagramAddress | null,
  others?: DatagramOptions,
): AwaitableCoroutine<TransportAndProtocol<DatagramTransport, P>>;
export function createDatagramEndpoint<P extends DatagramProtocol>(
  protocolFactory: () => P,
  first: DatagramOptions | DatagramAddress | null,
  remoteAddr: DatagramAddress | null = null,
  others?: DatagramOptions,
): AwaitableCoroutine<TransportAndProtocol<DatagramTransport, P>> {
  checkFactory('createDatagramEndpoint', protocolFactory);
  const options = optionsOf(first, remoteAddr, others);
  checkDatagramOptions('createDatagramEndpoint', options);
  return create(protocolFactory, options) as AwaitableCoroutine<TransportAndProtocol<DatagramTransport, P>>;
}

/** Both addresses may be given by position, as in Python. */
function optionsOf(
  first: DatagramOptions | DatagramAddress | null,
  remoteAddr: DatagramAddress | null,
  others: DatagramOptions | undefined,
): DatagramOptions {
  // A single `null` is treated as wrong options, not as an omitted address.
  const isByPosition = isAddress(first) || (first === null && (remoteAddr !== null || others !== undefined));
  if (!isByPosition) return first as DatagramOptions;
  return { ...others, localAddr: first ?? undefined, remoteAddr: remoteAddr ?? undefined };
}

function isAddress(value: DatagramOptions | DatagramAddress | null): value is DatagramAddress {
  return Array.isArray(value);
}

const create = /* @__PURE__ */ libraryCoroutine(function* createDatagramEndpoint(
  protocolFactory: () => DatagramProtocol,
  options: DatagramOptions,
): Generator<unknown, TransportAndProtocol<DatagramTransport, DatagramProtocol>, unknown> {
  return yield* endpoint(getRunningLoop(), protocolFactory, options);
});

/** A transport whose protocol got `connectionMade`. */
export function* endpoint<P extends DatagramProtocol>(
  loop: EventLoop,
  protocolFactory: () => P,
  options: DatagramOptions,
): Generator<unknown, TransportAndProtocol<UdpTransport, P>, unknown> {
  const bound = yield* boundSocket(loop, options);
  let transport: UdpTransport | null = null;
  try {
    const protocol = protocolFactory();
    transport = new UdpTransport(loop, bound, protocol);
    yield; // the protocol is called before the caller continues
    return transportAndProtocol(transport, protocol);
  } catch (error) {
    if (transport === null) discard(bound.socket);
    else transport.close();
    throw error;
  }
}
