import { describe } from '../internal/describe.ts';
import { enginesThenOf, isPromiseOfEngine } from './engine/engine-promise.ts';
import type { EventLoop } from './event-loop.ts';
import { Future, type WaitRecord } from './future.ts';
import { callerPlace, reportOnce } from './places.ts';

const PROMISE: WaitRecord = { operation: 'promise', object: null };

/** A future for the outcome of a promise. */
export class PromiseFuture<T> extends Future<T> {
  /** Where it was made, in debug mode. */
  #place: string | null;

  /** @param loop the running one, or the thread's, when absent */
  constructor(loop?: EventLoop) {
    super(loop === undefined ? undefined : { loop });
    this.#place = this._loop.getDebug() ? callerPlace() : null;
  }

  /**
   * The purpose that was set by `noteWait`, so that tools can show `readFile` instead of `promise`. In any case it ends
   * from outside. @internal
   */
  override get _purpose(): WaitRecord {
    const noted = super._purpose;
    return noted === null ? PROMISE : { ...noted, isExternal: true };
  }

  /** Ends it with the outcome of a promise. */
  follow(promise: PromiseLike<T>): this {
    settlingOnce(promise).then(
      (value) => this.bring(value),
      (error) => {
        if (!this.done() && !this._loop._isClosed) this._setFailure(error);
      },
    );
    return this;
  }

  /** The promise fulfils. */
  protected bring(value: T): void {
    if (this.done() || this._loop._isClosed) this.late(value);
    else this.setResult(value);
  }

  /** The wait was given up before the promise fulfilled: the value is dropped. */
  protected late(value: T): void {
    if (this._loop.getDebug()) reportLate('wrapPromise', value, this.#place);
  }

  /** The construct that waits for it was called at a place, and has made it later. */
  madeAt(place: string | null): void {
    this.#place ??= place;
  }

  /** Calls a callback of the program; an error of it is only reported. */
  protected call(name: string, callback: () => void): void {
    try {
      callback();
    } catch (exception) {
      const message = `Exception in ${name}`;
      this._loop.callExceptionHandler({ message, exception, future: this as Future<unknown> });
    }
  }
}

function reportLate(call: string, value: unknown, place: string | null): void {
  if (!isResource(value)) return;
  reportOnce(
    'late value',
    `${call}(): the wait was given up, so the later value of the promise is dropped: ${describe(value)}. It will not be ` +
      'closed. Give it back: wrapPromise(promise, { onLate: (value) => value.close() }).',
    place,
  );
}

/**
 * In debug mode: reports the value of a promise that a construct waits for, if it comes when the construct was left.
 *
 * @param body what runs in the construct: the promise of a plain function, or the future of a promise
 * @param call the construct, for messages
 * @param place where it was called
 */
export function reportIfLate(body: object, call: string, place: string | null, isLeft: () => boolean): void {
  if (body instanceof PromiseFuture) body.madeAt(place);
  else if (isPromiseOfEngine(body) && enginesThenOf(body) !== null) {
    const report = (value: unknown): void => {
      if (isLeft()) reportLate(call, value, place);
    };
    body.then(report, () => {});
  }
}

/**
 * A promise that settles once, as `await` would see it. The `then` of another object may call its functions twice, give
 * them a further promise, or throw after it has called one; only the first call counts. The functions are closures,
 * because the `then` of a future takes native functions for those of an `await`.
 */
function settlingOnce<T>(promise: PromiseLike<T>): PromiseLike<T> {
  if (isPromiseOfEngine(promise) && enginesThenOf(promise) !== null) return promise;
  return new Promise<T>((resolve, reject) => {
    promise.then(
      (value) => resolve(value),
      (error) => reject(error),
    );
  });
}

/** Whether a value has to be closed or given back by its holder. */
function isResource(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return [Symbol.dispose, Symbol.asyncDispose, 'release', 'close'].some((name) => {
    try {
      return typeof (value as Record<PropertyKey, unknown>)[name] === 'function';
    } catch {
      return false; // a getter that throws
    }
  });
}
