import { QueueShutDown, RuntimeError } from '../../errors/index.ts';
import { nameOfClass } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import { checkWholeNumber } from '../../internal/whole-number.ts';
import { type AwaitableIterator, OVER, TaskIterator } from '../../interop/task-iterator.ts';
import { type AwaitableCoroutine, type EventLoop, getRunningLoop, libraryCoroutine } from '../../kernel/lowlevel.ts';
import { Queue } from '../../queues/index.ts';
import { CloseWatch } from '../../streams/close-watch.ts';
import { FlowControl } from '../../streams/flow-control.ts';
import { type Bytes, DatagramProtocol, type SocketAddress } from '../../streams/index.ts';
import { endpoint } from './create-datagram-endpoint.ts';
import { checkDatagramOptions, type DatagramAddress, type DatagramOptions, shown } from './options.ts';
import type { UdpTransport } from './udp-transport.ts';

/** How many datagrams are kept by default. */
const DEFAULT_MOST = 1_024;

/** A datagram that was received. */
export interface Datagram {
  readonly data: Uint8Array;
  /** The sender's address. */
  readonly address: SocketAddress;
}

/** Options of `openDatagramSocket`. */
export interface DatagramSocketOptions extends DatagramOptions {
  /** How many datagrams are kept until they are received; 1,024 when absent. Further datagrams are dropped, and counted. */
  readonly maxBuffered?: number | undefined;
}

/** An error that the system has reported, at its place among the datagrams. */
class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Keeps datagrams until they are received. */
class Mailbox extends DatagramProtocol {
  readonly items = new Queue<Datagram | Failure>();
  readonly flow: FlowControl;
  readonly end: CloseWatch;
  readonly #most: number;
  dropped = 0;
  /** Invariant: whether a failure is among the items. One failure is enough: a socket that only sends never takes any out. */
  #hasFailure = false;

  constructor(loop: EventLoop, most: number) {
    super();
    this.#most = most;
    this.flow = new FlowControl(loop, this);
    this.end = new CloseWatch(loop, this);
  }

  override datagramReceived(data: Uint8Array, address: DatagramAddress): void {
    const kept = this.items.qsize() - (this.#hasFailure ? 1 : 0);
    if (kept >= this.#most) this.dropped++;
    else this.items.putNowait({ data, address: address as SocketAddress });
  }

  override errorReceived(error: unknown): void {
    if (this.#hasFailure) return;
    this.#hasFailure = true;
    this.items.putNowait(new Failure(error));
  }

  /** The result for an item: returns the datagram, or throws the error. */
  opened(item: Datagram | Failure): Datagram {
    if (!(item instanceof Failure)) return item;
    this.#hasFailure = false;
    throw item.error;
  }

  override pauseWriting(): void {
    this.flow.pause();
  }

  override resumeWriting(): void {
    this.flow.resume();
  }

  override connectionLost(error: unknown): void {
    if (error !== null) this.errorReceived(error);
    this.items.shutdown();
    this.flow.lost(null);
    this.end.lost(null);
  }
}

/**
 * A socket for datagrams (UDP) without a protocol, from `openDatagramSocket`. Several tasks may send and receive at the same time.
 *
 * @example
 * await using socket = await openDatagramSocket({ localAddr: ['127.0.0.1', 0] });
 * await socket.send('hello', socket.address);
 * const { data, address } = await socket.receive();
 * console.log(new TextDecoder().decode(data), address.port === socket.address.port); // hello true
 */
export class DatagramSocket implements AsyncIterable<Datagram>, AsyncDisposable {
  static {
    inspectAsText(DatagramSocket.prototype);
  }

  readonly #transport: UdpTransport;
  readonly #mailbox: Mailbox;

  /** @internal */
  constructor(transport: UdpTransport, mailbox: Mailbox) {
    this.#transport = transport;
    this.#mailbox = mailbox;
  }

  /** The address of this socket: `[host, port]`. */
  get address(): SocketAddress {
    return this.#transport.getExtraInfo('sockname') as SocketAddress;
  }

  /** The only peer, `null` when it has none. */
  get peer(): SocketAddress | null {
    return this.#transport.getExtraInfo('peername', null) as SocketAddress | null;
  }

  /** How many datagrams were dropped because the buffer was full. */
  get dropped(): number {
    return this.#mailbox.dropped + this.#transport.dropped;
  }

  /** How many datagrams wait to be received. */
  get buffered(): number {
    return this.#mailbox.items.qsize();
  }

  /** Whether it is closed or is being closed. */
  get closed(): boolean {
    return this.#transport.isClosing();
  }

  /**
   * Sends a datagram, as soon as there is room for it. It does not tell whether the datagram arrives.
   *
   * **Cancellation**: the datagram is not sent.
   *
   * @param data bytes, or a string, which becomes UTF-8
   * @param address the receiver; absent when the socket has a peer
   * @throws {TypeError} at once, when the data is something else, or the receiver is not known
   * @throws {ValueError} at once, when the socket has another peer
   * @throws {RuntimeError} when the socket is closed
   */
  send(data: Bytes, address: DatagramAddress | null = null): AwaitableCoroutine<void> {
    this.#transport.check('send', data, address);
    return DatagramSocket.#send(this, data, address);
  }

  /**
   * Waits for a datagram. After `close()` datagrams that arrived before can still be received.
   *
   * **Cancellation**: no datagram is lost.
   * **Order**: tasks that wait are served in the order in which they came.
   *
   * @throws {OSError} when the system has reported an error for an earlier datagram, once: `ECONNREFUSED` when no socket is at the peer's
   * address
   * @throws {RuntimeError} when the socket is closed, and nothing is left
   */
  receive(): AwaitableCoroutine<Datagram> {
    return DatagramSocket.#receive(this);
  }

  /**
   * Datagrams as they arrive, until the socket is closed. When the loop is left, the socket stays open.
   *
   * **Cancellation**: as `receive()`.
   */
  [Symbol.asyncIterator](): AwaitableIterator<Datagram> {
    return new Datagrams(this.#mailbox)[Symbol.asyncIterator]();
  }

  /**
   * Sends the datagrams that wait to be sent, closes, and waits for that. Tasks that wait for a datagram get an error. Has no effect when
   * it is closed.
   *
   * **Cancellation**: ends the wait; the socket is closed anyway.
   */
  close(): AwaitableCoroutine<void> {
    return DatagramSocket.#close(this);
  }

  /** As `close()`. */
  [Symbol.asyncDispose](): AwaitableCoroutine<void> {
    return this.close();
  }

  static readonly #send = /* @__PURE__ */ libraryCoroutine(function* send(
    socket: DatagramSocket,
    data: Bytes,
    address: DatagramAddress | null,
  ): Generator<unknown, void, unknown> {
    if (!socket.closed) yield* socket.#mailbox.flow.drain();
    if (socket.closed) throw closed(socket);
    socket.#transport.sendto(data, address);
  });

  static readonly #receive = /* @__PURE__ */ libraryCoroutine(function* receive(
    socket: DatagramSocket,
  ): Generator<unknown, Datagram, unknown> {
    let item: Datagram | Failure;
    try {
      item = yield* socket.#mailbox.items.get();
    } catch (error) {
      throw error instanceof QueueShutDown ? closed(socket) : error;
    }
    return socket.#mailbox.opened(item);
  });

