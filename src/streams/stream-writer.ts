import { CancelledError, RuntimeError } from '../errors/index.ts';
import { ConnectionAbortedError, OSError } from '../errors/os-error.ts';
import { nameOfClass } from '../internal/describe.ts';
import type { Duration } from '../internal/duration.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { anyByName, checkOptions } from '../internal/options.ts';
import { type AwaitableCoroutine, type EventLoop, isLoopClosed, libraryCoroutine, logger } from '../kernel/lowlevel.ts';
import { BoundMethods, bindMethods, bindOnFirstRead } from './bound.ts';
import {
  type CloseTimeoutOption,
  closeTimeoutOf,
  endWithin,
  HURRIED_CLOSE_TIMEOUT,
  isBeingCancelled,
} from './closing.ts';
import { Draining } from './draining.ts';
import type { StreamReader } from './stream-reader.ts';
import type { BaseTransport, Bytes, ExtraInfo, Transport, WriteTransport } from './transports.ts';

/** The methods of a protocol that a writer uses. */
export interface WriterProtocol {
  /** Whether `drain` has nothing to wait for, and nothing to throw; absent when only `drain` knows. */
  readonly mayWrite?: boolean;
  /** Waits while writing is paused. */
  drain(): Generator<unknown, void, unknown>;
  /** Waits until the connection has ended. */
  closed(): Generator<unknown, void, unknown>;
  /** Whether this is the server's side of the connection. */
  readonly isServerSide: boolean;
  /** Whether a task of the library's own uses reader and writer, so that they are not forgotten. @internal */
  readonly isHandling?: boolean;
}

/** Options of a TLS handshake on an existing connection. */
export interface StartTlsOptions {
  /** The name that the server's certificate must have; the host of the connection when absent. */
  readonly serverHostname?: string | undefined;
  /** The longest time that the handshake may take, in seconds; 60 when absent. */
  readonly sslHandshakeTimeout?: Duration | undefined;
}

/** A transport that can be replaced by an encrypted one. */
export interface TlsCapable {
  startTls(
    context: unknown,
    options: StartTlsOptions & { readonly serverSide: boolean; readonly unread?: Uint8Array | undefined },
  ): AwaitableCoroutine<Transport>;
}

/**
 * Writes to a connection, or to a pipe.
 *
 * `write` never waits: bytes that cannot be sent at once are kept. Call `await drain()` after it, so that a slow peer slows the program
 * down instead of filling its memory.
 *
 * Follows CPython's `asyncio.StreamWriter`.
 *
 * @example
 * const { reader, writer } = await openConnection('127.0.0.1', port);
 * writer.write('hello\n');
 * await writer.drain();
 * console.log(new TextDecoder().decode(await reader.readline()));
 * writer.close();
 * await writer.waitClosed();
 */
