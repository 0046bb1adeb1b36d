import type { Readable, Writable } from 'node:stream';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import {
  type AwaitableCoroutine,
  attach,
  detach,
  type EventLoop,
  getRunningLoop,
  type LoopResource,
  libraryCoroutine,
} from '../../kernel/lowlevel.ts';
import { type BaseProtocol, Protocol, type ReadTransport, type WriteTransport } from '../../streams/index.ts';
import { checkFactory, type TransportAndProtocol, transportAndProtocol } from '../net/create-connection.ts';
import { type Deliverer, Delivery } from '../transport/delivery.ts';
import { ReadPipeTransport } from './read-pipe.ts';
import { WritePipeTransport } from './write-pipe.ts';

/** Connects a pipe, which calls at once, with a program's protocol, which is called by the loop. */
class Courier extends Protocol implements LoopResource, Deliverer {
  readonly delivery: Delivery;
  /** Closes the transport, when the loop is closed or the protocol fails. */
  close: () => void = () => {};
  /** Makes the transport stop reading for a while, or go on. */
  hold: (isFull: boolean) => void = () => {};

  constructor(loop: EventLoop, protocol: BaseProtocol) {
    super();
    this.delivery = new Delivery(loop, protocol, this);
    attach(loop, this);
  }

  protocolFailed(exception: unknown, where: string): void {
    const { loop, protocol } = this.delivery;
    loop.callExceptionHandler({ message: `Fatal error: protocol.${where}() call failed.`, exception, protocol });
    this.close();
  }

  inboxIsFull(isFull: boolean): void {
    this.hold(isFull);
  }

  /** A pipe has no other direction that could stay open. */
  endDelivered(): void {}

  override dataReceived(data: Uint8Array): void {
    this.delivery.data(data);
  }

  override eofReceived(): void {
    this.delivery.end();
  }

  override connectionLost(error: unknown): void {
    detach(this.delivery.loop, this);
    const last = () => this.delivery.protocol.connectionLost(error);
    this.delivery.finish(last, error === null);
  }

  override pauseWriting(): void {
    this.delivery.protocol.pauseWriting();
  }

  override resumeWriting(): void {
    this.delivery.protocol.resumeWriting();
  }

  /** @internal */
  loopClosed(): void {
    this.delivery.close();
    this.close();
  }
}

/** The reading end of a pipe whose protocol is the program's. */
class ConnectedReadPipe extends ReadPipeTransport {
  readonly #courier: Courier;
  /** The reasons for not reading: the protocol has paused it, or too many bytes wait for a loop that does not run. */
  readonly #reasons = new Set<'protocol' | 'full'>();

  constructor(stream: Readable, courier: Courier) {
    super(stream, courier);
    this.#courier = courier;
    courier.hold = (isFull) => this.#hold('full', isFull);
  }

  #hold(reason: 'protocol' | 'full', holds: boolean): void {
    if (holds) this.#reasons.add(reason);
    else this.#reasons.delete(reason);
    if (this.#reasons.size > 0) super.pauseReading();
    else super.resumeReading();
  }

  override getProtocol(): BaseProtocol {
    return this.#courier.delivery.protocol;
  }

  override setProtocol(protocol: BaseProtocol): void {
    this.#courier.delivery.protocol = protocol;
  }

  // Bytes that were read before the stream ended may still wait for the protocol, too.
  override pauseReading(): void {
    this.#courier.delivery.pause();
    this.#hold('protocol', true);
  }

  override resumeReading(): void {
    this.#courier.delivery.resume();
    this.#hold('protocol', false);
  }

  override close(): void {
    this.#courier.delivery.close();
    super.close();
  }
}

/** The writing end of a pipe whose protocol is the program's. */
class ConnectedWritePipe extends WritePipeTransport {
  readonly #courier: Courier;

  constructor(loop: EventLoop, stream: Writable, courier: Courier) {
    super(loop, stream, courier);
    this.#courier = courier;
  }

  override getProtocol(): BaseProtocol {
    return this.#courier.delivery.protocol;
  }

  override setProtocol(protocol: BaseProtocol): void {
    this.#courier.delivery.protocol = protocol;
  }
}

