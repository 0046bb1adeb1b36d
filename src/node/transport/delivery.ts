import { RuntimeError } from '../../errors/index.ts';
import {
  type Context,
  contextOf,
  currentValues,
  type EventLoop,
  isLoopClosed,
  type Values,
} from '../../kernel/lowlevel.ts';
import { type BaseProtocol, BufferedProtocol, type Protocol, StreamReaderProtocol } from '../../streams/index.ts';

/** How many bytes may wait for the loop. */
const FULL = 256 * 1_024;

/** Marks the end of the received bytes. */
const END: unique symbol = Symbol('end');

type Item = Uint8Array | typeof END;

/** Who delivers. */
export interface Deliverer {
  /** The protocol has thrown an error. */
  protocolFailed(error: unknown, where: string): void;
  /** Reading should stop for now, because the loop does not run; or may go on. */
  inboxIsFull(isFull: boolean): void;
  /** The protocol knows that the peer has ended its side, and says whether this side stays open. */
  endDelivered(keepOpen: boolean): void;
}

// What `#marks` hold.
/** The protocol is called at once. */
const DIRECT = 1;
const PAUSED = 2;
const SCHEDULED = 4;
const CLOSED = 8;

/**
 * Delivers events to a protocol, in order. A program's protocol is called by the loop, in the context in which the transport
 * was made, as in CPython; the protocol of a stream only stores the bytes, and is called at once.
 */
export class Delivery {
  readonly loop: EventLoop;
  readonly #owner: Deliverer;
  /** The values of the context in which the transport was made, and the context itself once it is needed. */
  readonly #values: Values = currentValues();
  #context: Context | null = null;
  /**
   * The events that the protocol has not got yet; made for the first one. Invariant: empty when it is called at once, and when it is closed:
   * what comes last waits until it is empty.
   */
  #inbox: Item[] | null = null;
  /** Called when the inbox is empty. */
  #last: (() => void) | null = null;
  /** How many bytes of the inbox were put there since it was empty. */
  #waiting = 0;
  #protocol!: BaseProtocol;
  #marks = 0;
  /** What the loop calls; made when it first has to. */
  #deliver: (() => void) | null = null;

  constructor(loop: EventLoop, protocol: BaseProtocol, owner: Deliverer) {
    this.loop = loop;
    this.#owner = owner;
    this.protocol = protocol;
  }

