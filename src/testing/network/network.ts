import { RuntimeError, ValueError } from '../../errors/index.ts';
import { ConnectionRefusedError } from '../../errors/os-error.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import { byName } from '../../internal/keywords.ts';
import { checkOptions } from '../../internal/options.ts';
import { type AwaitableCoroutine, failWith, libraryCoroutine, newWait, release } from '../../kernel/lowlevel.ts';
import { checkAddress, checkHost, checkPort, showAddress, socketAddress } from '../../streams/addresses.ts';
import { type CloseTimeoutOption, closeTimeoutOf } from '../../streams/closing.ts';
import { checkByteLimit } from '../../streams/limit.ts';
import { Server } from '../../streams/server.ts';
import { type StreamPair, streamPair } from '../../streams/stream-pair.ts';
import { StreamReader } from '../../streams/stream-reader.ts';
import { type ConnectionHandler, StreamReaderProtocol } from '../../streams/stream-reader-protocol.ts';
import { StreamWriter } from '../../streams/stream-writer.ts';
import type { SocketAddress } from '../../streams/transports.ts';
import { simulationAround } from '../inside.ts';
import type { Arrival } from '../simulation/arrivals.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { MemoryConnection } from './connection.ts';
import { Faults, type NetworkFaults } from './faults.ts';
import { Lane, type Road } from './lane.ts';
import { MemoryListener, type Ports } from './listener.ts';
import { type NetworkDisturbance, Partitions } from './partitions.ts';
import { changed, DEFAULTS, type NetworkSettings, SETTINGS, type Settings } from './settings.ts';

/** Options of a `MemoryNetwork`. */
export interface MemoryNetworkOptions extends NetworkSettings {
  /** The faults that `explore` may try out. Default: none. */
  readonly faults?: NetworkFaults | undefined;
  /** Begins the drawing of latencies that are a range, where nobody decides: a whole number. Default: 1. */
  readonly seed?: number | undefined;
}

/** Options of connections in memory. */
export interface MemoryConnectionOptions extends CloseTimeoutOption {
  /** The longest line, in bytes; 64 KiB when absent. When a reader holds twice as much, the peer is slowed down. */
  readonly limit?: number | undefined;
  /** This side's host and port; 0 for a free port. */
  readonly localAddr?: readonly [host: string, port: number] | undefined;
}

/** Options of servers in memory. */
export interface MemoryServerOptions extends CloseTimeoutOption {
  /** The longest line, in bytes; 64 KiB when absent. When a reader holds twice as much, the peer is slowed down. */
  readonly limit?: number | undefined;
  /** `false`: the server does not listen before `startServing()` or `serveForever()`. */
  readonly startServing?: boolean | undefined;
}

/** Where to connect to, by name. */
export interface MemoryPlace {
  readonly host?: string | null | undefined;
  readonly port?: number | null | undefined;
}

/** Where to listen, by name. */
export interface MemoryServerPlace {
  /** The host that calls when absent. */
  readonly host?: string | readonly string[] | null | undefined;
  /** 0 to 65535; 0 for a free one, which is then `server.port`. */
  readonly port: number;
}

const CONNECTION_OPTIONS = ['limit', 'localAddr', 'closeTimeout'];
const SERVER_OPTIONS = ['limit', 'startServing', 'closeTimeout'];
/** What programs give to `openConnection` and `startServer` of `asyncio-ts/node`, and what means nothing here. */
const CONNECTION_OPTIONS_OF_SYSTEM = ['family', 'keepAlive', 'happyEyeballsDelay', 'interleave', 'allErrors'];
const SERVER_OPTIONS_OF_SYSTEM = ['family', 'keepAlive', 'backlog', 'reusePort'];
const TLS = ['ssl', 'serverHostname', 'sslHandshakeTimeout'];

const LOCAL = 'localhost';
/** What a host calls itself, or all of its addresses. */
const OWN_NAMES: ReadonlySet<string> = new Set(['', LOCAL, '0.0.0.0', '::', '127.0.0.1', '::1']);
const FIRST_FREE_PORT = 49_152;

/** A machine of a `MemoryNetwork`: `net.host('a')`. */
export interface MemoryHost {
  readonly name: string;
  /** Connects from this host. As `openConnection` of the network. */
  openConnection(host: string, port: number, options?: MemoryConnectionOptions): AwaitableCoroutine<StreamPair>;
  openConnection(options: MemoryConnectionOptions & MemoryPlace): AwaitableCoroutine<StreamPair>;
  /** Listens on this host. As `startServer` of the network. */
  startServer(
    handler: ConnectionHandler,
    host: string | readonly string[] | null,
    port: number,
    options?: MemoryServerOptions,
  ): AwaitableCoroutine<Server>;
  startServer(handler: ConnectionHandler, options: MemoryServerOptions & MemoryServerPlace): AwaitableCoroutine<Server>;
}

