import { CancelledError, RuntimeError } from '../errors/index.ts';
import { ConnectionAbortedError, OSError } from '../errors/os-error.ts';
import { nameOfClass } from '../internal/describe.ts';
import type { Duration } from '../internal/duration.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { anyByName } from '../internal/options.ts';
import { type AwaitableCoroutine, type EventLoop, libraryCoroutine, logger } from '../kernel/lowlevel.ts';
import { bindMethods } from './bound.ts';
import {
  type CloseTimeoutOption,
  closeTimeoutOf,
  endWithin,
  HURRIED_CLOSE_TIMEOUT,
  isBeingCancelled,
} from './closing.ts';
import type { StreamReader } from './stream-reader.ts';
import type { BaseTransport, Bytes, ExtraInfo, Transport, WriteTransport } from './transports.ts';

/** What a writer needs of its protocol. */
export interface WriterProtocol {
  /** Whether `drain` has nothing to wait for, and nothing to throw; absent when only `drain` knows. */
  readonly mayWrite?: boolean;
  /** Waits while writing is paused. */
  drain(): Generator<unknown, void, unknown>;
  /** Waits until the connection is gone. */
  closed(): Generator<unknown, void, unknown>;
  /** Whether this side was connected to, rather than connecting. */
  readonly isServerSide: boolean;
}

/** What a TLS handshake in mid-connection may be given. */
export interface StartTlsOptions {
  /** The name that the server's certificate must bear; the host connected to when absent. */
  readonly serverHostname?: string | undefined;
  /** Seconds until a handshake that is not over fails; 60 when absent. */
  readonly sslHandshakeTimeout?: Duration | undefined;
}

/** A transport that can go on as another one, encrypted. */
export interface TlsCapable {
  startTls(
    context: unknown,
    options: StartTlsOptions & { readonly serverSide: boolean; readonly unread?: Uint8Array | undefined },
  ): AwaitableCoroutine<Transport>;
}

