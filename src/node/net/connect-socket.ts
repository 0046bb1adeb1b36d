import { Socket, type TcpNetConnectOpts } from 'node:net';
import type { EventLoop } from '../../kernel/lowlevel.ts';
import { showAddress } from '../../streams/addresses.ts';
import { type Settle, settled } from '../waiting.ts';
import { failureOf } from './failures.ts';
import { pathFailure } from './unix-path.ts';

/** Where to connect to, and from where. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** Ignores errors until a transport listens to the socket; without a listener an error event would end the process. */
export function ignoreErrors(): void {}

/** A socket connected to an address. */
export function* connectTo(loop: EventLoop, endpoint: Endpoint): Generator<unknown, Socket, unknown> {
  const { host, port, family, localAddress, localPort } = endpoint;
  const options: TcpNetConnectOpts = { host, port, family, noDelay: true };
  if (localAddress !== undefined) Object.assign(options, { localAddress });
  if (localPort !== undefined) Object.assign(options, { localPort });
  return yield* connected(loop, options, `connect to ${showAddress(host, port)}`, undefined);
}

/** A socket connected to a Unix socket. */
export function* connectToPath(loop: EventLoop, path: string): Generator<unknown, Socket, unknown> {
  return yield* connected(loop, { path }, `connect to ${path}`, path);
}

function* connected(
  loop: EventLoop,
  options: TcpNetConnectOpts | { readonly path: string },
  what: string,
  path: string | undefined,
): Generator<unknown, Socket, unknown> {
  const socket = new Socket({ allowHalfOpen: true });
  try {
    const begin = ({ resolve, reject }: Settle<Socket>) => {
      const onConnect = () => resolve(socket);
      const onError = (error: Error) => reject(failureOf(pathFailure(error, 'connect', path), what));
      socket.on('error', ignoreErrors).once('connect', onConnect).once('error', onError);
      socket.connect(options);
      return () => socket.off('connect', onConnect).off('error', onError);
    };
    return yield* settled<Socket>(loop, { operation: what, object: null }, begin, () => socket.destroy());
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
