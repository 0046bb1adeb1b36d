import { leavesTheLoop } from '../../errors/index.ts';
import { OSError } from '../../errors/os-error.ts';
import { describe } from '../../internal/describe.ts';
import { type Context, copyContext, type EventLoop, type Task } from '../../kernel/lowlevel.ts';
import { showAddress } from '../../streams/addresses.ts';
import type { CloseTimeoutOption } from '../../streams/closing.ts';
import type { Listener, ListeningSocket, Server } from '../../streams/server.ts';
import { StreamReader } from '../../streams/stream-reader.ts';
import { type ConnectionHandler, StreamReaderProtocol } from '../../streams/stream-reader-protocol.ts';
import type { SocketAddress } from '../../streams/transports.ts';
import type { MemoryTransport } from './memory-transport.ts';

/** Where servers of a network listen, by address. */
export interface Ports {
  freePort(): number;
  bind(address: SocketAddress, listener: MemoryListener): boolean;
  unbind(address: SocketAddress): void;
  addressOf(host: string, port: number): SocketAddress;
}

/** Options of readers, and of closing their connections. */
export interface MemoryServerSetup extends CloseTimeoutOption {
  readonly limit?: number | undefined;
}

/** Accepts connections in memory. */
export class MemoryListener implements Listener {
  readonly #loop: EventLoop;
  readonly #ports: Ports;
  readonly #places: readonly (readonly [host: string, port: number])[];
  readonly #handler: ConnectionHandler;
  readonly #setup: MemoryServerSetup;
  readonly #context: Context = copyContext();
  #bound: SocketAddress[] = [];
  #server: Server | null = null;

  constructor(
    loop: EventLoop,
    ports: Ports,
    places: readonly (readonly [host: string, port: number])[],
    handler: ConnectionHandler,
    setup: MemoryServerSetup,
  ) {
    this.#loop = loop;
    this.#ports = ports;
    this.#places = places;
    this.#handler = handler;
    this.#setup = setup;
  }

  // A wait of no time: nothing takes time here, but a server of the runtime listens no sooner than an iteration later.
  *listen(server: Server): Generator<unknown, readonly ListeningSocket[], unknown> {
    yield;
    for (const [host, wanted] of this.#places) {
      const port = wanted === 0 ? this.#ports.freePort() : wanted;
      const address = this.#ports.addressOf(host, port);
      if (!this.#ports.bind(address, this)) {
        this.stop();
        throw inUse(address);
      }
      this.#bound.push(address);
    }
    this.#server = server;
    return this.#bound.map((address) => new MemorySocket(address));
  }

  stop(): void {
    for (const address of this.#bound) this.#ports.unbind(address);
    this.#bound = [];
    this.#server = null;
  }

  /** Begins to serve a connection; refuses it where the server is closed meanwhile. */
  accept(transport: MemoryTransport): void {
    const server = this.#server;
    if (server === null || transport.isClosing()) {
      transport.refuse();
      return;
    }
    try {
      const { limit, closeTimeout } = this.#setup;
      const loop = this.#loop;
      const reader = new StreamReader({ limit, loop });
      const onTask = (task: Task<unknown>): void => server.noteHandler(task);
      const protocol = new StreamReaderProtocol(reader, this.#handler, { loop, closeTimeout, onTask });
      this.#context.run(() => transport.open(protocol, server, reader));
    } catch (exception) {
      if (leavesTheLoop(exception)) throw exception;
      transport.refuse();
      const message = 'Error on transport creation for incoming connection';
      this.#loop.callExceptionHandler({ message, exception, server });
    }
  }

  toString(): string {
    return `<MemoryListener ${describe(this.#places.map((place) => showAddress(...place)))}>`;
  }
}

/** A place where a server listens in memory. */
class MemorySocket implements ListeningSocket {
  readonly #address: SocketAddress;

  constructor(address: SocketAddress) {
    this.#address = address;
  }

  getsockname(): SocketAddress {
    return this.#address;
  }

  address(): { readonly address: string; readonly family: string; readonly port: number } {
    return { address: this.host, family: 'IPv4', port: this.port };
  }

  get host(): string {
    return this.#address.host;
  }

  get port(): number {
    return this.#address.port;
  }

  get family(): 4 {
    return 4;
  }

  toString(): string {
    return showAddress(this.host, this.port);
  }
}

function inUse({ host, port }: SocketAddress): OSError {
  const where = showAddress(host, port);
  return new OSError(`cannot listen on ${where}: listen EADDRINUSE: address already in use ${where}`, {
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: host,
    port,
  });
}
