import type { FileHandle } from 'node:fs/promises';
import { isCancelledError } from '../../errors/errors.ts';
import { ValueError } from '../../errors/index.ts';
import { osError } from '../../errors/os-error.ts';
import { type Future, getRunningLoop, noteWait, wrapPromise } from '../../kernel/lowlevel.ts';
import { Lock } from '../../sync/index.ts';

/**
 * An open file of the system that one operation at a time uses. An operation waits for its turn, makes system calls,
 * and ends.
 *
 * A call cannot be stopped. A task that is cancelled leaves its call behind; the operation with the next turn waits until that call is
 * over.
 *
 *     state     means                                               operations
 *     open      it can be used                                      are taken
 *     closing   `close()` was called; those before it still run     are refused
 *     closed    the system has been asked to close it               are refused
 */
export class Descriptor {
  readonly #handle: FileHandle;
  /** The object that it belongs to, for messages and wait records. */
  readonly #owner: object;
  readonly #turn = new Lock();
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** How many operations have begun and have not ended, including those that wait for their turn. */
  #operations = 0;
  /** The current system call, `null` when there is none. Invariant: never rejects. */
  #call: Promise<void> | null = null;
  /** The error of a call that was left behind, for the next operation. */
  #failure: { readonly error: unknown } | null = null;
  readonly #end = Promise.withResolvers<void>();

  constructor(handle: FileHandle, owner: object) {
    this.#handle = handle;
    this.#owner = owner;
    this.#end.promise.then(undefined, () => {}); // possibly no task waits for it
  }

  /** The number of the file descriptor. */
  get number(): number {
    this.#checkOpen();
    return this.#handle.fd;
  }

  /** Whether it cannot be used any more. */
  get isClosed(): boolean {
    return this.#state !== 'open';
  }

  /** Waits for a turn. The operation must call `finish()` at its end. */
  *begin(operation: string): Generator<unknown, void, unknown> {
    this.#checkOpen();
    this.#operations++;
    try {
      yield* this.#turn.acquire();
    } catch (error) {
      this.#leave();
      throw error;
    }
    try {
      while (this.#call !== null) yield* this.#wait(this.#call, operation);
      const failure = this.takeFailure();
      if (failure !== null) throw failure.error;
    } catch (error) {
      this.finish();
      throw error;
    }
  }

  /** The turn is over. */
  finish(): void {
    this.#turn.release();
    this.#leave();
  }

  #leave(): void {
    this.#operations--;
    this.#closeWhenIdle();
  }

  /**
   * Makes a system call during the operation's turn, and waits for it.
   *
   * @param operation for the wait record
   * @param make makes the call, which runs to its end even when the task is cancelled
   * @param keepsFailure whether an error after a cancellation is kept for the next operation
   */
  *call<T>(
    operation: string,
    make: (handle: FileHandle) => Promise<T>,
    keepsFailure = false,
  ): Generator<unknown, T, unknown> {
    const promise = make(this.#handle);
    const over = (): void => {
      this.#call = null;
    };
    this.#call = promise.then(over, over);
    try {
      return yield* this.#wait(promise, operation);
    } catch (error) {
      if (!isCancelledError(error)) throw osError(error);
      if (keepsFailure) promise.then(undefined, (failure) => this.#fail(failure));
      throw error;
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error: osError(error) };
  }

  /** The error of a call that was left behind, `null` when there is none. */
  takeFailure(): { readonly error: unknown } | null {
    const failure = this.#failure;
    this.#failure = null;
    return failure;
  }

  /** Refuses new operations, and waits until it is closed: after the earlier operations and the current call. */
  *close(): Generator<unknown, void, unknown> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#closeWhenIdle();
    }
    try {
      yield* this.#wait(this.#end.promise, 'close');
    } catch (error) {
      if (!isCancelledError(error)) throw osError(error);
      this.#reportEnd();
      throw error;
    }
  }

  /**
   * As `close()`, for the end of a block: does not wait for a call that may never end because of the other side. The file is closed when
   * that call is over, and its error is reported to the loop.
   *
   * @param canHang whether calls depend on a peer, as those of pipes and terminals do
   */
  *leave(canHang: boolean): Generator<unknown, void, unknown> {
    if (!canHang || (this.#call === null && this.#operations === 0)) {
      yield* this.close();
      return;
    }
    if (this.#state === 'open') this.#state = 'closing';
    this.#closeWhenIdle();
    this.#reportEnd();
  }

  /** No task waits for the end any more: errors are reported to the loop. */
  #reportEnd(): void {
    const loop = getRunningLoop();
    const report = (exception: unknown): void => {
      loop.callExceptionHandler({ message: `Closing ${this.#owner} failed after a cancellation`, exception });
    };
    this.#end.promise.then(() => {
      const failure = this.takeFailure();
      if (failure !== null) report(failure.error);
    }, report);
  }

  #closeWhenIdle(): void {
    if (this.#state !== 'closing' || this.#operations > 0) return;
    this.#state = 'closed';
    const { resolve, reject } = this.#end;
    const close = (): Promise<void> => this.#handle.close();
    (this.#call === null ? close() : this.#call.then(close)).then(resolve, reject);
  }

  #wait<T>(promise: Promise<T>, operation: string): Future<T> {
    const future = wrapPromise(promise);
    noteWait(future, { operation, object: this.#owner });
    return future;
  }

  #checkOpen(): void {
    if (this.#state === 'open') return;
    throw new ValueError(`I/O operation on closed file: ${this.#owner}`, { code: 'FILE_CLOSED' });
  }
}
