import { stat, unlink } from 'node:fs/promises';
import type { AddressInfo, ListenOptions, Server as NetServer } from 'node:net';
import { type EventLoop, wrapPromise } from '../kernel/lowlevel.ts';
import type { SocketName } from '../streams/index.ts';
import { boundAddress, familyOf, showAddress } from './addresses.ts';
import { ignoreErrors } from './connect-socket.ts';
import { failureOf } from './failures.ts';
import { settled } from './waiting.ts';

/** Lets a server of the runtime listen. */
export function* listen(loop: EventLoop, server: NetServer, options: ListenOptions): Generator<unknown, void, unknown> {
  const where = options.path ?? showAddress(options.host, options.port ?? 0);
  if (options.path !== undefined) yield* removeStale(loop, options.path);
  yield* settled<void>(loop, { operation: `listen on ${where}`, object: null }, ({ resolve, reject }) => {
    const onError = (error: Error) => reject(failureOf(error, `cannot listen on ${where}`));
    server.once('listening', resolve).once('error', onError);
    server.listen(options);
    return () => server.off('listening', resolve).off('error', onError);
  });
}

/** A socket's file that its server has left behind would be in the way; anything else must stay. */
function* removeStale(loop: EventLoop, path: string): Generator<unknown, void, unknown> {
  if (path.startsWith('\0')) return;
  yield* wrapPromise(removeSocketFile(path), { loop });
}

async function removeSocketFile(path: string): Promise<void> {
  try {
    if ((await stat(path)).isSocket()) await unlink(path);
  } catch {
    // There is none, or listening will say what is wrong with it.
  }
}

/** A place where a server listens. */
export class ListeningSocket {
  readonly #name: SocketName | undefined;
  readonly #server: NetServer;

  constructor(server: NetServer) {
    this.#server = server;
    this.#name = boundAddress(server.address());
  }

  /** `[host, port]`, or the path of a Unix socket. Follows CPython's `socket.getsockname`. */
  getsockname(): SocketName {
    return this.#name ?? '';
  }

  /** As Node's `server.address()`. */
  address(): AddressInfo | string | null {
    return this.#server.address();
  }

  /** The address that it listens at; the path of a Unix socket. */
  get host(): string {
    return typeof this.#name === 'string' ? this.#name : (this.#name?.host ?? '');
  }

  /** The port that it listens at; 0 for a Unix socket. */
  get port(): number {
    return typeof this.#name === 'object' ? this.#name.port : 0;
  }

  /** 4 or 6, `null` for a Unix socket. */
  get family(): 4 | 6 | null {
    return typeof this.#name === 'object' ? familyOf(this.#name.family) : null;
  }

  toString(): string {
    return typeof this.#name === 'object' ? showAddress(this.host, this.port) : this.host;
  }
}

/** Stops servers of the runtime. One that is about to listen stops when it does. */
export function stopAll(servers: readonly NetServer[]): void {
  for (const server of servers) {
    if (server.listening) server.close();
    else server.once('listening', () => server.close()).on('error', ignoreErrors);
  }
}
