import { leavesTheLoop } from '../errors/index.ts';
import { checkCallback, checkOptions } from '../internal/options.ts';
import {
  type Awaitable,
  type Coroutine,
  type EventLoop,
  implicitLoop,
  isAwaitable,
  libraryCoroutine,
  type Task,
} from '../kernel/lowlevel.ts';
import { CloseWatch } from './close-watch.ts';
import type { CloseTimeoutOption } from './closing.ts';
import { FlowControl } from './flow-control.ts';
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
  /** Called with the task of the handler. @internal */
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
  readonly #onTask: ((task: Task<unknown>) => void) | undefined;
  readonly #closing: CloseTimeoutOption;
  readonly #flow: FlowControl;
  readonly #watch: CloseWatch;
  /**
   * Invariant: `#strong` is `null` once a program has the reader. From then on a connection that the program does not hold any more can be
   * collected, and closed.
   */
  readonly #reader: WeakRef<StreamReader>;
  #strong: StreamReader | null;
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
    const { loop = implicitLoop(), onTask } = options;
    this.#loop = loop;
    this.#reader = new WeakRef(reader);
    this.#strong = reader;
    reader.feeder = this;
    this.#handler = handler;
    this.#closing = options;
    this.#onTask = onTask;
    this.#flow = new FlowControl(loop, this);
    this.#watch = new CloseWatch(loop, this);
  }

  get isServerSide(): boolean {
    return this.#handler !== null;
  }

  override connectionMade(transport: BaseTransport): void {
    const reader = this.#strong;
    if (reader === null) return; // continues encrypted
    this.#strong = null;
    reader.setTransport(transport as Transport);
    if (this.#handler === null) return;
    const writer = new StreamWriter(transport as Transport, this, reader, this.#loop, this.#closing);
    const handler = this.#handler;
    const task = this.#loop.createTask(() => call(handler, reader, writer), {
      name: nameOfHandler(handler, transport),
    });
    this.#onTask?.(task);
    task.addDoneCallback((done) => this.#handled(done, transport));
  }

  /** When a handler fails, this is reported and its connection is closed. When it ends normally, its connection is not closed here. */
  #handled(task: { cancelled(): boolean; exception(): unknown }, transport: BaseTransport): void {
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
    (this.awaited ?? this.#reader.deref())?.feedData(data);
  }

  /** A connection is kept open for writing when the peer has ended its side. */
  override eofReceived(): boolean {
    this.#reader.deref()?.feedEof();
    return true;
  }

  override connectionLost(error: unknown): void {
    const reader = this.#reader.deref();
    if (error === null) reader?.feedEof();
    else reader?.setException(error);
    this.#watch.lost(error);
    this.#flow.lost(error);
  }

  override pauseWriting(): void {
    this.#flow.pause();
  }

  override resumeWriting(): void {
    this.#flow.resume();
  }

  get mayWrite(): boolean {
    return this.#flow.isOpen;
  }

  drain(): Generator<unknown, void, unknown> {
    return this.#flow.drain();
  }

  closed(): Generator<unknown, void, unknown> {
    return this.#watch.wait();
  }

  override toString(): string {
    const transport = this.#reader.deref()?.transport as BaseTransport | null | undefined;
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

function nameOfHandler(handler: ConnectionHandler, transport: BaseTransport): string {
  return `${handler.name || 'handler'}(${peerOf(transport)})`;
}

function peerOf(transport: BaseTransport): string {
  const peer = transport.getExtraInfo('peername', '');
  return typeof peer === 'string' ? peer : peer.join(':');
}
