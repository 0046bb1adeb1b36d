import { RuntimeError } from '../../errors/index.ts';
import { type Context, copyContext, type EventLoop } from '../../kernel/lowlevel.ts';
import { type BaseProtocol, BufferedProtocol, type Protocol, StreamReaderProtocol } from '../../streams/index.ts';

/** How many bytes may wait for the loop. */
const FULL = 256 * 1_024;

/** Marks the end of the received bytes. */
const END: unique symbol = Symbol('end');

/**
 * Delivers events to a protocol, in order. A program's protocol is called by the loop, in the context in which the transport
 * was made, as in CPython; the protocol of a stream only stores the bytes, and is called at once.
 */
export class Delivery {
  readonly loop: EventLoop;
  readonly #context: Context;
  /** Called with the errors that a protocol throws. */
  readonly #onError: (error: unknown, where: string) => void;
  /** The events that the protocol has not got yet. Invariant: empty when it is called at once. */
  readonly #inbox: (Uint8Array | typeof END)[] = [];
  /** Called when the inbox is empty. */
  #last: (() => void) | null = null;
  /** How many bytes of the inbox were put there since it was empty. */
  #waiting = 0;
  #protocol!: BaseProtocol;
  #direct = false;
  #paused = false;
  #scheduled = false;
  #closed = false;

  constructor(loop: EventLoop, protocol: BaseProtocol, onError: (error: unknown, where: string) => void) {
    this.loop = loop;
    this.#context = copyContext();
    this.#onError = onError;
    this.protocol = protocol;
  }

  get protocol(): BaseProtocol {
    return this.#protocol;
  }

  set protocol(protocol: BaseProtocol) {
    this.#protocol = protocol;
    // The events in the inbox must come first.
    this.#direct = isReader(protocol) && this.#inbox.length === 0;
  }

  /** Whether the protocol is called at once. */
  get isDirect(): boolean {
    return this.#direct;
  }

  /** Calls a function that calls the protocol: in its turn. */
  call(fn: () => void): void {
    if (this.loop.isClosed()) return;
    if (this.#direct) fn();
    else this.loop.callSoonIn(this.#context, fn);
  }

  data(chunk: Uint8Array): void {
    if (this.#direct) this.#give(chunk);
    else this.#keep(chunk);
  }

  /** The peer has ended its side. */
  end(): void {
    if (this.#direct) this.#give(END);
    else this.#keep(END);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  /** No more events are delivered. */
  close(): void {
    this.#closed = true;
    this.#inbox.length = 0;
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
    if (this.#paused && !inOrder) this.close();
    if (this.#inbox.length === 0) this.call(last);
    else this.#last = last;
  }

  #keep(item: Uint8Array | typeof END): void {
    this.#inbox.push(item);
    if (item !== END) {
      const before = this.#waiting;
      this.#waiting += item.length;
      if (before <= FULL && this.#waiting > FULL) this.onFull(true);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#inbox.length === 0 || this.loop.isClosed()) return;
    this.#scheduled = true;
    this.loop.callSoonIn(this.#context, this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#scheduled = false;
    while (this.#inbox.length > 0 && !this.#paused && !this.#closed) {
      // Taking the only item from the end keeps the memory of the list.
      const item = this.#inbox.length === 1 ? this.#inbox.pop() : this.#inbox.shift();
      if (item !== undefined) this.#give(item);
    }
    if (this.#inbox.length > 0) return;
    if (this.#waiting > FULL) this.onFull(false);
    this.#waiting = 0;
    this.#direct = isReader(this.#protocol);
    const last = this.#last;
    this.#last = null;
    last?.();
  };

  /** Whether reading should stop for now, because the loop does not run. Set by the owner of the delivery. */
  onFull: (isFull: boolean) => void = () => {};

  /** Whether this side stays open after the peer has ended its side. Set by the owner of the delivery. */
  onEnd: (keepOpen: boolean) => void = () => {};

  #give(item: Uint8Array | typeof END): void {
    const protocol = this.#protocol as Protocol | BufferedProtocol;
    let where = item === END ? 'eofReceived' : protocol instanceof BufferedProtocol ? 'getBuffer' : 'dataReceived';
    try {
      if (item === END) this.onEnd(Boolean(protocol.eofReceived()));
      else if (protocol instanceof BufferedProtocol) {
        const count = this.#fill(protocol, item);
        where = 'bufferUpdated';
        protocol.bufferUpdated(count);
      } else protocol.dataReceived(item);
    } catch (error) {
      this.#onError(error, where);
    }
  }

  /** Fills one buffer. The rest comes in the next call, because the protocol may pause, close or be replaced in between. */
  #fill(protocol: BufferedProtocol, data: Uint8Array): number {
    const buffer = protocol.getBuffer(data.length);
    if (!(buffer instanceof Uint8Array) || buffer.length === 0)
      throw new RuntimeError('getBuffer() returned an empty buffer', { code: 'EMPTY_BUFFER' });
    const part = data.subarray(0, buffer.length);
    buffer.set(part);
    if (part.length < data.length) this.#inbox.unshift(data.subarray(part.length));
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