  static readonly #close = /* @__PURE__ */ libraryCoroutine(function* close(
    socket: DatagramSocket,
  ): Generator<unknown, void, unknown> {
    socket.#transport.close();
    yield* socket.#mailbox.end.wait();
  });

  toString(): string {
    const peer = this.peer === null ? '' : ` peer=${shown(this.peer)}`;
    const dropped = this.dropped === 0 ? '' : `, ${this.dropped} dropped`;
    const state = this.closed ? 'closed' : `at ${shown(this.address)}`;
    return `<${nameOfClass(this)} ${state}${peer}, ${this.buffered} buffered${dropped}>`;
  }
}

function closed(socket: DatagramSocket): RuntimeError {
  return new RuntimeError(`${socket} is closed: open another one`, { code: 'SOCKET_CLOSED' });
}

class Datagrams extends TaskIterator<Datagram> {
  readonly #mailbox: Mailbox;
  readonly #items: AwaitableIterator<Datagram | Failure>;

  constructor(mailbox: Mailbox) {
    super();
    this.#mailbox = mailbox;
    this.#items = mailbox.items[Symbol.asyncIterator]();
  }

  override *pull(): Generator<unknown, IteratorResult<Datagram, undefined>, unknown> {
    const { done, value } = yield* this.#items.next();
    return done === true ? OVER : { done: false, value: this.#mailbox.opened(value) };
  }

  override *close(): Generator<unknown, void, unknown> {
    yield* this.#items.return();
  }
}

/**
 * Opens a socket for datagrams (UDP), to send and receive with.
 *
 * **Cancellation**: ends the attempt; no socket is left open.
 *
 * @param options at least one of `localAddr`, `remoteAddr`, `family` and `sock`
 * @throws as `createDatagramEndpoint`
 * @example
 * await using server = await openDatagramSocket({ localAddr: ['127.0.0.1', 0] });
 * await using client = await openDatagramSocket({ remoteAddr: server.address });
 * await client.send('ping');
 * const { data, address } = await server.receive();
 * await server.send(data, address);
 */
export function openDatagramSocket(options: DatagramSocketOptions): AwaitableCoroutine<DatagramSocket> {
  checkDatagramOptions('openDatagramSocket', options, ['maxBuffered']);
  const { maxBuffered = DEFAULT_MOST } = options;
  checkWholeNumber('openDatagramSocket: maxBuffered', maxBuffered, { least: 1, of: 'datagrams' });
  return open(options, maxBuffered);
}

const open = /* @__PURE__ */ libraryCoroutine(function* openDatagramSocket(
  options: DatagramOptions,
  maxBuffered: number,
): Generator<unknown, DatagramSocket, unknown> {
  const loop = getRunningLoop();
  const { transport, protocol } = yield* endpoint(loop, () => new Mailbox(loop, maxBuffered), options);
  return new DatagramSocket(transport, protocol);
});