/**
 * A network in memory for simulated programs: the library's streams and servers on connections whose latency, order and faults are decided
 * by the test, or by `explore`. Programs that get `openConnection` and `startServer` as parameters run on it unchanged.
 *
 * Connections behave as those of a system: bytes arrive in order within a connection, and in any order between connections; a reader that
 * does not read slows its writer down; each side ends by itself; what arrives at an end that was closed long ago resets the connection. Names
 * of hosts are any strings; `localhost` and the like are the host that calls. There is no TLS.
 *
 * A network belongs to one run of a program: make it inside of the program.
 *
 * @example
 * const answer = await runVirtual(async () => {
 *   const net = new MemoryNetwork({ latency: 0.05 });
 *   const server = await net.startServer(async (reader, writer) => {
 *     await using _ = writer;
 *     for await (const line of reader) writer.write(line);
 *   }, 'server', 7);
 *   const { reader, writer } = await net.openConnection('server', 7);
 *   writer.write('hello\n');
 *   const line = await reader.readline({ encoding: 'utf-8' });
 *   writer.close();
 *   await server.shutdown(5);
 *   return line.trimEnd();
 * });
 * console.log(answer); // hello
 */
export class MemoryNetwork {
  static {
    inspectAsText(MemoryNetwork.prototype);
  }

  readonly #simulation: Simulation;
  readonly #run: number;
  readonly #faults: Faults;
  readonly #partitions = new Partitions();
  /** The lanes that something is on. */
  readonly #lanes = new Set<Lane>();
  readonly #connections = new Set<MemoryConnection>();
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #refusing = new Set<{ readonly host: string; readonly port: number | null }>();
  readonly #road: Road;
  readonly #ports: Ports;
  #settings: Settings;
  #random: number;
  #freePort = FIRST_FREE_PORT;

