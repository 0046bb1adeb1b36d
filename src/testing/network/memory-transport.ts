import { leavesTheLoop, RuntimeError } from '../../errors/index.ts';
import { ConnectionResetError } from '../../errors/os-error.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe, nameOfClass } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import { anyByName } from '../../internal/options.ts';
import { attach, detach, type EventLoop, type LoopResource, logger } from '../../kernel/lowlevel.ts';
import { bindMethods } from '../../streams/bound.ts';
import { asBytes, checkBytes, concatenated } from '../../streams/bytes.ts';
import { type BaseProtocol, Protocol } from '../../streams/protocols.ts';
import type { ConnectionOwner } from '../../streams/server.ts';
import type { Bytes, ExtraInfo, SocketAddress, Transport, WriteBufferLimits } from '../../streams/transports.ts';
import { WaterMarks } from '../../streams/water-marks.ts';
import { END, type Flow, type Receiver, type Sender } from './flow.ts';

/** After this number of writes on a lost connection a warning is logged. */
const WARN_FROM = 5;
/** For so long after `close()` bytes that arrive are read and thrown away, in seconds; later ones reset the connection. */
const LINGER = 30;

/**
 * The states of a transport.
 *
 * | state   | meaning                                              | left by                          |
 * |---------|------------------------------------------------------|----------------------------------|
 * | opening | the server has not accepted it: what arrives is kept | `open`, `refuse`                 |
 * | open    | bytes go both ways                                   | `close`, `abort`, a reset        |
 * | closing | bytes that arrive are dropped; the buffer is sent    | its last byte, a reset, `abort`  |
 * | closed  | nothing goes any way                                 | –                                |
 */
type State = 'opening' | 'open' | 'closing' | 'closed';

/** The parts of a transport. */
export interface MemoryTransportParts {
  readonly loop: EventLoop;
  readonly incoming: Flow;
  readonly outgoing: Flow;
  readonly peername: SocketAddress;
  readonly sockname: SocketAddress;
  /** Called when it is closed. */
  readonly onClosed: () => void;
}

/** One end of a connection in memory. */
export class MemoryTransport implements Transport, Sender, Receiver, LoopResource {
  static {
    inspectAsText(MemoryTransport.prototype);
  }

  readonly #parts: MemoryTransportParts;
  readonly #marks = new WaterMarks();
  /** What has arrived and was not read. */
  readonly #kept: (Uint8Array | typeof END)[] = [];
  #protocol: Protocol | null = null;
  #owner: ConnectionOwner | null = null;
  #state: State = 'opening';
  #isReadingPaused = false;
  #isWritingPaused = false;
  #isGiving = false;
  /** Whether the peer has ended its side, and the protocol knows. */
  #hasEnded = false;
  /** Whether everything that this side sends was handed over, its end included. */
  #hasFinished = false;
  #isEnding = false;
  /** Until when what arrives after the end is thrown away, in seconds of the loop's clock. */
  #lingersUntil = 0;
  #inVain = 0;
  /** The reader, which holds the writer: while the connection is open, neither is collected, at a moment that nobody decides. */
  held: object | null = null;

  constructor(parts: MemoryTransportParts) {
    this.#parts = parts;
    parts.incoming.receiver = this;
    parts.outgoing.sender = this;
    bindMethods(this, 'write', 'close', 'abort');
  }

