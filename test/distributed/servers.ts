import { createConnection, createServer, type Server as NetServer, type Socket } from 'node:net';
import { sleep, wrapPromise } from 'asyncio-ts';
import type { RestartOptions, Servers } from '../recipes/lib/servers.ts';

/** A store that was started for the checks. */
export interface TestServer {
  /** Where it is itself: for checks that restart it, which notice it all. */
  readonly address: string;
  /** A way in for one check, so that checks beside it do not notice when it is shut. */
  door(): Promise<TestDoor>;
  /** Ends its process, and starts another one on the same data. */
  restart(options: RestartOptions): Promise<void>;
}

/** A way to a store that can be shut. */
export interface TestDoor {
  readonly address: string;
  /** Cuts all connections, and lets none in for a moment: what clients see of a network that fails. */
  interrupt(): Promise<void>;
}

/** How long the door stays shut, in seconds. */
const SHUT = 1;

/** Passes connections on to a port, until it is shut. */
class Door {
  readonly #to: number;
  readonly #sockets = new Set<Socket>();
  readonly #server: NetServer;
  #isShut = false;

  constructor(to: number) {
    this.#to = to;
    this.#server = createServer((socket) => this.#pass(socket));
    this.#server.unref();
  }

  async open(): Promise<number> {
    await wrapPromise(new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve)));
    return (this.#server.address() as { readonly port: number }).port;
  }

  #pass(socket: Socket): void {
    if (this.#isShut) {
      socket.destroy();
      return;
    }
    const inner = createConnection(this.#to, '127.0.0.1');
    socket.setNoDelay(true);
    inner.setNoDelay(true);
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      this.#sockets.add(one);
      one.unref();
      one.pipe(other);
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }

  async interrupt(): Promise<void> {
    this.#isShut = true;
    for (const socket of this.#sockets) socket.destroy();
    await sleep(SHUT);
    this.#isShut = false;
  }
}

/** The kinds of stores, as `Servers` starts them, with the addresses of their ports. */
const START: Readonly<
  Record<string, { start(servers: Servers): ReturnType<Servers['redis']>; address(port: number): string }>
> = {
  redis: { start: (servers) => servers.redis(), address: (port) => `redis://127.0.0.1:${port}` },
  postgres: {
    start: (servers) => servers.postgres(),
    address: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  },
  nats: { start: (servers) => servers.nats(), address: (port) => `nats://127.0.0.1:${port}` },
};

/** @throws {Missing} when it is not installed */
export async function startServer(kind: string, servers: Servers): Promise<TestServer> {
  const { start, address } = START[kind]!;
  const server = await start(servers);
  return {
    address: address(server.port),
    door: async () => {
      const door = new Door(server.port);
      return { address: address(await door.open()), interrupt: () => door.interrupt() };
    },
    restart: (options) => server.restart(options),
  };
}