  /**
   * @throws {RuntimeError} outside of a simulated program
   * @throws {TypeError} {ValueError} when an option is not what it must be
   */
  constructor(options: MemoryNetworkOptions = {}) {
    checkOptions('new MemoryNetwork', options, [...SETTINGS, 'faults', 'seed']);
    this.#simulation = simulationAround('new MemoryNetwork()');
    this.#run = this.#simulation.runs;
    const { faults = {}, seed = 1, ...settings } = options;
    this.#settings = changed('new MemoryNetwork', DEFAULTS, settings);
    this.#faults = new Faults(this.#simulation, faults);
    if (!Number.isSafeInteger(seed))
      throw new ValueError(`new MemoryNetwork: seed must be a whole number, got ${describe(seed)}`);
    this.#random = seed >>> 0;
    this.#road = {
      arrivalTime: (from, to) => this.#arrivalTime(from, to),
      isCut: (from, to) => this.#partitions.separate(from, to),
      note: (lane, isUsed) => {
        if (isUsed) this.#lanes.add(lane);
        else this.#lanes.delete(lane);
      },
      begin: (arrival: Arrival) => this.#simulation.arrivals.add(arrival),
      takeBack: (arrival: Arrival) => this.#simulation.arrivals.remove(arrival),
    };
    this.#ports = {
      freePort: () => this.#freePort++,
      addressOf: (host, port) => socketAddress(host, port, 4),
      bind: (address, listener) => {
        const key = address.join(':');
        if (this.#listeners.has(key)) return false;
        this.#listeners.set(key, listener);
        return true;
      },
      unbind: (address) => this.#listeners.delete(address.join(':')),
    };
  }

  // --------------------------------------------------------------------------------------------- for programs

  /** A machine of the network, from which one connects and on which one listens. */
  host(name: string): MemoryHost {
    checkHost('host', name);
    return {
      name,
      openConnection: (...given: readonly unknown[]) => this.#openFrom(name, given),
      startServer: (handler: ConnectionHandler, ...given: readonly unknown[]) => this.#startOn(name, handler, given),
    };
  }

  /**
   * Connects to a server of the network, from `localhost` or the host of `localAddr`. Host and port may also be given by name.
   *
   * **Cancellation**: ends the attempt; no connection is left open.
   *
   * Follows CPython's `asyncio.open_connection`.
   *
   * @param host the name of the host that the server listens on
   * @param port 1 to 65535
   * @returns `[reader, writer]`
   * @throws {ConnectionRefusedError} when no server listens there, or it refuses
   * @throws {ValueError} at once, with `ssl`, which is not simulated
   */
  openConnection(host: string, port: number, options?: MemoryConnectionOptions): AwaitableCoroutine<StreamPair>;
  openConnection(options: MemoryConnectionOptions & MemoryPlace): AwaitableCoroutine<StreamPair>;
  openConnection(...given: readonly unknown[]): AwaitableCoroutine<StreamPair> {
    return this.#openFrom(LOCAL, given);
  }

  /**
   * Listens, and handles each connection in a task of its own.
   *
   * **Cancellation**: the server does not listen.
   *
   * Follows CPython's `asyncio.start_server`.
   *
   * @param handler an async function, a generator function or a plain one, called with a reader and a writer
   * @param host the name of the host, a list of them, or `null` for `localhost`
   * @param port 0 to 65535; 0 for a free one, which is then `server.port`
   * @throws {OSError} when another server listens there: `EADDRINUSE`
   * @throws {TypeError} at once, when the handler is not a function
   * @throws {ValueError} at once, when the port is out of range, or with `ssl`, which is not simulated
   */
  startServer(
    handler: ConnectionHandler,
    host: string | readonly string[] | null,
    port: number,
    options?: MemoryServerOptions,
  ): AwaitableCoroutine<Server>;
  startServer(handler: ConnectionHandler, options: MemoryServerOptions & MemoryServerPlace): AwaitableCoroutine<Server>;
  startServer(handler: ConnectionHandler, ...given: readonly unknown[]): AwaitableCoroutine<Server> {
    return this.#startOn(LOCAL, handler, given);
  }

  // --------------------------------------------------------------------------------------------- for tests

  /** The connections of which an end is open. */
  get connections(): readonly MemoryConnection[] {
    return [...this.#connections];
  }

  /**
   * The connection of a writer.
   *
   * @throws {ValueError} when it is none of this network, or is closed
   */
  connectionOf(writer: StreamWriter): MemoryConnection {
    const { transport } = writer;
    for (const connection of this.#connections)
      if (connection.transportOf('client') === transport || connection.transportOf('server') === transport)
        return connection;
    throw new ValueError(`connectionOf: ${writer} is no open connection of this network`);
  }

  /** Changes how the network behaves from now on. What is on its way comes when it would have come. */
  configure(settings: NetworkSettings): void {
    this.#settings = changed('configure', this.#settings, settings);
  }

  /**
   * Separates hosts: nothing comes from the one group to the other until the partition is ended. What was sent meanwhile then arrives, as
   * systems send again what was not acknowledged.
   *
   * @param one a host, or several
   * @param other a host, or several; all others when absent
   */
  partition(one: string | readonly string[], other?: string | readonly string[]): NetworkDisturbance {
    const cut = this.#partitions.add(listOf(one), other === undefined ? null : listOf(other));
    for (const lane of this.#lanes) if (this.#partitions.separate(lane.from, lane.to)) lane.hold();
    return disturbance(() => {
      this.#partitions.remove(cut);
      this.#goOn();
    });
  }

  /** Ends all partitions. */
  heal(): void {
    this.#partitions.clear();
    this.#goOn();
  }

  /**
   * Refuses connections, also where a server listens.
   *
   * @param port all ports of the host when absent
   */
  refuse(host: string, port: number | null = null): NetworkDisturbance {
    const refused = { host, port };
    this.#refusing.add(refused);
    return disturbance(() => this.#refusing.delete(refused));
  }

  toString(): string {
    return `<MemoryNetwork servers=${this.#listeners.size} connections=${this.#connections.size}>`;
  }

  // --------------------------------------------------------------------------------------------- its ways

  #goOn(): void {
    for (const lane of [...this.#lanes]) lane.goOn();
  }

  #arrivalTime(from: string, to: string): number {
    const { now } = this.#simulation.host;
    if (from !== to && !this.#partitions.separate(from, to)) {
      if (this.#faults.strikes('partition', () => `${from} | ${to}`)) this.#partitionFor(from, to);
    }
    return now + this.#latency(from, to);
  }

  /** Healed by an arrival, not by a timer of the loop, which would count as something that the program has left behind. */
  #partitionFor(from: string, to: string): void {
    const partition = this.partition(from, to);
    this.#simulation.arrivals.add({
      label: `${from} and ${to} reach each other again`,
      stream: null,
      notBefore: this.#simulation.host.now + this.#faults.secondsOf('partition'),
      isPunctual: true,
      deliver: () => partition.end(),
    });
  }

  #latency(from: string, to: string): number {
    const [least, most] = this.#settings.latency;
    if (least === most) return least;
    if (this.#simulation.decider === null) return least + (most - least) * this.#draw();
    const ways = {
      at: (index: number) => ({ label: `${from} → ${to} takes ${least + ((most - least) * index) / 2} s` }),
    };
    return least + ((most - least) * this.#simulation.choose('latency', 3, ways)) / 2;
  }

  /** A number from 0 to 1 that looks as if drawn: a linear congruential generator modulo 2³², of which the upper bits are used. */
  #draw(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }

  #checkRun(call: string): void {
    if (simulationAround(call) === this.#simulation && this.#simulation.runs === this.#run) return;
    throw new RuntimeError(
      `${call}: the network belongs to another run of the program, whose servers and connections are gone: ` +
        'make it inside of the program, const net = new MemoryNetwork()',
      { code: 'OTHER_RUN' },
    );
  }

  #resolve(own: string, host: string): string {
    return OWN_NAMES.has(host) ? own : host;
  }

  #isRefused(host: string, port: number): boolean {
    for (const refused of this.#refusing)
      if (refused.host === host && (refused.port === null || refused.port === port)) return true;
    return false;
  }

  // --------------------------------------------------------------------------------------------- connecting

  #openFrom(own: string, given: readonly unknown[]): AwaitableCoroutine<StreamPair> {
    const call = 'openConnection';
    const names = [...CONNECTION_OPTIONS, ...CONNECTION_OPTIONS_OF_SYSTEM, ...TLS];
    const all = byName<MemoryConnectionOptions & MemoryPlace & MaybeEncrypted>(call, ['host', 'port'], names, given);
    const { host, port, ...options } = all;
    checkHost(call, host);
    checkPort(call, port);
    checkPlain(call, all);
    checkByteLimit(call, options.limit);
    closeTimeoutOf(call, options);
    if (options.localAddr !== undefined) checkAddress(`${call}: localAddr`, options.localAddr);
    return opening(() => this.#open(own, host, port, options));
  }

  *#open(
    own: string,
    host: string,
    port: number,
    { limit, localAddr, closeTimeout }: MemoryConnectionOptions,
  ): Generator<unknown, StreamPair, unknown> {
    this.#checkRun('openConnection()');
    const { loop } = this.#simulation;
    const from = localAddr === undefined ? own : this.#resolve(own, localAddr[0]);
    const ownPort = localAddr?.[1] ?? 0;
    const client = socketAddress(from, ownPort === 0 ? this.#freePort++ : ownPort, 4);
    const connection = yield* this.#connect(client, socketAddress(this.#resolve(from, host), port, 4));
    const reader = new StreamReader({ limit, loop });
    const protocol = new StreamReaderProtocol(reader, null, { loop });
    const transport = connection.transportOf('client');
    transport.open(protocol, null, reader);
    return streamPair(reader, new StreamWriter(transport, protocol, reader, loop, { closeTimeout }));
  }

  /** A question on its way there, an answer on its way back, and an acknowledgement, with which the server accepts. */
  *#connect(client: SocketAddress, server: SocketAddress): Generator<unknown, MemoryConnection, unknown> {
    const { loop } = this.#simulation;
    const name = `${client.join(':')} → ${server.join(':')}`;
    const wait = newWait<MemoryConnection>(loop, { operation: `connect to ${server.join(':')}`, object: null });
    const there = new Lane(this.#road, client.host, server.host);
    const back = new Lane(this.#road, server.host, client.host);
    let isAnswered = false;
    let connection: MemoryConnection | null = null;
    const refuse = (): void => {
      if (!wait.done()) failWith(wait, refused(server));
    };
    there.send(`${name}: connect`, () => {
      const listener = this.#listenerFor(name, server);
      if (listener === null) {
        back.send(`${name}: refused`, refuse);
        return;
      }
      const made = this.#newConnection(client, server);
      connection = made;
      back.send(`${name}: connected`, () => {
        isAnswered = true;
        release(wait, made);
        there.send(`${name}: accepted`, () => listener.accept(made.transportOf('server')), this.#acceptDelay(name));
      });
    });
    try {
      return yield* wait;
    } catch (error) {
      if (!isAnswered) {
        there.clear();
        back.clear();
      }
      this.#abandon(connection, isAnswered);
      throw error;
    }
  }

  #listenerFor(name: string, server: SocketAddress): MemoryListener | null {
    const listener = this.#listeners.get(server.join(':')) ?? null;
    if (listener === null || this.#isRefused(server.host, server.port)) return null;
    return this.#faults.strikes('refuse', () => name) ? null : listener;
  }

  #acceptDelay(name: string): number {
    const isSlow = this.#faults.strikes('slowAccept', () => name);
    return this.#settings.acceptDelay + (isSlow ? this.#faults.secondsOf('slowAccept') : 0);
  }

  #newConnection(client: SocketAddress, server: SocketAddress): MemoryConnection {
    const connection = new MemoryConnection({
      loop: this.#simulation.loop,
      road: this.#road,
      settings: () => this.#settings,
      faults: this.#faults,
      client,
      server,
      onClosed: (closed) => this.#connections.delete(closed),
    });
    this.#connections.add(connection);
    return connection;
  }

  /** Nobody waits for it any more. The server may have accepted it, and then sees the end. */
  #abandon(connection: MemoryConnection | null, isAnswered: boolean): void {
    connection?.transportOf('client').abort();
    if (!isAnswered) connection?.transportOf('server').abort();
  }

  // --------------------------------------------------------------------------------------------- serving

  #startOn(own: string, handler: ConnectionHandler, given: readonly unknown[]): AwaitableCoroutine<Server> {
    const call = 'startServer';
    if (typeof handler !== 'function') {
      throw typeError(
        `${call}: a function that handles connections is required, got ${describe(handler)}`,
        'NOT_CALLABLE',
      );
    }
    const names = [...SERVER_OPTIONS, ...SERVER_OPTIONS_OF_SYSTEM, ...TLS];
    const all = byName<MemoryServerOptions & MemoryServerPlace & MaybeEncrypted>(call, ['host', 'port'], names, given);
    const { host = null, port, ...options } = all;
    checkPort(call, port);
    checkPlain(call, all);
    checkByteLimit(call, options.limit);
    closeTimeoutOf(call, options);
    const hosts = host === null || host === '' ? [own] : listOf(host).map((one) => this.#resolve(own, one));
    for (const one of hosts) checkHost(call, one);
    return starting(() => this.#start(hosts, port, handler, options));
  }

  *#start(
    hosts: readonly string[],
    port: number,
    handler: ConnectionHandler,
    { limit, closeTimeout, startServing = true }: MemoryServerOptions,
  ): Generator<unknown, Server, unknown> {
    this.#checkRun('startServer()');
    const { loop } = this.#simulation;
    const places = hosts.map((host) => [host, port] as const);
    const listener = new MemoryListener(loop, this.#ports, places, handler, { limit, closeTimeout });
    const server = new Server(loop, listener, { closeTimeout });
    try {
      if (startServing) yield* server.startServing();
    } catch (error) {
      server.close();
      throw error;
    }
    return server;
  }
}

// Beside the class: the compiler writes a static field with a generator so that the class's static block runs too early.
const opening = /* @__PURE__ */ libraryCoroutine(function* openConnection(
  open: () => Generator<unknown, StreamPair, unknown>,
): Generator<unknown, StreamPair, unknown> {
  return yield* open();
});

const starting = /* @__PURE__ */ libraryCoroutine(function* startServer(
  start: () => Generator<unknown, Server, unknown>,
): Generator<unknown, Server, unknown> {
  return yield* start();
});

interface MaybeEncrypted {
  readonly ssl?: unknown;
  readonly serverHostname?: unknown;
  readonly sslHandshakeTimeout?: unknown;
}

/** @throws {ValueError} when it is to be encrypted, or has options of TLS alone, which real connections refuse as well */
function checkPlain(call: string, options: MaybeEncrypted): void {
  const { ssl } = options;
  if (ssl === undefined || ssl === null || ssl === false) {
    for (const name of ['serverHostname', 'sslHandshakeTimeout'] as const) {
      if (options[name] !== undefined) throw new ValueError(`${call}: ${name} is only meaningful with ssl`);
    }
    return;
  }
  throw new ValueError(`${call}: TLS is not simulated, got ssl: ${describe(ssl)}; leave ssl out in the test`);
}

function listOf(hosts: string | readonly string[]): readonly string[] {
  return typeof hosts === 'string' ? [hosts] : hosts;
}

function disturbance(end: () => void): NetworkDisturbance {
  return { end, [Symbol.dispose]: end };
}

function refused({ host, port }: SocketAddress): ConnectionRefusedError {
  const where = showAddress(host, port);
  return new ConnectionRefusedError(`connect to ${where}: connect ECONNREFUSED ${where}`, {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: host,
    port,
  });
}