  #mark(mark: number, isSet: boolean): void {
    if (isSet) this.#marks |= mark;
    else this.#marks &= ~mark;
  }

  get #isEmpty(): boolean {
    return this.#inbox === null || this.#inbox.length === 0;
  }

  #inContext(fn: () => void): void {
    this.#context ??= contextOf(this.#values);
    this.loop.callSoonIn(this.#context, fn);
  }

  get protocol(): BaseProtocol {
    return this.#protocol;
  }

  set protocol(protocol: BaseProtocol) {
    this.#protocol = protocol;
    // The events in the inbox must come first.
    this.#mark(DIRECT, isReader(protocol) && this.#isEmpty);
  }

  /** Whether the protocol is called at once. */
  get isDirect(): boolean {
    return (this.#marks & DIRECT) !== 0;
  }

  /** Calls a function that calls the protocol: in its turn. */
  call(fn: () => void): void {
    if (isLoopClosed(this.loop)) return;
    if (this.isDirect) fn();
    else this.#inContext(fn);
  }

  data(chunk: Uint8Array): void {
    if (this.isDirect) this.#give(chunk);
    else this.#keep(chunk);
  }

  /** The peer has ended its side. */
  end(): void {
    if (this.isDirect) this.#give(END);
    else this.#keep(END);
  }

  pause(): void {
    this.#marks |= PAUSED;
  }

  resume(): void {
    this.#marks &= ~PAUSED;
    this.#schedule();
  }

  /** No more events are delivered. */
  close(): void {
    this.#marks |= CLOSED;
    this.#inbox = null;
    const last = this.#last;
    this.#last = null;
    if (last !== null) this.call(last);
  }

  /**
   * Calls a function when everything is delivered; that function makes the last call of the protocol.
   *
   * @param inOrder whether it may wait for a protocol that is paused
   */
  finish(last: () => void, inOrder: boolean): void {
    if ((this.#marks & PAUSED) !== 0 && !inOrder) this.close();
    if (this.#isEmpty) this.call(last);
    else this.#last = last;
  }

  #keep(item: Item): void {
    if ((this.#marks & CLOSED) !== 0) return;
    this.#inbox ??= [];
    this.#inbox.push(item);
    if (item !== END) {
      const before = this.#waiting;
      this.#waiting += item.length;
      if (before <= FULL && this.#waiting > FULL) this.#owner.inboxIsFull(true);
    }
    this.#schedule();
  }

  #schedule(): void {
    if ((this.#marks & SCHEDULED) !== 0 || this.#isEmpty || isLoopClosed(this.loop)) return;
    this.#marks |= SCHEDULED;
    this.#deliver ??= () => this.#giveAll();
    this.#inContext(this.#deliver);
  }

  #giveAll(): void {
    this.#marks &= ~SCHEDULED;
    // The protocol may close or pause meanwhile.
    while ((this.#marks & (PAUSED | CLOSED)) === 0) {
      const inbox = this.#inbox;
      if (inbox === null || inbox.length === 0) break;
      // Taking the only item from the end keeps the memory of the list.
      const item = inbox.length === 1 ? inbox.pop() : inbox.shift();
      if (item !== undefined) this.#give(item);
    }
    if (!this.#isEmpty) return;
    if (this.#waiting > FULL) this.#owner.inboxIsFull(false);
    this.#waiting = 0;
    this.#mark(DIRECT, isReader(this.#protocol));
    const last = this.#last;
    this.#last = null;
    last?.();
  }

  #give(item: Item): void {
    const protocol = this.#protocol as Protocol | BufferedProtocol;
    let where = item === END ? 'eofReceived' : protocol instanceof BufferedProtocol ? 'getBuffer' : 'dataReceived';
    try {
      if (item === END) this.#owner.endDelivered(Boolean(protocol.eofReceived()));
      else if (protocol instanceof BufferedProtocol) {
        const count = this.#fill(protocol, item);
        where = 'bufferUpdated';
        protocol.bufferUpdated(count);
      } else protocol.dataReceived(item);
    } catch (error) {
      this.#owner.protocolFailed(error, where);
    }
  }

  /** Fills one buffer. The rest comes in the next call, because the protocol may pause, close or be replaced in between. */
  #fill(protocol: BufferedProtocol, data: Uint8Array): number {
    const buffer = protocol.getBuffer(data.length);
    if (!(buffer instanceof Uint8Array) || buffer.length === 0)
      throw new RuntimeError('getBuffer() returned an empty buffer', { code: 'EMPTY_BUFFER' });
    const part = data.subarray(0, buffer.length);
    buffer.set(part);
    // The protocol may have closed the transport when it was asked for the buffer.
    if (part.length < data.length && (this.#marks & CLOSED) === 0) {
      this.#inbox ??= [];
      this.#inbox.unshift(data.subarray(part.length));
    }
    return part.length;
  }
}

/** Whether a protocol can be called outside a running loop. */
function isReader(protocol: BaseProtocol): boolean {
  return (
    protocol instanceof StreamReaderProtocol &&
    protocol.dataReceived === StreamReaderProtocol.prototype.dataReceived &&
    protocol.connectionMade === StreamReaderProtocol.prototype.connectionMade &&
    protocol.connectionLost === StreamReaderProtocol.prototype.connectionLost
  );
}

/** A runtime's buffer as a plain `Uint8Array`, without copying. */
export function plainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
