import { Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { familyOf, socketAddress } from '../../streams/addresses.ts';
import type { SocketAddress, SocketName } from '../../streams/index.ts';

/** The addresses of a socket, recorded because the socket forgets them when it is closed. */
export interface KnownNames {
  readonly peername: SocketName | undefined;
  readonly sockname: SocketName | undefined;
}

export function namesOf(socket: Socket): KnownNames {
  return new SocketNames(socket);
}

/** The addresses of a socket. Few programs ask for them, so until then they are kept as strings and numbers, which take the least memory. */
class SocketNames implements KnownNames {
  #peer: SocketAddress | string | undefined = undefined;
  #peerPort = 0;
  #own: SocketAddress | string | undefined = undefined;
  #ownPort = 0;

  constructor(socket: Socket) {
    if (askHandle(socket, 'getpeername')) {
      this.#peer = kept(asked.address);
      this.#peerPort = asked.port;
      if (!askHandle(socket, 'getsockname')) return;
      this.#own = kept(asked.address);
      this.#ownPort = asked.port;
      return;
    }
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    if (remoteAddress !== undefined && remotePort !== undefined) {
      this.#peer = remoteAddress;
      this.#peerPort = remotePort;
    }
    if (localAddress !== undefined && localPort !== undefined) {
      this.#own = localAddress;
      this.#ownPort = localPort;
    }
  }

  get peername(): SocketName | undefined {
    if (typeof this.#peer === 'string') this.#peer = addressOf(this.#peer, this.#peerPort);
    return this.#peer;
  }

  get sockname(): SocketName | undefined {
    if (typeof this.#own === 'string') this.#own = addressOf(this.#own, this.#ownPort);
    return this.#own;
  }
}

function addressOf(host: string, port: number): SocketAddress {
  return socketAddress(host, port, familyOf(host.includes(':') ? 6 : 4));
}

type Question = 'getpeername' | 'getsockname';
type Handle = { readonly [question in Question]?: (answer: object) => number };

/** What a handle has answered last: one object for all questions. */
const asked = { address: '', family: '', port: 0 };

/**
 * Asks the handle of a socket for an address. The socket itself would keep the answer, two objects for as long as it lives. False where
 * handles cannot be asked, or have no answer.
 */
function askHandle(socket: Socket, question: Question): boolean {
  if (Object.getPrototypeOf(socket) !== Socket.prototype || 'bun' in process.versions || 'deno' in process.versions)
    return false;
  const { _handle: handle } = socket as Socket & { readonly _handle?: Handle | null };
  if (typeof handle?.[question] !== 'function') return false;
  asked.address = '';
  asked.port = -1;
  return handle[question](asked) === 0 && asked.address !== '' && asked.port >= 0;
}

/** The hosts of the last two answers that differed: a server's own host is the same for nearly all connections, a proxy's is as well. */
let [latest, earlier] = ['', ''];

/** The same string for the same host, where that comes again soon. */
function kept(host: string): string {
  if (host === latest) return latest;
  const known = host === earlier ? earlier : host;
  earlier = latest;
  latest = known;
  return known;
}

const PYTHON_NAMES: Readonly<Record<string, string>> = { ssl_object: 'sslObject', sslcontext: 'sslObject' };

/** The information about a socket for a name of `getExtraInfo`. */
export function extraInfoOf(socket: Socket | TLSSocket, names: KnownNames, asked: string): unknown {
  const info = PYTHON_NAMES[asked] ?? asked;
  switch (info) {
    case 'peername':
      return names.peername;
    case 'sockname':
      return names.sockname;
    case 'socket':
      return socket;
    default:
      return isEncrypted(socket) ? tlsInfoOf(socket, info) : undefined;
  }
}

export function isEncrypted(socket: Socket | TLSSocket): socket is TLSSocket {
  return 'encrypted' in socket && socket.encrypted === true;
}

function tlsInfoOf(socket: TLSSocket, info: string): unknown {
  switch (info) {
    case 'sslObject':
      return socket;
    case 'peercert': {
      const certificate: Partial<PeerCertificate> | null = socket.getPeerCertificate();
      return certificate?.subject === undefined ? undefined : certificate;
    }
    case 'cipher': {
      const cipher = socket.getCipher();
      return cipher && ([cipher.standardName ?? cipher.name, socket.getProtocol() ?? cipher.version, null] as const);
    }
    case 'alpnProtocol':
      return socket.alpnProtocol || null;
    default:
      return undefined;
  }
}