export class StreamWriter implements AsyncDisposable {
  static {
    inspectAsText(StreamWriter.prototype);
    bindOnFirstRead(StreamWriter.prototype, ['write', 'close'], (writer) => {
      if (!(#bound in writer)) return null;
      writer.#bound ??= new BoundMethods();
      return writer.#bound;
    });
  }

  #transport: WriteTransport;
  readonly #protocol: WriterProtocol;
  readonly #reader: StreamReader | null;
  readonly #loop: EventLoop;
  /** In seconds; `null` for no limit. */
  readonly #closeTimeout: number | null;
  /** The error that `drain` or `waitClosed` has thrown; disposing of the writer does not throw it again. */
  #told: unknown = null;
  #bound: BoundMethods | null = null;

  /** Called by `openConnection` and similar functions. */
  constructor(
    transport: WriteTransport,
    protocol: WriterProtocol,
    reader: StreamReader | null,
    loop: EventLoop,
    options: CloseTimeoutOption = {},
  ) {
    this.#closeTimeout = closeTimeoutOf('StreamWriter', options);
    this.#transport = transport;
    this.#protocol = protocol;
    this.#reader = reader;
    this.#loop = loop;
    if (reader !== null) reader.companion = this;
    if (new.target !== StreamWriter) bindMethods(this, 'write', 'close');
    if (protocol.isHandling !== true) this.closeWhenForgotten();
  }

  /**
   * A connection whose reader and writer are both garbage collected cannot be used any more. It is closed, as in Python, where that
   * happens at once, not when the garbage collector runs. A program that closes its connections does not depend on this. @internal
   */
  closeWhenForgotten(): void {
    const transport = this.#transport;
    if (!transport.isClosing()) registryOfForgotten().register(this, { transport, loop: this.#loop });
  }

  /** The transport under it. */
  get transport(): WriteTransport {
    return this.#transport;
  }

  /**
   * Sends bytes, or keeps them until they can be sent. They must not be changed afterwards.
   *
   * Follows CPython's `StreamWriter.write`.
   *
   * @param data bytes, or a string, which is sent as UTF-8
   * @throws {TypeError} when it is neither bytes nor a string
   * @throws {RuntimeError} after `writeEof()`
   */
  write(data: Bytes): void {
    this.#transport.write(data);
  }

  /** Sends all items in order, as one `write`. Follows CPython's `StreamWriter.writelines`. */
  writelines(data: Iterable<Bytes>): void {
    this.#transport.writelines(data);
  }

  /**
   * If the buffer has passed the high mark, waits until it is down to the low mark; otherwise returns at once.
   *
   * **Cancellation**: ends the wait; the written bytes are still sent.
   *
   * Follows CPython's `StreamWriter.drain`.
   *
   * @throws {ConnectionResetError} when the connection is lost
   * @throws the error with which the connection was lost, if it is known
   */
  drain(): AwaitableCoroutine<void> {
    return new Draining(this);
  }

  /** Whether `drain` has nothing to do. @internal */
  get mayGoOn(): boolean {
    return this.#protocol.mayWrite === true && !this.#transport.isClosing() && this.#hasNoError();
  }

  #hasNoError(): boolean {
    return this.#reader === null || this.#reader.exception() === null;
  }

  /** What `drain` does otherwise. @internal */
  *drainSlowly(): Generator<unknown, void, unknown> {
    this.#reader?.check();
    // Gives the transport a turn to report how it ended, so that a loop of writes and drains sees the error.
    if (this.#transport.isClosing()) yield;
    if (this.#protocol.mayWrite === true) return;
    try {
      yield* this.#protocol.drain();
    } catch (error) {
      // The reason is more useful than "connection lost".
      if (error instanceof OSError) this.#reader?.check();
      this.#told = error;
      throw error;
    }
  }

  /**
   * Ends this side's direction of the connection. The peer sees the end, and can still send. Follows CPython's `StreamWriter.write_eof`.
   */
  writeEof(): void {
    this.#transport.writeEof();
  }

  /** Whether `writeEof` works here. Follows CPython's `StreamWriter.can_write_eof`. */
  canWriteEof(): boolean {
    return this.#transport.canWriteEof();
  }

  /**
   * Closes the connection when the buffered bytes have been sent. No more bytes are read. `waitClosed` waits for the end.
   *
   * Follows CPython's `StreamWriter.close`.
   */
  close(): void {
    this.#transport.close();
  }

  /** Whether it is closed or is being closed. Follows CPython's `StreamWriter.is_closing`. */
  isClosing(): boolean {
    return this.#transport.isClosing();
  }

  /**
   * Waits until the connection has ended. Call `close()` first.
   *
   * **Cancellation**: ends the wait; the connection is still being closed.
   *
   * Follows CPython's `StreamWriter.wait_closed`.
   *
   * @throws the error with which the connection was lost
   */
  waitClosed(): AwaitableCoroutine<void> {
    return StreamWriter.#waitClosed(this);
  }

  /**
   * Information about the transport: `peername`, `sockname`, `socket`, `sslObject`, `peercert`, `cipher`...
   *
   * Follows CPython's `StreamWriter.get_extra_info`.
   *
   * @param otherwise what to give when it does not know, by position or, with Python's name, as `{ default }`
   */
  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: { readonly default: D }): ExtraInfo[K] | D;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: string, otherwise?: unknown): unknown;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return this.#transport.getExtraInfo(name, anyByName('default', otherwise));
  }

  /**
   * Encrypts the connection. Bytes written before are sent first; bytes that were received but not read yet count as the beginning of the
   * handshake.
   *
   * **Cancellation**: aborts the connection, because it is neither plain nor encrypted at this point.
   *
   * Follows CPython's `StreamWriter.start_tls`.
   *
   * @param context as the `ssl` option of `openConnection`, or of `startServer` on the server's side
   * @throws {RuntimeError} when the transport cannot be encrypted
   * @throws the error of the handshake; the connection is closed
   */
  startTls(context: unknown, options: StartTlsOptions = {}): AwaitableCoroutine<void> {
    checkOptions('startTls', options, ['serverHostname', 'sslHandshakeTimeout']);
    return StreamWriter.#startTls(this, context, options);
  }

  /**
   * Closes, and waits until the connection has ended, at most for `closeTimeout`; then it is cut. An error of the connection that a read,
   * `drain` or `waitClosed` has thrown already is not thrown again.
   *
   * **Cancellation**: cuts the connection. The same happens when the block ends because of a cancellation or a deadline, and bytes are left
   * to send: a peer that does not read must not delay the end of the block.
   *
   * @throws {ConnectionAbortedError} when the peer has not received everything in time; the message says how many bytes were not sent
   * @throws what the connection was lost with
   */
  [Symbol.asyncDispose](): AwaitableCoroutine<void> {
    return StreamWriter.#dispose(this);
  }

  static readonly #waitClosed = /* @__PURE__ */ libraryCoroutine(function* waitClosed(
    writer: StreamWriter,
  ): Generator<unknown, void, unknown> {
    try {
      yield* writer.#protocol.closed();
    } catch (error) {
      writer.#told = error;
      throw error;
    }
  });

