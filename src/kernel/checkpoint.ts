import { RuntimeError } from '../errors/errors.ts';
import type { Rejection } from '../internal/rejection.ts';
import { type AwaitableCoroutine, catchOf, finallyOf, isWatching, noteMade, noteTouched } from './coroutine.ts';
import { awaitCheckpoint, awaitCoroutine, observeCoroutine } from './engine/await.ts';
import { isAwaitOfTheEngine, noteLookUp, places } from './engine/lookups.ts';
import { implicitLoop } from './thread-loop.ts';

const bareYield: IteratorResult<undefined, void> = { done: false, value: undefined };
const CREATED = 0;
const WAITING = 1;
const CLOSED = 2;
const over: IteratorResult<undefined, void> = { done: true, value: undefined };

/**
 * The coroutine of `sleep(0)`: waits for one iteration of the loop, without a future. A class, because programs do this
 * more than anything else, and a generator would cost twice as much.
 */
export class Checkpoint implements AwaitableCoroutine<void> {
  /** As in `WrittenCoroutine`. @internal */
  static readonly exemplar: object = /* @__PURE__ */ new Checkpoint();

  declare private state: 0 | 1 | 2;

  constructor() {
    this.state = CREATED;
    if (isWatching()) noteMade(this, 'sleep');
  }

  [Symbol.iterator](): this {
    if (isWatching()) noteTouched(this);
    return this;
  }

  next(): IteratorResult<undefined, void> {
    this.#begin();
    if (this.state === CREATED) {
      this.state = WAITING;
      if (places.yielded !== null) places.yielded(this, true);
      return bareYield;
    }
    this.state = CLOSED;
    return over;
  }

  throw(error: unknown): never {
    if (isWatching()) noteTouched(this);
    this.state = CLOSED;
    throw error;
  }

  return(): IteratorResult<undefined, void> {
    if (isWatching()) noteTouched(this);
    this.state = CLOSED;
    return over;
  }

  get then(): <R1 = void, R2 = never>(
    onFulfilled?: ((value: void) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: Rejection) => R2 | PromiseLike<R2>) | null,
  ) => Promise<R1 | R2> {
    noteLookUp(this);
    return this._then;
  }

  catch<R = never>(onRejected?: ((error: Rejection) => R | PromiseLike<R>) | null): Promise<void | R> {
    return catchOf.call(this, onRejected) as Promise<void | R>;
  }

  finally(onFinally?: (() => void) | null): Promise<void> {
    return finallyOf.call(this, onFinally) as Promise<void>;
  }

  /** @internal */
  _then<R1 = void, R2 = never>(
    onFulfilled?: ((value: void) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: Rejection) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    if (!isAwaitOfTheEngine(this, onFulfilled, onRejected)) {
      return new Promise<void>((resolve, reject) => observeCoroutine(this, resolve, reject, implicitLoop)).then(
        onFulfilled,
        onRejected,
      );
    }
    this.#begin();
    if (!awaitCheckpoint(onFulfilled, onRejected)) return awaitCoroutine(this, onFulfilled, onRejected, implicitLoop);
    this.state = CLOSED;
    return undefined as never; // the JavaScript engine ignores what `then` returns
  }

  #begin(): void {
    if (isWatching()) noteTouched(this);
    if (this.state === CLOSED)
      throw new RuntimeError('cannot reuse already awaited coroutine sleep(0)', { code: 'COROUTINE_REUSED' });
  }
}
