import type { RemoteInfo, Socket } from 'node:dgram';
import { leavesTheLoop, ValueError } from '../../errors/index.ts';
import { OSError } from '../../errors/os-error.ts';
import { typeError } from '../../errors/type-error.ts';
import { nameOfClass } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import { anyByName, byNameOrPosition } from '../../internal/options.ts';
import {
  attach,
  type Context,
  copyContext,
  detach,
  type EventLoop,
  isLoopClosed,
  type LoopResource,
  logger,
} from '../../kernel/lowlevel.ts';
import { familyOf, socketAddress } from '../../streams/addresses.ts';
import { bindMethods } from '../../streams/bound.ts';
import { asBytes, checkBytes } from '../../streams/bytes.ts';
import type {
  BaseProtocol,
  Bytes,
  DatagramProtocol,
  DatagramTransport,
  ExtraInfo,
  WriteBufferLimits,
} from '../../streams/index.ts';
import { WaterMarks } from '../../streams/water-marks.ts';
import { failureOf } from '../net/failures.ts';
import { plainBytes } from '../transport/delivery.ts';
import { type BoundSocket, discard } from './bound-socket.ts';
import { OneByOne } from './one-by-one.ts';
import { checkReceiver, type DatagramAddress, isSameAddress, shown } from './options.ts';

/** What a datagram counts in addition to its bytes while it waits to be sent, because even empty ones take room. */
const HEADER = 8;
/** After this number of `sendto()` calls on a closed transport a warning is logged. */
const WARN_FROM = 5;
/** How many datagrams are kept while the loop does not run; more are dropped, as the system does. */
const MOST_UNDELIVERED = 1_024;

/**
 * A socket for datagrams over UDP.
 *
 *     state     meaning                                           left by
 *     open      datagrams come and go                             `close`, `abort`, the socket
 *     closing   none is received; those before are being sent     the last of them, `abort`
 *     closed    the socket is closed                              –
 *
 * Follows CPython's `_SelectorDatagramTransport`.
 */
export class UdpTransport implements DatagramTransport, LoopResource {
  static {
    inspectAsText(UdpTransport.prototype);
  }

  /** How many datagrams were dropped because the loop did not turn. */
  dropped = 0;
  readonly #loop: EventLoop;
  readonly #context: Context = copyContext();
  readonly #bound: BoundSocket;
  readonly #socket: Socket;
  readonly #marks = new WaterMarks();
  readonly #inOrder = OneByOne.ofRuntime();
  #protocol: DatagramProtocol;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #isPaused = false;
  /** The datagrams that the runtime has not sent yet: their number, and what they count for. */
  #unsent = 0;
  #size = 0;
  #undelivered = 0;
  #inVain = 0;

  constructor(loop: EventLoop, bound: BoundSocket, protocol: DatagramProtocol) {
    this.#loop = loop;
    this.#bound = bound;
    this.#socket = bound.socket;
    this.#protocol = protocol;
    bindMethods(this, 'close', 'abort');
    attach(loop, this);
    this.#soon(() => this.#protocol.connectionMade(this));
    this.#socket.on('message', this.#onMessage).on('error', this.#onError).on('close', this.#onClose);
  }

  /** Calls the protocol in its turn. An error that it throws goes to the exception handler, and the socket stays open. */
  #soon(call: () => void): void {
    if (!isLoopClosed(this.#loop)) this.#loop.callSoonIn(this.#context, call);
  }

  // --------------------------------------------------------------------------------------------- events of the socket

  readonly #onMessage = (data: Uint8Array, { address, port, family }: RemoteInfo): void => {
    if (this.#state !== 'open' || this.#isStranger(address, port)) return;
    if (this.#undelivered === MOST_UNDELIVERED) {
      this.dropped++;
      return;
    }
    this.#undelivered++;
    this.#soon(() => {
      this.#undelivered--;
      if (this.#state !== 'open') return;
      this.#protocol.datagramReceived(plainBytes(data), socketAddress(address, port, familyOf(family)));
    });
  };

