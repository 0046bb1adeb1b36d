import { inspectAsText } from '../../internal/inspection.ts';
import { checkOptions } from '../../internal/options.ts';
import { type EventLoop, implicitLoop } from '../../kernel/lowlevel.ts';
import { CloseWatch } from '../../streams/close-watch.ts';
import { FlowControl } from '../../streams/flow-control.ts';
import type { ReadTransport, SubprocessTransport, WriteTransport } from '../../streams/index.ts';
import { type BaseTransport, StreamReader, StreamWriter, SubprocessProtocol } from '../../streams/index.ts';
import type { WriterProtocol } from '../../streams/stream-writer.ts';

/** Options of the protocol of a process with streams. */
export interface SubprocessStreamProtocolOptions {
  /** The limit of the readers, in bytes; 64 KiB when absent. */
  readonly limit?: number | undefined;
  /** The running one, or the thread's, when absent. */
  readonly loop?: EventLoop | undefined;
}

/**
 * Passes the output of a process to its readers, and tells the writer of its input when to wait.
 *
 * Follows CPython's `SubprocessStreamProtocol`.
 *
 * @example
 * const [transport, protocol] = await subprocessExec(() => new SubprocessStreamProtocol(), 'echo', 'hello', { stdin: null });
 * const line = await protocol.stdout!.readline();
 * transport.close();
 */
export class SubprocessStreamProtocol extends SubprocessProtocol implements WriterProtocol {
  static {
    inspectAsText(SubprocessStreamProtocol.prototype);
  }

  /** Writes its input; `null` when that is no pipe, and before the connection is made. */
  stdin: StreamWriter | null = null;
  /** Reads its output; `null` when that is not a pipe, and before the connection is made. */
  stdout: StreamReader | null = null;
  /** Reads its error output; `null` when that is not a pipe, and before the connection is made. */
  stderr: StreamReader | null = null;
  readonly isServerSide = false;
  readonly #limit: number | undefined;
  readonly #loop: EventLoop;
  readonly #flow: FlowControl;
  readonly #watch: CloseWatch;
  #transport: SubprocessTransport | null = null;
  /** Invariant: the outputs that have not ended. */
  readonly #open = new Set<number>();
  #exited = false;

  constructor(options: SubprocessStreamProtocolOptions = {}) {
    super();
    checkOptions('SubprocessStreamProtocol', options, ['limit', 'loop']);
    const { limit, loop = implicitLoop() } = options;
    this.#limit = limit;
    this.#loop = loop;
    this.#flow = new FlowControl(loop, this);
    this.#watch = new CloseWatch(loop, this);
  }

  override connectionMade(transport: BaseTransport): void {
    const process = transport as SubprocessTransport;
    this.#transport = process;
    this.stdout = this.#readerOf(process, 1);
    this.stderr = this.#readerOf(process, 2);
    const input = process.getPipeTransport(0) as WriteTransport | null;
    if (input !== null) this.stdin = new StreamWriter(input, this, null, this.#loop);
  }

  #readerOf(transport: SubprocessTransport, fd: number): StreamReader | null {
    const pipe = transport.getPipeTransport(fd) as ReadTransport | null;
    if (pipe === null) return null;
    const reader = new StreamReader({ limit: this.#limit, loop: this.#loop });
    reader.setTransport(pipe);
    this.#open.add(fd);
    return reader;
  }

  #reader(fd: number): StreamReader | null {
    return fd === 1 ? this.stdout : fd === 2 ? this.stderr : null;
  }

  override pipeDataReceived(fd: number, data: Uint8Array): void {
    this.#reader(fd)?.feedData(data);
  }

  override pipeConnectionLost(fd: number, error: unknown): void {
    if (fd === 0) {
      this.#flow.lost(error);
      this.#watch.lost(error);
      return;
    }
    if (error === null) this.#reader(fd)?.feedEof();
    else this.#reader(fd)?.setException(error);
    this.#open.delete(fd);
    this.#closeWhenOver();
  }

  override processExited(): void {
    this.#exited = true;
    this.#closeWhenOver();
  }

  #closeWhenOver(): void {
    if (this.#exited && this.#open.size === 0) this.#transport?.close();
  }

  override pauseWriting(): void {
    this.#flow.pause();
  }

  override resumeWriting(): void {
    this.#flow.resume();
  }

  /** Waits while the input is full: for the writer. */
  drain(): Generator<unknown, void, unknown> {
    return this.#flow.drain();
  }

  /** Waits until the input is closed: for the writer. */
  closed(): Generator<unknown, void, unknown> {
    return this.#watch.wait();
  }

  override toString(): string {
    const streams = (['stdin', 'stdout', 'stderr'] as const).filter((name) => this[name] !== null);
    return `<${['SubprocessStreamProtocol', ...streams.map((name) => `${name}=${this[name]}`)].join(' ')}>`;
  }
}