/**
 * Writes to a connection, or to a pipe.
 *
 * `write` never waits: what cannot be sent at once is kept. `await drain()` after it, so that a slow peer slows the program down instead of
 * filling its memory.
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
  }

  #transport: WriteTransport;
  readonly #protocol: WriterProtocol;
  readonly #reader: StreamReader | null;
  readonly #loop: EventLoop;
  /** In seconds; `null` for no limit. */
  readonly #closeTimeout: number | null;
  /** What `drain` or `waitClosed` has thrown, which disposing of the writer does not throw again. */
  #told: unknown = null;

  /** Made by `openConnection` and its like. */
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
    bindMethods(this, 'write', 'close');
    closeWhenForgotten(this, transport, loop);
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
   * @throws {TypeError} when it is neither
   * @throws {RuntimeError} after `writeEof()`
   */
  write(data: Bytes): void {
    this.#transport.write(data);
  }

  /** Sends one after the other, as one `write`. Follows CPython's `StreamWriter.writelines`. */
  writelines(data: Iterable<Bytes>): void {
    this.#transport.writelines(data);
  }

  /**
   * Waits until what is kept has gone down to the low mark, when it has passed the high one; at once otherwise.
   *
   * **Cancellation**: ends the wait; what was written stays to be sent.
   *
   * Follows CPython's `StreamWriter.drain`.
   *
   * @throws {ConnectionResetError} when the connection is lost
   * @throws what the connection was lost with, where that is known
   */
  drain(): AwaitableCoroutine<void> {
    return StreamWriter.#drain(this);
  }

  /** Says that nothing more is written. The peer sees the end, and can still send. Follows CPython's `StreamWriter.write_eof`. */
  writeEof(): void {
    this.#transport.writeEof();
  }

  /** Whether `writeEof` works here. Follows CPython's `StreamWriter.can_write_eof`. */
  canWriteEof(): boolean {
    return this.#transport.canWriteEof();
  }

  /**
   * Closes the connection when what is kept has been sent. Nothing more is read. `waitClosed` waits for it.
   *
   * Follows CPython's `StreamWriter.close`.
   */
  close(): void {
    this.#transport.close();
  }

  /** Whether it is closed or about to be. Follows CPython's `StreamWriter.is_closing`. */
  isClosing(): boolean {
    return this.#transport.isClosing();
  }

  /**
   * Waits until the connection is gone. Call `close()` first.
   *
   * **Cancellation**: ends the wait; the connection goes on closing.
   *
   * Follows CPython's `StreamWriter.wait_closed`.
   *
   * @throws what the connection was lost with
   */
  waitClosed(): AwaitableCoroutine<void> {
    return StreamWriter.#waitClosed(this);
  }

  /**
   * What the transport knows of itself: `peername`, `sockname`, `socket`, `sslObject`, `peercert`, `cipher`...
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
   * Goes on encrypted. What was written is sent before; what was received and is not read yet counts as the beginning of the
   * handshake.
   *
   * **Cancellation**: aborts the connection, which is neither the one nor the other then.
   *
   * Follows CPython's `StreamWriter.start_tls`.
   *
   * @param context as the `ssl` of `openConnection`, or of `startServer` on the server's side
   * @throws {RuntimeError} when the transport cannot be encrypted
   * @throws what the handshake failed with; the connection is closed
   */
  startTls(context: unknown, options: StartTlsOptions = {}): AwaitableCoroutine<void> {
    return StreamWriter.#startTls(this, context, options);
  }

  /**
   * Closes, and waits until the connection is gone, for `closeTimeout` at most: then it is cut. An error of the connection that a read,
   * `drain` or `waitClosed` has thrown already is not thrown again.
   *
   * **Cancellation**: cuts the connection. So does leaving the block because of a cancellation, or of a deadline, when something is left
   * to send: a peer that does not read must not hold up whoever leaves.
   *
   * @throws {ConnectionAbortedError} when the peer has not taken everything in time; the message says how much is lost
   * @throws what the connection was lost with
   */
  [Symbol.asyncDispose](): AwaitableCoroutine<void> {
    return StreamWriter.#dispose(this);
  }

  static readonly #drain = /* @__PURE__ */ libraryCoroutine(function* drain(
    writer: StreamWriter,
  ): Generator<unknown, void, unknown> {
    writer.#reader?.check();
    // A turn for the transport to say how it ended, so that a loop of writes and drains sees it.
    if (writer.#transport.isClosing()) yield;
    if (writer.#protocol.mayWrite === true) return;
    try {
      yield* writer.#protocol.drain();
    } catch (error) {
      // Rather the reason than that the connection is lost.
      if (error instanceof OSError) writer.#reader?.check();
      writer.#told = error;
      throw error;
    }
  });

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
    // A peer that goes on without waiting has sent the beginning of its handshake already.
    const unread = writer.#reader?.takeUnread();
    const encrypted = yield* transport.startTls(context, { ...options, serverSide, unread });
    writer.#transport = encrypted;
    writer.#reader?.replaceTransport(encrypted);
    closeWhenForgotten(writer, encrypted, writer.#loop);
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
      // Of two cancellations JavaScript would make another error.
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
      'closeTimeout gives it more time',
    { code: 'ETIMEDOUT' },
  );
}

interface Forgotten {
  readonly transport: BaseTransport;
  readonly loop: EventLoop;
}

let forgotten: FinalizationRegistry<Forgotten> | undefined;

/**
 * A connection whose writer and reader nobody has any more can be used by nobody: it is closed, as in Python, where that
 * happens at once and not at the garbage collector's time. A program that closes its connections does not depend on that.
 */
function closeWhenForgotten(writer: StreamWriter, transport: BaseTransport, loop: EventLoop): void {
  forgotten ??= new FinalizationRegistry(({ transport, loop }) => {
    if (transport.isClosing() || loop.isClosed()) return;
    if (loop.getDebug()) logger.warn(`unclosed ${transport}: its StreamWriter was dropped without close()`);
    transport.close();
  });
  forgotten.register(writer, { transport, loop });
}