  static readonly #startTls = /* @__PURE__ */ libraryCoroutine(function* startTls(
    writer: StreamWriter,
    context: unknown,
    options: StartTlsOptions,
  ): Generator<unknown, void, unknown> {
    const transport = writer.#transport as WriteTransport & Partial<TlsCapable>;
    if (transport.startTls === undefined) {
      throw new RuntimeError(`startTls: ${transport} cannot be encrypted; only TCP and Unix sockets can`, {
        code: 'NO_TLS',
      });
    }
    const { isServerSide: serverSide } = writer.#protocol;
    yield* writer.drain();
    // A peer that does not wait may already have sent the beginning of its handshake.
    const unread = writer.#reader?.takeUnread();
    const encrypted = yield* transport.startTls(context, { ...options, serverSide, unread });
    writer.#transport = encrypted;
    writer.#reader?.replaceTransport(encrypted);
    if (writer.#protocol.isHandling !== true) writer.closeWhenForgotten();
  });

  static readonly #dispose = /* @__PURE__ */ libraryCoroutine(function* dispose(
    writer: StreamWriter,
  ): Generator<unknown, void, unknown> {
    const told = writer.#told;
    const transport = writer.#transport;
    const isHurried = isBeingCancelled();
    let unsent = 0;
    const cut = (): void => {
      unsent = transport.getWriteBufferSize();
      transport.abort();
    };
    if (isHurried && transport.getWriteBufferSize() > 0) cut();
    else transport.close();
    const limit = isHurried ? HURRIED_CLOSE_TIMEOUT : writer.#closeTimeout;
    try {
      const isWhole = yield* endWithin(() => writer.waitClosed(), limit, cut);
      if (!isWhole && !isHurried) throw cutOff(transport, limit, unsent);
    } catch (error) {
      // JavaScript would turn two cancellations into a `SuppressedError`.
      if (isHurried && error instanceof CancelledError) return;
      if (error !== told && !writer.#reader?.hasThrown(error)) throw error;
    }
  });

  toString(): string {
    return `<${nameOfClass(this)} transport=${this.#transport}${this.#reader === null ? '' : ` reader=${this.#reader}`}>`;
  }
}

function cutOff(transport: WriteTransport, seconds: number | null, unsent: number): ConnectionAbortedError {
  return new ConnectionAbortedError(
    `closing ${transport} took longer than ${seconds} s, so it was cut: the peer did not read, and ${unsent} bytes were not sent; ` +
      'set closeTimeout to wait longer',
    { code: 'ETIMEDOUT' },
  );
}

interface Forgotten {
  readonly transport: BaseTransport;
  readonly loop: EventLoop;
}

let forgotten: FinalizationRegistry<Forgotten> | undefined;

function registryOfForgotten(): FinalizationRegistry<Forgotten> {
  forgotten ??= new FinalizationRegistry(({ transport, loop }) => {
    if (transport.isClosing() || isLoopClosed(loop)) return;
    if (loop.getDebug()) logger.warn(`unclosed ${transport}: its StreamWriter was dropped without close()`);
    transport.close();
  });
  return forgotten;
}
