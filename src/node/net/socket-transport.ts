import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { leavesTheLoop, RuntimeError } from '../../errors/index.ts';
import { OSError } from '../../errors/os-error.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe, nameOfClass } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import { anyByName } from '../../internal/options.ts';
import {
  type AwaitableCoroutine,
  attach,
  detach,
  type EventLoop,
  type LoopResource,
  libraryCoroutine,
} from '../../kernel/lowlevel.ts';
import { BoundMethods, bindOnFirstRead } from '../../streams/bound.ts';
import type {
  BaseProtocol,
  Bytes,
  ExtraInfo,
  StartTlsOptions,
  Transport,
  WriteBufferLimits,
} from '../../streams/index.ts';
import type { ConnectionOwner } from '../../streams/server.ts';
import { type Deliverer, Delivery, plainBytes } from '../transport/delivery.ts';
import { WriteSide, type Writing } from '../transport/write-side.ts';
import { ignoreErrors } from './connect-socket.ts';
import { extraInfoOf, isEncrypted, type KnownNames, namesOf } from './extra-info.ts';
import { failureOf, lossOf } from './failures.ts';
import { handshake } from './handshake.ts';
import { linger } from './lingering.ts';
import { readInto } from './read-into.ts';
import { keepEndInDeno } from './reading-in-deno.ts';
import { SessionTickets } from './session-tickets.ts';
import { checkHandshakeTimeout, checkNamesTheServer, type SslContext, serverContextOf, sslContextOf } from './ssl.ts';

/**
 * The states of a transport.
 *
 * | state   | meaning                                              | left by                          |
 * |---------|------------------------------------------------------|----------------------------------|
 * | open    | bytes go both ways                                   | `close`, `abort`, the socket     |
 * | closing | bytes that arrive are dropped; the buffer is sent    | its last byte, an error, `abort` |
 * | closed  | the socket is closed, or is not used any more        | –                                |
 * | handed  | another transport has the socket (TLS)               | –                                |
 */
type State = 'open' | 'closing' | 'closed' | 'handed';

interface UpgradeOptions extends StartTlsOptions {
  readonly serverSide: boolean;
  /** Bytes that were received but not read: the beginning of the handshake. */
  readonly unread?: Uint8Array | undefined;
}

/** Options of a transport. */
export interface SocketTransportOptions {
  readonly owner?: ConnectionOwner | null | undefined;
  /** The transport replaces another one: the protocol's `connectionMade` is not called again. */
  readonly goesOn?: boolean | undefined;
  /** The host of the connection, which the certificate must belong to. */
  readonly host?: string | undefined;
  /** Whether it is the client's end of the connection. */
  readonly isClient?: boolean | undefined;
  /** The addresses, if the socket does not know them: those of Unix sockets are paths. */
  readonly names?: KnownNames | undefined;
}

/** Where a socket has its transport: what listens to its events is the same for all sockets, and finds the transport here. */
const TRANSPORT: unique symbol = Symbol('transport');

type Carrier = Socket & { [TRANSPORT]?: SocketTransport | undefined };

/**
 * A connection over a socket of the runtime: TCP, Unix, or TLS on top of either. It is small, because servers have many: what an idle
 * connection does not need is made when it is needed.
 *
 * Follows CPython's `_SelectorSocketTransport`.
 */