  /**
   * Whether a datagram is not from the only peer. The system delivers such a datagram only if the runtime has not really connected the
   * socket.
   */
  #isStranger(address: string, port: number): boolean {
    const { peername, playsConnected } = this.#bound;
    return playsConnected && peername !== undefined && !isSameAddress(peername, [address, port]);
  }

  readonly #onError = (error: unknown): void => this.#failed(failureOf(error));

  readonly #onClose = (): void => this.#end(null);

  /** An error of the system leaves the socket open; any other error is fatal. */
  #failed(error: unknown): void {
    if (this.#state === 'closed') return;
    if (error instanceof OSError) {
      this.#soon(() => this.#protocol.errorReceived(error));
      return;
    }
    this.#report('Fatal error on datagram transport', error);
    this.#end(error);
  }

  #report(message: string, exception: unknown): void {
    this.#loop.callExceptionHandler({ message, exception, transport: this, protocol: this.#protocol });
  }

  // --------------------------------------------------------------------------------------------- sending

  sendto(data: Bytes, addr: DatagramAddress | null | { readonly addr: DatagramAddress | null } = null): void {
    const address = byNameOrPosition<DatagramAddress | null>('sendto', ['addr'], addr, null);
    this.check('sendto', data, address);
    if (this.#state !== 'open') {
      this.#inVain++;
      if (this.#inVain === WARN_FROM) logger.warn(`sendto() has no effect, the socket is closed: ${this}`);
      return;
    }
    // A copy: the program may change its bytes before they are sent.
    const bytes = typeof data === 'string' ? asBytes('sendto', data) : data.slice();
    const size = bytes.length + HEADER;
    this.#unsent++;
    this.#size += size;
    const to = address ?? this.#bound.remote;
    if (this.#inOrder === null) this.#send(bytes, to, (error) => this.#sent(size, error));
    else
      this.#inOrder.add((over) => {
        this.#send(bytes, to, (error) => {
          this.#sent(size, error);
          over();
        });
      });
    this.#pauseIfFull();
  }

  /** At once, so that code that sends without a turn in between is paused in time. */
  #pauseIfFull(): void {
    if (this.#isPaused || this.#size <= this.#marks.high) return;
    this.#isPaused = true;
    try {
      this.#protocol.pauseWriting();
    } catch (exception) {
      if (leavesTheLoop(exception)) throw exception;
      this.#report('protocol.pauseWriting() failed', exception);
    }
  }

  /**
   * Checks data before it is sent.
   *
   * @throws {TypeError} when it is neither bytes nor a string, or the address is invalid
   * @throws {ValueError} when the address is not the only peer, or cannot be reached
   */
  check(name: string, data: unknown, address: unknown): void {
    checkBytes(name, data);
    const { remote, peername } = this.#bound;
    const only = remote ?? peername;
    if (address === null || address === undefined) {
      if (only !== undefined) return;
      throw typeError(`${name}: the socket is not connected, so an address [host, port] is required`);
    }
    checkReceiver(name, address);
    if (only === undefined || isSameAddress(only, address)) return;
    throw new ValueError(`${name}: Invalid address: must be null or ${shown(only)}, got ${shown(address)}`, {
      code: 'INVALID_ADDRESS',
    });
  }

  #send(bytes: Uint8Array, address: DatagramAddress | null, done: (error: unknown) => void): void {
    try {
      if (this.#bound.peername !== undefined) this.#socket.send(bytes, done);
      else if (address !== null) this.#socket.send(bytes, address[1], address[0], done);
    } catch (error) {
      done(error);
    }
  }

  #sent(size: number, error: unknown): void {
    this.#unsent--;
    this.#size -= size;
    if (this.#state === 'closed') return;
    if (error instanceof Error) this.#failed(failureOf(error));
    this.#resumeIfSent();
    if (this.#state === 'closing' && this.#unsent === 0) this.#end(null);
  }

  #resumeIfSent(): void {
    if (!this.#isPaused || this.#size > this.#marks.low) return;
    this.#isPaused = false;
    this.#soon(() => {
      if (!this.#isPaused) this.#protocol.resumeWriting();
    });
  }

  getWriteBufferSize(): number {
    return this.#size;
  }

  getWriteBufferLimits(): readonly [low: number, high: number] {
    return [this.#marks.low, this.#marks.high];
  }

  setWriteBufferLimits(limits: WriteBufferLimits | number | null = null, low?: number): void {
    this.#marks.set(limits, low);
    this.#pauseIfFull();
    this.#resumeIfSent();
  }

  // --------------------------------------------------------------------------------------------- the rest

  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: { readonly default: D }): ExtraInfo[K] | D;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: string, otherwise?: unknown): unknown;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    const { sockname, peername, socket } = this.#bound;
    const known: Readonly<Record<string, unknown>> = { sockname, peername, socket };
    return known[name] ?? anyByName('default', otherwise);
  }

  isClosing(): boolean {
    return this.#state !== 'open';
  }

  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    if (this.#unsent === 0) this.#end(null);
  }

  abort(): void {
    this.#end(null);
  }

  /** The loop does not run any more, so the protocol cannot be called. */
  loopClosed(): void {
    this.#end(null);
  }

  #end(error: unknown): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    detach(this.#loop, this);
    this.#socket.off('message', this.#onMessage).off('error', this.#onError).off('close', this.#onClose);
    discard(this.#socket);
    this.#soon(() => this.#protocol.connectionLost(error));
  }

  setProtocol(protocol: BaseProtocol): void {
    this.#protocol = protocol as DatagramProtocol;
  }

  getProtocol(): BaseProtocol {
    return this.#protocol;
  }

  toString(): string {
    const { sockname, peername } = this.#bound;
    const parts: string[] = [nameOfClass(this), this.#state];
    if (sockname !== undefined) parts.push(`at=${shown(sockname)}`);
    if (peername !== undefined) parts.push(`peer=${shown(peername)}`);
    if (this.#size > 0) parts.push(`${this.#unsent} datagrams to send`);
    return `<${parts.join(' ')}>`;
  }
}
