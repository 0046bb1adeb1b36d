import type { CancelledError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import type { EventLoop } from './event-loop.ts';
import { Future, type WaitRecord } from './future.ts';

/** Options of `wrapPromise`. */
export interface WrapPromiseOptions {
  /** Called with the `CancelledError` when the future is cancelled before the promise has settled: stop the work here. */
  readonly onCancel?: ((reason: CancelledError) => void) | undefined;
  /** The loop of the future; the running one, or the thread's, when absent. */
  readonly loop?: EventLoop | undefined;
}

const PROMISE: WaitRecord = { operation: 'promise', object: null };

class PromiseFuture<T> extends Future<T> {
  readonly #onCancel: ((reason: CancelledError) => void) | undefined;

  constructor(loop: EventLoop | undefined, onCancel: ((reason: CancelledError) => void) | undefined) {
    super(loop === undefined ? undefined : { loop });
    this.#onCancel = onCancel;
  }

  /** @internal */
  override get _purpose(): WaitRecord {
    return PROMISE;
  }

  override cancel(message?: unknown): boolean {
    const cancelled = super.cancel(message);
    if (cancelled) this.#onCancel?.(this._newCancelledError());
    return cancelled;
  }
}

/**
 * A future of a promise's outcome. Waiting for it can be cancelled, which a promise cannot; `onCancel` stops the work itself.
 *
 * **Cancellation**: the future is cancelled, `onCancel` is called, and what the promise brings later is dropped.
 *
 * @example
 * const controller = new AbortController();
 * const response = await wrapPromise(fetch(url, { signal: controller.signal }), { onCancel: (e) => controller.abort(e) });
 */
export function wrapPromise<T>(promise: PromiseLike<T>, options: WrapPromiseOptions = {}): Future<T> {
  if (typeof promise?.then !== 'function')
    throw typeError(`wrapPromise: a promise is required, got ${describe(promise)}`, 'NOT_AWAITABLE');
  const future = new PromiseFuture<T>(options.loop, options.onCancel);
  promise.then(
    (value) => {
      if (!future.done() && !future.getLoop().isClosed()) future.setResult(value);
    },
    (error) => {
      if (!future.done() && !future.getLoop().isClosed()) future.setException(error);
    },
  );
  return future;
}
