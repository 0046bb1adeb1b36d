import type { CancelledError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkCallback, checkOptions } from '../internal/options.ts';
import { MadeRequest } from './engine/request.ts';
import type { EventLoop } from './event-loop.ts';
import { CANCELLED, type Future, SUCCEEDED } from './future.ts';
import { PromiseFuture as BarePromiseFuture } from './promise-future.ts';

/** Options of `wrapPromise`. */
export interface WrapPromiseOptions<T = unknown> {
  /**
   * Called with the `CancelledError` when the future is cancelled before the promise has settled: stop the work here.
   */
  readonly onCancel?: ((reason: CancelledError) => void) | undefined;
  /**
   * Called with the value of the promise when it arrives after the wait was given up, or when the wait is given up
   * before it could go on with the value, to give it back: a pooled connection, a lock, an open file. A late error is
   * dropped. The wait of a race's loser counts as given up when its task is cancelled. An `await` of the future after
   * the value was given back throws a `CancelledError`.
   */
  readonly onLate?: ((value: T) => void) | undefined;
  /** The loop of the future; the running one, or the thread's, when absent. */
  readonly loop?: EventLoop | undefined;
}

const GIVEN_UP = 'onLate of wrapPromise(), which has taken the value: nobody waited any more';

/** A future for a promise, with the callbacks `onCancel` and `onLate` of the program. */
class PromiseFuture<T> extends BarePromiseFuture<T> {
  readonly #options: WrapPromiseOptions<T>;
  /** Whether a leftover has waited for it and has given that up: the loser of a race in a task that was cancelled. */
  #isLeft = false;
  /** How many waited for the value when it arrived, and have not given that up. */
  #takers = 0;

  constructor(options: WrapPromiseOptions<T>) {
    super(options.loop);
    this.#options = options;
  }

  override cancel(message?: unknown): boolean {
    const cancelled = super.cancel(message);
    const { onCancel } = this.#options;
    if (cancelled && onCancel !== undefined)
      this.call('onCancel of wrapPromise()', () => onCancel(this._newCancelledError()));
    return cancelled;
  }

  /** @internal */
  override _left(): void {
    if (!this.done()) this.#isLeft = true;
    else if (this._state === SUCCEEDED && --this.#takers === 0) this.#giveBack(this._value as T);
  }

  /** Every wait for the value was cancelled after it had arrived, but before the waiting code could go on with it. */
  #giveBack(value: T): void {
    if (this.#options.onLate !== undefined) this.#giveUp();
    this.late(value);
  }

  #giveUp(): void {
    this._finish(CANCELLED, new MadeRequest(null, null, undefined, GIVEN_UP, null, this._loop.time()));
  }

  protected override bring(value: T): void {
    if (this.#isGivenUp()) this.#giveUp();
    else this.#takers = this._waiters().length;
    super.bring(value);
  }

  /**
   * Whether the last wait was that of a leftover, which does not cancel what it waits for, and the value has to be
   * given back.
   */
  #isGivenUp(): boolean {
    return this.#isLeft && this.#options.onLate !== undefined && !this.done() && this._firstWaiter === null;
  }

  /** The wait was given up: the value is given back, or dropped. */
  protected override late(value: T): void {
    const { onLate } = this.#options;
    if (onLate === undefined) super.late(value);
    else this.call('onLate of wrapPromise()', () => onLate(value));
  }
}

/**
 * A future for the outcome of a promise. A wait for it can be cancelled, unlike a wait for a promise. `onCancel` stops
 * the work itself, and `onLate` gives back a value that arrives too late.
 *
 * **Cancellation**: the future is cancelled, and `onCancel` is called. A later value of the promise goes to `onLate`;
 * without `onLate`, it is dropped, which debug mode reports if the value has to be closed. Errors of these callbacks
 * are reported to the loop's exception handler.
 *
 * @throws {TypeError} when it is not a promise
 * @example
 * const controller = new AbortController();
 * const response = await wrapPromise(fetch(url, { signal: controller.signal }), { onCancel: (e) => controller.abort(e) });
 * @example
 * const response = await wrapPromise(fetch(url), { onLate: (late) => late.body?.cancel() }); // frees the connection
 */
export function wrapPromise<T>(promise: PromiseLike<T>, options: WrapPromiseOptions<T> = {}): Future<T> {
  if (typeof promise?.then !== 'function') {
    throw typeError(`wrapPromise: a promise is required, got ${describe(promise)}`, 'NOT_AWAITABLE');
  }
  checkOptions('wrapPromise', options, ['onCancel', 'onLate', 'loop']);
  checkCallback('wrapPromise: onCancel', options.onCancel);
  checkCallback('wrapPromise: onLate', options.onLate);
  return new PromiseFuture<T>(options).follow(promise);
}