/**
 * Reads from a stream of the runtime, such as `process.stdin`, for a protocol. Closing the transport ends the stream.
 *
 * **Cancellation**: closes the stream.
 *
 * Follows CPython's `loop.connect_read_pipe`.
 *
 * @param protocolFactory makes the protocol
 * @param pipe a stream of bytes that no other code reads from
 * @returns `[transport, protocol]`
 * @throws {TypeError} at once, when it is not a readable stream
 * @throws what the factory throws; the stream is closed then
 */
export function connectReadPipe<P extends BaseProtocol>(
  protocolFactory: () => P,
  pipe: Readable,
): AwaitableCoroutine<TransportAndProtocol<ReadTransport, P>> {
  checkFactory('connectReadPipe', protocolFactory);
  if (typeof pipe?.read !== 'function')
    throw typeError(`connectReadPipe: a readable stream of Node is required, got ${describe(pipe)}`, 'NOT_A_STREAM');
  return read(protocolFactory, pipe) as AwaitableCoroutine<TransportAndProtocol<ReadTransport, P>>;
}

const read = /* @__PURE__ */ libraryCoroutine(function* connectReadPipe(
  protocolFactory: () => BaseProtocol,
  pipe: Readable,
): Generator<unknown, TransportAndProtocol<ReadTransport, BaseProtocol>, unknown> {
  const courier = courierFor(getRunningLoop(), protocolFactory, pipe);
  const transport = new ConnectedReadPipe(pipe, courier);
  yield* begin(courier, transport);
  transport.start();
  return transportAndProtocol<ReadTransport, BaseProtocol>(transport, courier.delivery.protocol);
});

/**
 * Writes to a stream of the runtime, such as `process.stdout`, for a protocol, whose `pauseWriting` is called. Closing the transport ends
 * the stream.
 *
 * **Cancellation**: closes the stream.
 *
 * Follows CPython's `loop.connect_write_pipe`.
 *
 * @param protocolFactory makes the protocol
 * @param pipe a stream of bytes that no other code writes to
 * @returns `[transport, protocol]`
 * @throws {TypeError} at once, when it is not a writable stream
 * @throws what the factory throws; the stream is closed then
 */
export function connectWritePipe<P extends BaseProtocol>(
  protocolFactory: () => P,
  pipe: Writable,
): AwaitableCoroutine<TransportAndProtocol<WriteTransport, P>> {
  checkFactory('connectWritePipe', protocolFactory);
  if (typeof pipe?.write !== 'function')
    throw typeError(`connectWritePipe: a writable stream of Node is required, got ${describe(pipe)}`, 'NOT_A_STREAM');
  return write(protocolFactory, pipe) as AwaitableCoroutine<TransportAndProtocol<WriteTransport, P>>;
}

const write = /* @__PURE__ */ libraryCoroutine(function* connectWritePipe(
  protocolFactory: () => BaseProtocol,
  pipe: Writable,
): Generator<unknown, TransportAndProtocol<WriteTransport, BaseProtocol>, unknown> {
  const loop = getRunningLoop();
  const courier = courierFor(loop, protocolFactory, pipe);
  const transport = new ConnectedWritePipe(loop, pipe, courier);
  yield* begin(courier, transport);
  return transportAndProtocol<WriteTransport, BaseProtocol>(transport, courier.delivery.protocol);
});

/** Makes the protocol. When that fails there is no transport with which the program could close the stream, so it is closed here. */
function courierFor(loop: EventLoop, protocolFactory: () => BaseProtocol, pipe: Readable | Writable): Courier {
  try {
    return new Courier(loop, protocolFactory());
  } catch (error) {
    pipe.destroy();
    throw error;
  }
}

/** Calls `connectionMade` before the caller gets transport and protocol. */
function* begin(courier: Courier, transport: ReadTransport | WriteTransport): Generator<unknown, void, unknown> {
  const { delivery } = courier;
  courier.close = () => transport.close();
  delivery.call(() => delivery.protocol.connectionMade(transport));
  try {
    if (!delivery.isDirect) yield;
  } catch (error) {
    transport.close();
    throw error;
  }
}