  /**
   * The connection is there: the protocol gets its calls from now on.
   *
   * @param held what must live as long as the connection
   */
  open(protocol: BaseProtocol, owner: ConnectionOwner | null, held: object): void {
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    // Not before: a connection that nobody has accepted is the system's, and not something that the program could leave behind.
    attach(this.#parts.loop, this);
    this.held = held;
    this.#owner = owner;
    owner?.attach(this);
    this.setProtocol(protocol);
    this.#call('connectionMade', () => this.#protocol!.connectionMade(this));
    this.#giveSoon();
  }

  // --------------------------------------------------------------------------------------------- what arrives

  received(item: Uint8Array | typeof END): boolean {
    if (this.#state === 'closing') return true;
    if (this.#state === 'closed') {
      // The system answers so when it does not know the connection any more.
      if (item !== END && this.#parts.loop.time() >= this.#lingersUntil) this.#parts.outgoing.reset();
      return true;
    }
    if (this.#state === 'opening' || this.#isReadingPaused || this.#kept.length > 0) {
      this.#kept.push(item);
      return false;
    }
    this.#give(item);
    return true;
  }

  reset(): void {
    const { sockname, peername } = this.#parts;
    this.#lose(
      new ConnectionResetError(`read ECONNRESET: the connection ${show(sockname)} → ${show(peername)} was reset`, {
        code: 'ECONNRESET',
        syscall: 'read',
      }),
    );
  }

  #give(item: Uint8Array | typeof END): void {
    const protocol = this.#protocol!;
    if (item === END) {
      this.#call('eofReceived', () => {
        const keepOpen = Boolean(protocol.eofReceived());
        this.#hasEnded = true;
        if (!keepOpen) this.close();
        else this.#checkEnd();
      });
    } else this.#call('dataReceived', () => protocol.dataReceived(item));
  }

  #giveSoon(): void {
    if (this.#isGiving || this.#kept.length === 0) return;
    this.#isGiving = true;
    this.#parts.loop.callSoon(this.#giveKept);
  }

  readonly #giveKept = (): void => {
    this.#isGiving = false;
    while (this.#kept.length > 0 && this.#state === 'open' && !this.#isReadingPaused) {
      const item = this.#kept.shift()!;
      this.#give(item);
      if (item !== END) this.#parts.incoming.freed(item.length);
    }
  };

  #dropKept(): void {
    let count = 0;
    for (const item of this.#kept) if (item !== END) count += item.length;
    this.#kept.length = 0;
    if (count > 0) this.#parts.incoming.freed(count);
  }

  /** Both sides have ended: nothing can come any more. */
  #checkEnd(): void {
    if (this.#state === 'open' && this.#hasEnded && this.#hasFinished) this.#lose(null);
  }

  // --------------------------------------------------------------------------------------------- its end

  sent(): void {
    if (!this.#isWritingPaused || this.#parts.outgoing.size > this.#marks.low) return;
    this.#isWritingPaused = false;
    this.#call('resumeWriting', () => this.#protocol?.resumeWriting());
  }

  finished(): void {
    this.#hasFinished = true;
    if (this.#state === 'closing') {
      this.#lingersUntil = this.#parts.loop.time() + LINGER;
      this.#lose(null);
    } else this.#checkEnd();
  }

  #lose(error: unknown): void {
    if (this.#state === 'closed') return;
    const wasOpened = this.#state !== 'opening';
    this.#state = 'closed';
    this.#kept.length = 0;
    if (error !== null) this.#parts.outgoing.stop();
    detach(this.#parts.loop, this);
    this.#parts.onClosed();
    if (wasOpened) this.#parts.loop.callSoon(() => this.#lost(error));
  }

  #lost(error: unknown): void {
    this.held = null;
    try {
      this.#protocol?.connectionLost(error);
    } catch (exception) {
      if (leavesTheLoop(exception)) throw exception;
      this.#report('protocol.connectionLost() call failed', exception);
    } finally {
      this.#owner?.detach(this);
    }
  }

  /** The loop does not run any more, so the protocol cannot be called. */
  loopClosed(): void {
    this.#state = 'closed';
  }

  /** Calls a method of the protocol. An error of it ends the connection. */
  #call(where: string, call: () => void): void {
    try {
      call();
    } catch (exception) {
      if (leavesTheLoop(exception)) throw exception;
      this.#report(`Fatal error: protocol.${where}() call failed.`, exception);
      this.#lose(exception);
      this.#parts.outgoing.reset();
    }
  }

  #report(message: string, exception: unknown): void {
    this.#parts.loop.callExceptionHandler({
      message,
      exception,
      transport: this,
      protocol: this.#protocol ?? undefined,
    });
  }

  // --------------------------------------------------------------------------------------------- for programs

  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: { readonly default: D }): ExtraInfo[K] | D;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: string, otherwise?: unknown): unknown;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    if (name === 'peername') return this.#parts.peername;
    if (name === 'sockname') return this.#parts.sockname;
    return anyByName('default', otherwise);
  }

  isClosing(): boolean {
    return this.#state === 'closing' || this.#state === 'closed';
  }

  close(): void {
    if (this.#state === 'opening') this.refuse();
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#dropKept();
    if (this.#hasFinished) this.finished();
    else this.#parts.outgoing.end();
  }

  /** What the system has taken still arrives. The peer sees the end; a reset where this side has not read everything. */
  abort(): void {
    if (this.#state === 'closed') return;
    const hasUnread = this.#kept.some((item) => item !== END);
    if (hasUnread) this.#parts.outgoing.reset();
    this.#lose(null);
    if (!hasUnread) this.#parts.outgoing.abandon();
  }

  /** Nobody accepts it: the peer is reset. */
  refuse(): void {
    this.#lose(null);
    this.#parts.outgoing.reset();
  }

  setProtocol(protocol: BaseProtocol): void {
    if (!(protocol instanceof Protocol))
      throw typeError(`setProtocol: a Protocol is required for a connection in memory, got ${describe(protocol)}`);
    this.#protocol = protocol;
  }

  getProtocol(): BaseProtocol {
    return this.#protocol!;
  }

  isReading(): boolean {
    return this.#state === 'open' && !this.#isReadingPaused;
  }

  pauseReading(): void {
    if (this.#state === 'open') this.#isReadingPaused = true;
  }

  resumeReading(): void {
    if (this.#state !== 'open') return;
    this.#isReadingPaused = false;
    this.#giveSoon();
  }

  write(data: Bytes): void {
    checkBytes('write', data);
    this.#write(data);
  }

  writelines(data: Iterable<Bytes>): void {
    const pieces = [...data];
    for (const piece of pieces) checkBytes('writelines', piece);
    this.#write(concatenated(pieces.map((piece) => asBytes('writelines', piece))));
  }

  #write(data: Bytes): void {
    if (this.#isEnding) {
      throw new RuntimeError(`Cannot call write() after writeEof(): ${this}`, { code: 'WRITE_AFTER_EOF' });
    }
    if (data.length === 0) return;
    if (this.isClosing()) {
      this.#inVain++;
      if (this.#inVain === WARN_FROM) logger.warn(`write() has no effect, the connection is closed: ${this}`);
      return;
    }
    // A copy: what a program changes afterwards must not change on its way, as it does not in a system.
    this.#parts.outgoing.write(typeof data === 'string' ? asBytes('write', data) : data.slice());
    this.#pauseIfFull();
  }

  #pauseIfFull(): void {
    if (this.#isWritingPaused || this.#parts.outgoing.size <= this.#marks.high) return;
    this.#isWritingPaused = true;
    this.#call('pauseWriting', () => this.#protocol?.pauseWriting());
  }

  writeEof(): void {
    if (this.#state !== 'open' || this.#isEnding) return;
    this.#isEnding = true;
    this.#parts.outgoing.end();
  }

  canWriteEof(): boolean {
    return true;
  }

  getWriteBufferSize(): number {
    return this.#parts.outgoing.size;
  }

  getWriteBufferLimits(): readonly [low: number, high: number] {
    return [this.#marks.low, this.#marks.high];
  }

  setWriteBufferLimits(limits: WriteBufferLimits | number | null = null, low?: number): void {
    this.#marks.set(limits, low);
    this.sent();
    this.#pauseIfFull();
  }

  /**
   * Not there, but says why: whoever would encrypt the connection looks for it first, before anything of what was received is taken out.
   *
   * @throws {RuntimeError} always
   */
  get startTls(): undefined {
    throw new RuntimeError(
      `startTls: TLS is not simulated, and ${this} cannot be encrypted; leave it out in the test`,
      {
        code: 'NO_TLS',
      },
    );
  }

  toString(): string {
    const parts: string[] = [nameOfClass(this), this.#state, `peer=${show(this.#parts.peername)}`];
    if (this.#isReadingPaused) parts.push('paused');
    if (this.#parts.outgoing.size > 0) parts.push(`${this.#parts.outgoing.size} bytes to send`);
    return `<${parts.join(' ')}>`;
  }
}

function show(address: SocketAddress): string {
  return address.join(':');
}
