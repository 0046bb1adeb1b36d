import { RuntimeError, ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { byName } from '../../internal/keywords.ts';
import { type AwaitableCoroutine, type EventLoop, getRunningLoop, libraryCoroutine } from '../../kernel/lowlevel.ts';
import { FlowControl } from '../../streams/flow-control.ts';
import { type BaseProtocol, Protocol, type Transport } from '../../streams/index.ts';
import { AsyncFile } from '../files/index.ts';

/** How much of a file is read at once. */
const CHUNK = 256 * 1_024;

/** Which part of a file is sent. */
export interface SendfileOptions {
  /** Where in the file to begin, in bytes; 0 when absent. */
  readonly offset?: number | undefined;
  /** How many bytes; up to the end of the file when absent. */
  readonly count?: number | null | undefined;
}

/**
 * Sends a file through a connection, as fast as the connection allows. During this no bytes are read from the connection.
 *
 * JavaScript runtimes do not offer the system call of this name, so the file goes through the program's memory, a chunk at a
 * time. Afterwards the file's position is after the part that was sent.
 *
 * **Cancellation**: bytes that were already written to the transport are sent.
 *
 * Follows CPython's `loop.sendfile`.
 *
 * @param transport a connection, for example `writer.transport`
 * @param file a file that was opened for reading bytes
 * @param options where to begin, and how much; by position, too
 * @returns how many bytes were sent
 * @throws {RuntimeError} when the transport is closing
 * @throws {ConnectionResetError} when the connection is lost during this
 * @throws {TypeError} at once, when it is not a file from `openFile`, or one that is read as text
 * @throws {ValueError} at once, when a number is below zero
 */
export function sendfile(
  transport: Transport,
  file: AsyncFile<Uint8Array>,
  options?: SendfileOptions,
): AwaitableCoroutine<number>;
export function sendfile(
  transport: Transport,
  file: AsyncFile<Uint8Array>,
  offset: number,
  count?: number | null,
): AwaitableCoroutine<number>;
export function sendfile(
  transport: Transport,
  file: AsyncFile<Uint8Array>,
  ...given: readonly unknown[]
): AwaitableCoroutine<number> {
  const { offset = 0, count = null } = byName<SendfileOptions>('sendfile', ['offset', 'count'], [], given);
  if (typeof transport?.write !== 'function')
    throw typeError(`sendfile: a transport is required, got ${describe(transport)}; streams have writer.transport`);
  if (!(file instanceof AsyncFile) || file.encoding !== null)
    throw typeError(`sendfile: a file that openFile has opened without an encoding is required, got ${describe(file)}`);
  if (!(offset >= 0)) throw new ValueError(`sendfile: offset must not be less than zero, got ${offset}`);
  if (count !== null && !(count >= 0)) throw new ValueError(`sendfile: count must not be less than zero, got ${count}`);
  return send(transport, file, offset, count ?? Number.POSITIVE_INFINITY);
}

/** Replaces the protocol while a file is sent: it pauses and resumes the sending, and passes on events that the protocol needs. */
class SendfileProtocol extends Protocol {
  readonly flow: FlowControl;
  readonly #inner: BaseProtocol;

  constructor(loop: EventLoop, inner: BaseProtocol) {
    super();
    this.#inner = inner;
    this.flow = new FlowControl(loop, this);
  }

  override pauseWriting(): void {
    this.flow.pause();
    this.#inner.pauseWriting();
  }

  override resumeWriting(): void {
    this.flow.resume();
    this.#inner.resumeWriting();
  }

  override connectionLost(error: unknown): void {
    this.flow.lost(error);
    this.#inner.connectionLost(error);
  }

  override toString(): string {
    return '<sendfile>';
  }
}

const send = /* @__PURE__ */ libraryCoroutine(function* sendfile(
  transport: Transport,
  file: AsyncFile<Uint8Array>,
  offset: number,
  count: number,
): Generator<unknown, number, unknown> {
  if (transport.isClosing()) throw new RuntimeError(`sendfile: ${transport} is closing`, { code: 'TRANSPORT_CLOSED' });
  const inner = transport.getProtocol();
  const protocol = new SendfileProtocol(getRunningLoop(), inner);
  const wasReading = transport.isReading();
  transport.pauseReading();
  transport.setProtocol(protocol);
  let sent = 0;
  try {
    yield* file.seek(offset);
    while (sent < count) {
      const chunk = yield* file.read(Math.min(CHUNK, count - sent));
      if (chunk.length === 0) break;
      transport.write(chunk);
      sent += chunk.length;
      yield* protocol.flow.drain();
    }
    return sent;
  } finally {
    transport.setProtocol(inner);
    if (wasReading) transport.resumeReading();
  }
});
