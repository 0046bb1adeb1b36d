import { nameOfClass } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import type { EventLoop } from '../../kernel/lowlevel.ts';
import type { SocketAddress } from '../../streams/transports.ts';
import type { Faults } from './faults.ts';
import { Flow, type FlowSettings } from './flow.ts';
import { Lane, type Road } from './lane.ts';
import { MemoryTransport } from './memory-transport.ts';

/** What a connection needs to know. */
export interface ConnectionParts {
  readonly loop: EventLoop;
  readonly road: Road;
  /** The present ones, which `configure()` changes. */
  readonly settings: () => FlowSettings;
  readonly faults: Faults;
  readonly client: SocketAddress;
  readonly server: SocketAddress;
  /** Called when both ends are closed. */
  readonly onClosed: (connection: MemoryConnection) => void;
}

/** One of the two ends of a connection. */
export type ConnectionSide = 'client' | 'server';

/** A connection of a `MemoryNetwork`, to be disturbed by a test. `net.connections` has those that are open. */
export class MemoryConnection {
  static {
    inspectAsText(MemoryConnection.prototype);
  }

  /** The address of the one that has connected. */
  readonly client: SocketAddress;
  /** The address of the server. */
  readonly server: SocketAddress;
  readonly #toServer: Flow;
  readonly #toClient: Flow;
  readonly #transports: Readonly<Record<ConnectionSide, MemoryTransport>>;
  #open = 2;

  /** Made by `openConnection`. @internal */
  constructor({ loop, road, settings, faults, client, server, onClosed }: ConnectionParts) {
    this.client = client;
    this.server = server;
    const reset = (): void => this.reset();
    const flow = (from: SocketAddress, to: SocketAddress): Flow =>
      new Flow(`${from.join(':')} → ${to.join(':')}`, new Lane(road, from.host, to.host), settings, faults, reset);
    this.#toServer = flow(client, server);
    this.#toClient = flow(server, client);
    const closed = (): void => {
      this.#open--;
      if (this.#open === 0) onClosed(this);
    };
    const common = { loop, onClosed: closed };
    const [toServer, toClient] = [this.#toServer, this.#toClient];
    this.#transports = {
      client: new MemoryTransport({
        ...common,
        incoming: toClient,
        outgoing: toServer,
        peername: server,
        sockname: client,
      }),
      server: new MemoryTransport({
        ...common,
        incoming: toServer,
        outgoing: toClient,
        peername: client,
        sockname: server,
      }),
    };
  }

  /** The transport of one end. @internal */
  transportOf(side: ConnectionSide): MemoryTransport {
    return this.#transports[side];
  }

  /**
   * Resets the connection: what is on its way is lost, and both ends fail with a `ConnectionResetError` when the reset has reached them.
   */
  reset(): void {
    this.#toServer.reset();
    this.#toClient.reset();
  }

  /**
   * Ends one direction: the other end sees the end of the stream when it has reached it. What was on its way, and what is still written,
   * never arrives.
   *
   * @param side the one whose bytes do not arrive any more
   */
  halfClose(side: ConnectionSide): void {
    (side === 'client' ? this.#toServer : this.#toClient).cutOff();
  }

  toString(): string {
    return `<${nameOfClass(this)} ${this.client.join(':')} → ${this.server.join(':')}>`;
  }
}
