import type { Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { familyOf, socketAddress } from '../../streams/addresses.ts';
import type { SocketName } from '../../streams/index.ts';

/** The addresses of a socket, recorded because the socket forgets them when it is closed. */
export interface KnownNames {
  readonly peername: SocketName | undefined;
  readonly sockname: SocketName | undefined;
}

export function namesOf(socket: Socket): KnownNames {
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, localFamily } = socket;
  return {
    peername: name(remoteAddress, remotePort, remoteFamily),
    sockname: name(localAddress, localPort, localFamily),
  };
}

function name(host: string | undefined, port: number | undefined, family: string | undefined): SocketName | undefined {
  return host === undefined || port === undefined ? undefined : socketAddress(host, port, familyOf(family));
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
