import { RuntimeError } from '../../errors/index.ts';
import { type Context, copyContext, type EventLoop } from '../../kernel/lowlevel.ts';
import { type BaseProtocol, BufferedProtocol, type Protocol, StreamReaderProtocol } from '../../streams/index.ts';

/** How many bytes may wait for the loop. */
const FULL = 256 * 1_024;

/** Stands for the end of what is received. */
const END: unique symbol = Symbol('end');

/**
 * Brings what happens to a protocol, in order. A program's protocol is called by the loop, in the context in which the transport
 * was made, as in CPython; the reader of a stream only keeps what it is given, and is told at once.
 */
export class Delivery {
  readonly loop: EventLoop;
  readonly #context: Context;
  /** Told of what a protocol throws. */
  readonly #onError: (error: unknown, where: string) => void;
  /** What the protocol has not been given. Invariant: empty when it is told at once. */
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
    // What is still in the inbox has to come first.
    this.#direct = isReader(protocol) && this.#inbox.length === 0;
  }

  /** Whether the protocol is told at once. */
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

  /** Nothing more is delivered. */
  close(): void {
    this.#closed = true;
    this.#inbox.length = 0;
    const last = this.#last;
    this.#last = null;
    if (last !== null) this.call(last);
  }

  /**
   * Calls a function when everything is delivered: what calls the protocol for the last time.
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
      // Taking the only one from behind leaves the list its memory.
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

  /** Whether nothing more should be read for now: the loop does not run, so that nobody takes it. Set by who owns the delivery. */
  onFull: (isFull: boolean) => void = () => {};

  /** Whether the end of the peer's side leaves this one open. Set by who owns the delivery. */
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

  /** Fills one buffer. What does not fit comes next: the protocol may pause, close or leave its place to another one before. */
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

/** Whether a protocol needs nothing of the loop to take what it is given. */
function isReader(protocol: BaseProtocol): boolean {
  return (
    protocol instanceof StreamReaderProtocol &&
    protocol.dataReceived === StreamReaderProtocol.prototype.dataReceived &&
    protocol.connectionMade === StreamReaderProtocol.prototype.connectionMade &&
    protocol.connectionLost === StreamReaderProtocol.prototype.connectionLost
  );
}

/** A runtime's buffer as plain bytes, which are not copied. */
export function plainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