export class SocketTransport implements Transport, LoopResource, Deliverer, Writing {
  static {
    inspectAsText(SocketTransport.prototype);
    bindOnFirstRead(SocketTransport.prototype, ['write', 'close', 'abort'], (transport) => {
      if (!(#bound in transport)) return null;
      transport.#bound ??= new BoundMethods();
      return transport.#bound;
    });
  }

  readonly #socket: (Socket | TLSSocket) & Carrier;
  readonly #names: KnownNames;
  readonly #owner: ConnectionOwner | null;
  readonly #host: string | undefined;
  readonly #delivery: Delivery;
  /** Made for the first write. */
  #writing: WriteSide | null = null;
  /** `null` when none are expected. */
  readonly #tickets: SessionTickets | null;
  #state: State = 'open';
  #paused = false;
  /** Invariant: the error of the socket or the protocol, if there is one. */
  #error: unknown = null;
  #bound: BoundMethods | null = null;

  constructor(
    loop: EventLoop,
    socket: Socket | TLSSocket,
    protocol: BaseProtocol,
    { owner = null, goesOn = false, host, isClient = false, names = namesOf(socket) }: SocketTransportOptions = {},
  ) {
    this.#socket = socket;
    this.#names = names;
    this.#owner = owner;
    this.#host = host;
    this.#delivery = new Delivery(loop, protocol, this);
    this.#tickets = SessionTickets.of(socket, isClient);
    // Otherwise a message would wait for the acknowledgement of the one before, without need.
    socket.setNoDelay(true);
    this.#socket[TRANSPORT] = this;
    socket.on('error', onError).on('close', onClose).off('error', ignoreErrors);
    attach(loop, this);
    owner?.attach(this);
    if (goesOn) this.#beginToRead();
    else this.#delivery.call(() => this.#made());
    if (socket.destroyed) this.#endedBefore();
  }

  /** @internal */
  get loop(): EventLoop {
    return this.#delivery.loop;
  }

  /** Whether the protocol is called at once. */
  get isDirect(): boolean {
    return this.#delivery.isDirect;
  }

  /** The socket had ended before there was a listener. */
  #endedBefore(): void {
    if (this.#socket.errored != null) this.failed(this.#socket.errored);
    this.closed();
  }

  /** No bytes are read before `connectionMade` was called, because it may pause reading. */
  #made(): void {
    // Even when the connection is already lost: the protocol gets `connectionMade` and `connectionLost`.
    try {
      this.#delivery.protocol.connectionMade(this);
    } catch (error) {
      this.protocolFailed(error, 'connectionMade');
    }
    if (this.#state === 'open') this.#beginToRead();
  }

  #beginToRead(): void {
    if (isEncrypted(this.#socket)) keepEndInDeno(this.#socket);
    // A socket that reads into a buffer of ours has no such event, but for what it has read before.
    if (!readInto(this.#socket, onBytes) || this.#socket.readableLength > 0) this.#socket.on('data', onData);
    this.#socket.on('end', onEnd);
    if (this.#paused) this.#socket.pause();
    else this.#socket.resume();
    // The peer had gone before anybody listened, on a machine that was busy; the event does not come again.
    if (this.#socket.readableEnded) this.ended();
  }

  // --------------------------------------------------------------------------------------------- events of the socket

  /** Bytes have arrived. @internal */
  received(bytes: Uint8Array): void {
    if (this.#state === 'open') this.#delivery.data(bytes);
  }

  /** The peer has ended its side. @internal */
  ended(): void {
    if (this.#state === 'open') this.#delivery.end();
  }

  /** The socket has failed. @internal */
  failed(error: Error): void {
    this.#error ??= lossOf(failureOf(error));
    // After a TLS alert of the peer the runtime keeps the socket open, and it would end as if there had been no error.
    this.#socket.destroy();
  }

  /** The socket is closed. @internal */
  closed(): void {
    if (this.#state === 'open') this.#state = 'closed';
    this.#tickets?.stop();
    detach(this.loop, this);
    this.#delivery.finish(() => this.#lost(), this.#error === null);
  }

  /** @internal */
  inboxIsFull(isFull: boolean): void {
    if (isFull) this.#socket.pause();
    else if (this.isReading()) this.#socket.resume();
  }

  /** @internal */
  endDelivered(keepOpen: boolean): void {
    if (!keepOpen) this.close();
  }

  #lost(): void {
    this.#state = 'closed';
    this.#delivery.close();
    try {
      this.#delivery.protocol.connectionLost(this.#error);
    } catch (exception) {
      if (leavesTheLoop(exception)) throw exception;
      this.#report('protocol.connectionLost() call failed', exception);
    } finally {
      this.#owner?.detach(this);
    }
  }

  // --------------------------------------------------------------------------------------------- failures

  /** @internal */
  protocolFailed(error: unknown, where: string): void {
    if (leavesTheLoop(error)) throw error;
    this.fail(error, `Fatal error: protocol.${where}() call failed.`);
  }

  /** Ends the connection because of an error. The error is reported, unless it comes from the system or the peer. */
  fail(error: unknown, message: string): void {
    if (!(error instanceof OSError)) this.#report(message, error);
    this.#error ??= lossOf(error);
    this.#delivery.close();
    this.#destroy();
  }

  #report(message: string, exception: unknown): void {
    this.loop.callExceptionHandler({ message, exception, transport: this, protocol: this.#delivery.protocol });
  }

  /** The loop does not run any more, so the protocol cannot be called. */
  loopClosed(): void {
    this.#delivery.close();
    this.#destroy();
  }

  #destroy(): void {
    if (this.#state === 'closed' || this.#state === 'handed') return;
    this.#state = 'closed';
    this.#socket.destroy();
  }

  // --------------------------------------------------------------------------------------------- for programs

  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: { readonly default: D }): ExtraInfo[K] | D;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: string, otherwise?: unknown): unknown;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return extraInfoOf(this.#socket, this.#names, name) ?? anyByName('default', otherwise);
  }

  /**
   * Whether it is closed or is being closed. A failed socket counts as closing before its error event: a loop of write and drain might
   * never let that event happen.
   */
  isClosing(): boolean {
    return this.#state !== 'open' || this.#socket.destroyed;
  }

  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#delivery.close();
    const socket = this.#socket;
    // Unread bytes would make the system drop bytes that it still has to send.
    socket.resume();
    const finished = (): void => {
      if (this.#tickets === null) this.#sentAll();
      else this.#tickets.wait(() => this.#sentAll());
    };
    if (socket.writableFinished) queueMicrotask(finished);
    else socket.once('finish', finished).end();
  }

  /** All bytes and the end were handed to the system: for the protocol the connection is over. */
  #sentAll(): void {
    if (this.#state !== 'closing' || this.#socket.destroyed) return;
    const socket = this.#socket;
    this.#letGo();
    socket.on('error', ignoreErrors);
    linger(socket);
    this.closed();
  }

  abort(): void {
    this.#delivery.close();
    if (this.#state === 'handed') this.#socket.destroy();
    else this.#destroy();
  }

  setProtocol(protocol: BaseProtocol): void {
    this.#delivery.protocol = protocol;
  }

  getProtocol(): BaseProtocol {
    return this.#delivery.protocol;
  }

  isReading(): boolean {
    return this.#state === 'open' && !this.#paused;
  }

  pauseReading(): void {
    if (this.#paused || this.#state === 'closing') return;
    this.#paused = true;
    // Bytes that arrived before the end may still wait for the protocol, too.
    this.#delivery.pause();
    if (this.#state === 'open') this.#socket.pause();
  }

  resumeReading(): void {
    if (!this.#paused || this.#state === 'closing') return;
    this.#paused = false;
    this.#delivery.resume();
    if (this.#state === 'open') this.#socket.resume();
  }

  write(data: Bytes): void {
    this.#writeSide().write(data, this.isClosing());
  }

  writelines(data: Iterable<Bytes>): void {
    this.#writeSide().writelines(data, this.isClosing());
  }

  writeEof(): void {
    if (this.#state === 'open') this.#writeSide().end();
  }

  #writeSide(): WriteSide {
    this.#writing ??= new WriteSide(this.#socket, this);
    return this.#writing;
  }

  canWriteEof(): boolean {
    return true;
  }

  getWriteBufferSize(): number {
    return this.#socket.writableLength;
  }

  getWriteBufferLimits(): readonly [low: number, high: number] {
    return this.#writeSide().limits;
  }

  setWriteBufferLimits(limits: WriteBufferLimits | number | null = null, low?: number): void {
    this.#writeSide().setLimits(limits, low);
  }

  /** Replaces this transport by an encrypted one with the same protocol. Follows CPython's `loop.start_tls`. */
  startTls(context: SslContext | true, options: UpgradeOptions): AwaitableCoroutine<Transport> {
    const checked = (options.serverSide ? serverContextOf : sslContextOf)('startTls', context);
    if (checked === null) throw typeError(`startTls: TLS options or true are required, got ${describe(context)}`);
    checkHandshakeTimeout('startTls', options.sslHandshakeTimeout);
    if (!options.serverSide && options.serverHostname === undefined && this.#host === undefined)
      checkNamesTheServer(checked);
    return SocketTransport.#upgrade(this, checked, options);
  }

  static readonly #upgrade = /* @__PURE__ */ libraryCoroutine(function* startTls(
    transport: SocketTransport,
    context: SslContext,
    options: UpgradeOptions,
  ): Generator<unknown, Transport, unknown> {
    if (transport.isClosing())
      throw new RuntimeError(`startTls: ${transport} is closing`, { code: 'TRANSPORT_CLOSED' });
    const { loop } = transport;
    const { protocol } = transport.#delivery;
    transport.#handOver(options.unread);
    try {
      // Bytes that were written before are sent first; the runtime takes care of that.
      const encrypted = yield* handshake(loop, transport.#socket, context, {
        serverHostname: transport.#host,
        ...options,
      });
      return new SocketTransport(loop, encrypted, protocol, {
        owner: transport.#owner,
        goesOn: true,
        isClient: !options.serverSide,
        names: transport.#names,
      });
    } catch (error) {
      transport.#socket.destroy();
      // Other tasks that wait for the connection must see that it is broken, not a cancellation.
      protocol.connectionLost(lossOf(error, `startTls of ${transport} was cancelled`));
      throw error;
    } finally {
      transport.#owner?.detach(transport);
    }
  });

  /** Releases the socket for another transport. */
  #handOver(unread: Uint8Array | undefined): void {
    const socket = this.#socket;
    this.#letGo();
    socket.pause();
    if (unread !== undefined && unread.length > 0) socket.unshift(unread);
    this.#state = 'handed';
    this.#delivery.close();
    detach(this.loop, this);
  }

  #letGo(): void {
    this.#socket.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
    this.#socket[TRANSPORT] = undefined;
  }

  toString(): string {
    const peer = this.getExtraInfo('peername', '');
    const state = this.#state === 'open' && this.isClosing() ? 'closing' : this.#state;
    const parts: string[] = [nameOfClass(this), state];
    if (peer !== '') parts.push(`peer=${typeof peer === 'string' ? peer : peer.join(':')}`);
    if (this.#paused) parts.push('paused');
    const unsent = this.getWriteBufferSize();
    if (unsent > 0) parts.push(`${unsent} bytes to send`);
    return `<${parts.join(' ')}>`;
  }
}

// --------------------------------------------------------------------------------------------- what listens to all sockets

function onBytes(this: Carrier, bytes: Uint8Array): void {
  this[TRANSPORT]?.received(bytes);
}

function onData(this: Carrier, chunk: Uint8Array): void {
  this[TRANSPORT]?.received(plainBytes(chunk));
}

function onEnd(this: Carrier): void {
  this[TRANSPORT]?.ended();
}

function onError(this: Carrier, error: Error): void {
  this[TRANSPORT]?.failed(error);
}

function onClose(this: Carrier): void {
  this[TRANSPORT]?.closed();
}
