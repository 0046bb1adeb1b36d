import { chmodSync, renameSync, statSync } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import type { AddressInfo, ListenOptions, Server as NetServer } from 'node:net';
import { type EventLoop, wrapPromise } from '../../kernel/lowlevel.ts';
import { familyOf, showAddress, socketAddress } from '../../streams/addresses.ts';
import type { ListeningSocket, SocketName } from '../../streams/index.ts';
import { type Settle, settled } from '../waiting.ts';
import { ignoreErrors } from './connect-socket.ts';
import { failureOf } from './failures.ts';
import { isAbstract, pathFailure } from './unix-path.ts';

/** Where to listen. */
export interface Place extends ListenOptions {
  /** The permissions of a Unix socket's file. */
  readonly mode?: number | undefined;
}

/** Lets a server of the runtime listen. */
export function* listen(
  loop: EventLoop,
  server: NetServer,
  { mode, ...options }: Place,
): Generator<unknown, void, unknown> {
  const where = options.path ?? showAddress(options.host, options.port ?? 0);
  if (options.path !== undefined) yield* removeStale(loop, options.path);
  const begin = ({ resolve, reject }: Settle<void>) => {
    const onError = (error: Error) =>
      reject(failureOf(pathFailure(error, 'listen', options.path), `cannot listen on ${where}`));
    server.once('listening', resolve).once('error', onError);
    server.listen(options);
    return () => server.off('listening', resolve).off('error', onError);
  };
  yield* settled<void>(loop, { operation: `listen on ${where}`, object: null }, begin, () => stopAll([server]));
  if (options.path === undefined || isAbstract(options.path)) return;
  if (mode !== undefined) chmodSync(options.path, mode);
  files.set(server, { path: options.path, number: numberOf(options.path) });
}

/** The files of listening Unix sockets, with their inode numbers. */
const files = new WeakMap<NetServer, { readonly path: string; readonly number: number | null }>();

function numberOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.ino ?? null;
}

/** Stops a server. The runtime removes the file at its path in any case, but a file of another server that has replaced it must stay. */
function stop(server: NetServer): void {
  const file = files.get(server);
  const present = file === undefined ? null : numberOf(file.path);
  if (file === undefined || present === null || present === file.number) {
    server.close();
    return;
  }
  const aside = `${file.path}.${present}`;
  renameSync(file.path, aside);
  server.close();
  renameSync(aside, file.path);
}

/** Removes a socket file that a crashed server has left behind; any other file must stay. */
function* removeStale(loop: EventLoop, file: string): Generator<unknown, void, unknown> {
  if (isAbstract(file)) return;
  yield* wrapPromise(removeSocketFile(file), { loop });
}

async function removeSocketFile(file: string): Promise<void> {
  try {
    if ((await stat(file)).isSocket()) await unlink(file);
  } catch {
    // There is no file, or listening will report what is wrong with it.
  }
}

/** A place where a server listens, on a socket of the runtime. */
export class BoundSocket implements ListeningSocket {
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

/** Stops servers of the runtime. A server that is just starting to listen is stopped when it listens. */
export function stopAll(servers: readonly NetServer[]): void {
  for (const server of servers) {
    if (server.listening) stop(server);
    else server.once('listening', () => server.close()).on('error', ignoreErrors);
  }
}

/** An address in the form of the runtime. */
function boundAddress(address: AddressInfo | string | null): SocketName | undefined {
  if (address === null || typeof address === 'string') return address ?? undefined;
  return socketAddress(address.address, address.port, familyOf(address.family));
}
