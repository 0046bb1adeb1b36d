import { leavesTheLoop } from '../errors/index.ts';
import { checkCallback, checkOptions } from '../internal/options.ts';
import {
  type Awaitable,
  type Coroutine,
  callAsCallback,
  createHandlerTask,
  type EventLoop,
  implicitLoop,
  isAwaitable,
  libraryCoroutine,
  type Task,
} from '../kernel/lowlevel.ts';
import { CloseWatch } from './close-watch.ts';
import type { CloseTimeoutOption } from './closing.ts';
import { FlowControl } from './flow-control.ts';
import { Handling } from './handling.ts';
import { Protocol } from './protocols.ts';
import type { Feeder, StreamReader } from './stream-reader.ts';
import { StreamWriter, type WriterProtocol } from './stream-writer.ts';
import type { BaseTransport, Transport } from './transports.ts';

/** Called for each connection of a server: an async function, a generator function, or a plain one. */
export type ConnectionHandler = (
  reader: StreamReader,
  writer: StreamWriter,
) => Coroutine<unknown> | Awaitable<unknown> | PromiseLike<unknown> | void;

/** Options of a stream's protocol. */
export interface StreamReaderProtocolOptions extends CloseTimeoutOption {
  /** The running one, or the thread's, when absent. */
  readonly loop?: EventLoop | undefined;
  /** Called with the task of the handler when that is made, and again when it is done. @internal */
  readonly onTask?: ((task: Task<unknown>) => void) | undefined;
}

/**
 * Passes the bytes of a transport to a `StreamReader`, and tells a `StreamWriter` when to wait.
 *
 * Follows CPython's `asyncio.StreamReaderProtocol`.
 */
export class StreamReaderProtocol extends Protocol implements WriterProtocol, Feeder {
  readonly #loop: EventLoop;
  readonly #handler: ConnectionHandler | null;
  readonly #options: StreamReaderProtocolOptions;
  /** Made when writing is paused or the connection is lost, because an idle connection needs none. */
  #flow: FlowControl | null = null;
  /** Made for the first waiter, or when the connection is lost. */
  #watch: CloseWatch | null = null;
  /**
   * Invariant: a weak one once a program has the reader and nothing else says that it is in use. From then on a connection that the
   * program does not hold any more can be collected, and closed. While its handler runs it is in use: the task has the reader anyway.
   */
  #reader: StreamReader | WeakRef<StreamReader>;
  #isMade = false;
  #isHandling = false;
  /** @internal */
  awaited: StreamReader | null = null;

  /**
   * @param reader the reader that gets the bytes
   * @param handler called with the reader and a writer when the connection is made; runs as a new task
   */
  constructor(
    reader: StreamReader,
    handler: ConnectionHandler | null = null,
    options: StreamReaderProtocolOptions = {},
  ) {
    super();
    checkOptions('StreamReaderProtocol', options, ['loop', 'onTask', 'closeTimeout']);
    checkCallback('StreamReaderProtocol: onTask', options.onTask);
    const { loop = implicitLoop() } = options;
    this.#loop = loop;
    this.#reader = reader;
    reader.feeder = this;
    this.#handler = handler;
    this.#options = options;
  }

  get isServerSide(): boolean {
    return this.#handler !== null;
  }

  override connectionMade(transport: BaseTransport): void {
    if (this.#isMade) return; // continues encrypted
    this.#isMade = true;
    const reader = this.#present()!;
    reader.setTransport(transport as Transport);
    const handler = this.#handler;
    if (handler === null) {
      this.#reader = new WeakRef(reader);
      return;
    }
    this.#isHandling = true;
    const writer = new StreamWriter(transport as Transport, this, reader, this.#loop, this.#options);
    const handling = new Handling(this, transport);
    const task = createHandlerTask(
      this.#loop,
      handler,
      [reader, writer],
      () => call(handler, reader, writer),
      handling,
    );
    this.#options.onTask?.(task);
    handling.watch(task);
  }

  /** The reader, unless it was collected. */
  #present(): StreamReader | undefined {
    const reader = this.#reader;
    return reader instanceof WeakRef ? reader.deref() : reader;
  }

  /** @internal */
  nameOfHandling(transport: BaseTransport): string {
    return `${this.#handler?.name || 'handler'}(${peerOf(transport)})`;
  }

  /** Whether its handler runs, so that reader and writer are in use. @internal */
  get isHandling(): boolean {
    return this.#isHandling;
  }

  /** @internal */
  handlingEnded(handling: Handling): void {
    const reader = this.#reader as StreamReader;
    const transport = reader.transport!;
    this.#isHandling = false;
    this.#reader = new WeakRef(reader);
    (reader.companion as StreamWriter).closeWhenForgotten();
    const { task } = handling;
    if (this.#options.onTask !== undefined || !hasSucceeded(task))
      callAsCallback(this.#loop, handling.newContext(), () => this.#handled(task, transport));
  }

  /** When a handler fails, this is reported and its connection is closed. When it ends normally, its connection is not closed here. */
  #handled(task: Task<unknown>, transport: BaseTransport): void {
    this.#options.onTask?.(task);
    if (task.cancelled()) {
      transport.close();
      return;
    }
    const exception = task.exception();
    if (exception === null) return;
    if (!leavesTheLoop(exception)) {
      this.#loop.callExceptionHandler({
        message: 'Unhandled exception in the handler of a connection',
        exception,
        transport,
      });
    }
    transport.close();
  }

  override dataReceived(data: Uint8Array): void {
    (this.awaited ?? this.#present())?.feedData(data);
  }

  /** A connection is kept open for writing when the peer has ended its side. */
  override eofReceived(): boolean {
    this.#present()?.feedEof();
    return true;
  }

  override connectionLost(error: unknown): void {
    const reader = this.#present();
    if (error === null) reader?.feedEof();
    else reader?.setException(error);
    this.#watch ??= new CloseWatch(this.#loop, this);
    this.#watch.lost(error);
    this.#control().lost(error);
  }

  #control(): FlowControl {
    this.#flow ??= new FlowControl(this.#loop, this);
    return this.#flow;
  }

  override pauseWriting(): void {
    this.#control().pause();
  }

  override resumeWriting(): void {
    this.#control().resume();
  }

  get mayWrite(): boolean {
    return this.#flow === null || this.#flow.isOpen;
  }

  drain(): Generator<unknown, void, unknown> {
    return this.#control().drain();
  }

  closed(): Generator<unknown, void, unknown> {
    this.#watch ??= new CloseWatch(this.#loop, this);
    return this.#watch.wait();
  }

  override toString(): string {
    const transport = this.#present()?.transport as BaseTransport | null | undefined;
    const peer = transport === null || transport === undefined ? '' : peerOf(transport);
    return peer === '' ? '<StreamReaderProtocol>' : `<StreamReaderProtocol peer=${peer}>`;
  }
}

/** Calls a handler as code of its task. A plain function is finished when it returns. */
function call(
  handler: ConnectionHandler,
  reader: StreamReader,
  writer: StreamWriter,
): Coroutine<unknown> | Awaitable<unknown> | PromiseLike<unknown> {
  const result = handler(reader, writer);
  return typeof result === 'object' && isAwaitable(result) ? result : nothing();
}

const nothing = /* @__PURE__ */ libraryCoroutine(function* nothing(): Generator<unknown, void, unknown> {});

function hasSucceeded(task: Task<unknown>): boolean {
  return !task.cancelled() && task.exception() === null;
}

function peerOf(transport: BaseTransport): string {
  const peer = transport.getExtraInfo('peername', '');
  return typeof peer === 'string' ? peer : peer.join(':');
}
