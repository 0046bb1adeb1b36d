import type { MessagePort } from 'node:worker_threads';
import { RuntimeError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import type { AwaitableLike, Outcome } from '../../kernel/lowlevel.ts';
import { type Packed, pack, sentence, unpack } from '../border/index.ts';
import { ConcurrentFuture } from '../concurrent-future.ts';
import { type LoopFunctions, marked, type Request, type Response, unmarked } from './messages.ts';

/** A coroutine that runs on the loop of another thread. */
export class RemoteCall<T> extends ConcurrentFuture<T> {
  readonly #ask: () => void;

  /** @internal */
  constructor(name: string, askToCancel: () => void) {
    super(name);
    this.#ask = askToCancel;
    this.markRunning();
  }

  /** Cancels it here at once, and requests the cancellation of the task in the other thread. */
  override cancel(): boolean {
    if (!this.done()) {
      this.markCancelled();
      this.#ask();
    }
    return this.cancelled();
  }
}

/** The result of a function of a loop when it is run as a coroutine. */
export type RemoteResult<R> = R extends AwaitableLike<unknown> ? Outcome<R> : R;

/** The loop of another thread: made by `connectLoop`. */
export class RemoteLoop<F extends LoopFunctions = LoopFunctions> implements Disposable {
  static {
    inspectAsText(RemoteLoop.prototype);
  }

  readonly #port: MessagePort;
  readonly #calls = new Map<number, RemoteCall<unknown>>();
  #lastId = 0;
  #isClosed = false;

  /** @internal */
  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: unknown) => this.#receive(unmarked(message)));
    port.on('close', () => this.#closed());
    port.unref();
  }

  /**
   * Makes the loop call one of its functions, as its own `callSoonThreadsafe` does. An error of the function is reported in that thread.
   *
   * Follows CPython's `loop.call_soon_threadsafe`.
   *
   * @throws {RuntimeError} when the connection is closed
   * @throws {TypeError} when an argument cannot be cloned
   */
  callSoonThreadsafe<K extends keyof F & string>(name: K, ...args: Parameters<F[K]>): void {
    this.#send({ type: 'call', name, args: this.#packed(name, args) });
  }

  /**
   * Runs one of the loop's coroutine functions as a task in its thread.
   *
   * **Cancellation**: `cancel()` of the returned promise cancels the task in the other thread, and so does cancelling a task here that
   * awaits it.
   *
   * Follows CPython's `asyncio.run_coroutine_threadsafe`.
   *
   * @returns a promise of the result, which rejects with the error of the coroutine, or with a `RuntimeError` when the connection closes
   * @throws {RuntimeError} when the connection is closed
   * @throws {TypeError} when an argument cannot be cloned
   */
  runCoroutineThreadsafe<K extends keyof F & string>(
    name: K,
    ...args: Parameters<F[K]>
  ): RemoteCall<RemoteResult<ReturnType<F[K]>>> {
    const id = ++this.#lastId;
    const call = new RemoteCall<RemoteResult<ReturnType<F[K]>>>(name, () => {
      this.#settled(id);
      if (!this.#isClosed) this.#send({ type: 'cancel', id });
    });
    this.#send({ type: 'run', id, name, args: this.#packed(name, args) });
    this.#calls.set(id, call as RemoteCall<unknown>);
    this.#port.ref();
    return call;
  }

  #packed(name: string, args: readonly unknown[]): Packed {
    if (this.#isClosed) throw closedError(name);
    const packing = pack(args, 'thread');
    if ('packed' in packing) return packing.packed;
    throw typeError(
      `an argument of ${name}() cannot be sent to another thread: arguments${sentence(packing.problem)}`,
      'ARGUMENT_NOT_CLONEABLE',
    );
  }

  #send(request: Request): void {
    this.#port.postMessage(marked(request));
  }

  #receive(response: Response | undefined): void {
    if (response === undefined) return;
    if (response.type === 'closed') {
      this.#closed();
      return;
    }
    const call = this.#calls.get(response.id);
    this.#settled(response.id);
    if (response.type === 'result') call?.succeed(unpack(response.value));
    else if (response.type === 'error') call?.fail(unpack(response.error));
    else call?.markCancelled();
  }

  /** No call is pending any more, so the connection does not keep this thread alive. */
  #settled(id: number): void {
    this.#calls.delete(id);
    if (this.#calls.size === 0) this.#port.unref();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#port.close();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.fail(closedError(call.name));
  }

  /** Whether the connection has ended. */
  isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ends the connection; pending calls fail. The tasks in the other thread go on. */
  close(): void {
    this.#closed();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return `<RemoteLoop ${this.#isClosed ? 'closed' : 'open'} calls=${this.#calls.size}>`;
  }
}

/**
 * Connects to the loop of another thread, through the port of a door that `exposeLoop` has made there. This thread does not need a loop.
 *
 * The connection keeps this thread alive only while a coroutine is waited for.
 *
 * @param port the port that the other thread has sent, in `workerData` or in a message
 * @throws {TypeError} when it is not a port
 * @example
 * // In the worker; `functions` is what the other thread exposes.
 * // const loop = connectLoop<typeof functions>(workerData.port);
 * // loop.callSoonThreadsafe('log', 'hello');
 * // const word = await loop.runCoroutineThreadsafe('rest', 0.5);
 */
export function connectLoop<F extends LoopFunctions>(port: MessagePort): RemoteLoop<F> {
  if (typeof port?.postMessage !== 'function' || typeof port.on !== 'function')
    throw typeError(`connectLoop: the port of a LoopDoor is required, got ${describe(port)}`);
  return new RemoteLoop<F>(port);
}

function closedError(name: string): RuntimeError {
  return new RuntimeError(`${name}() cannot be reached: the connection to the other thread's loop is closed`, {
    code: 'PORT_CLOSED',
  });
}
