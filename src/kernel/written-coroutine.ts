import { inspectAsText } from '../internal/inspection.ts';
import type { Rejection } from '../internal/rejection.ts';
import {
  type AwaitableCoroutine,
  CLAIMED,
  catchOf,
  claim,
  finallyOf,
  isWatching,
  lookUpThen,
  noteMade,
  noteTouched,
  refuseDisposal,
  textOf,
} from './coroutine.ts';
import {
  type FutureRole,
  NONE,
  type Reject,
  type Resolve,
  type Scope,
  type TaskRole,
  type Written,
} from './engine/roles.ts';

/**
 * A coroutine of this library whose frame is written by hand: a class with `next`, `throw` and `return` instead of a
 * generator function.
 *
 * Why not a generator: each one that an error unwinds costs about 330 ns, so that cancelling a thousand tasks that wait
 * in one is mostly unwinding; and it takes more memory than an object with three fields. The price is that its states
 * must be written out. So this is for coroutines that programs use very often and that have few states. A coroutine
 * that runs code of a program between its waits should be a generator.
 *
 * Classes that programs await very often declare a `then` of their own, which calls `thenOf`: the JavaScript engine
 * reads it at each `await`, and each prototype that it searches in vain takes about 4 ns.
 *
 * Subclasses declare their fields and set them in a constructor of their own: with initialisers, or without a
 * constructor, V8 does not inline the construction, which then takes 15 ns instead of 7.
 *
 * Each subclass keeps one object in `exemplar`. When a full garbage collection finds no object of a class, V8 forgets
 * its layout and throws away all optimised code that depends on it. These objects live very briefly, so otherwise there
 * might be none.
 */
export abstract class WrittenCoroutine<T> implements AwaitableCoroutine<T>, Written {
  static {
    inspectAsText(WrittenCoroutine.prototype);
  }

  /**
   * Set in the constructor: if `claim` added it later, V8 would allocate an array of properties for each object.
   * @internal
   */
  declare [CLAIMED]: boolean;

  constructor() {
    this[CLAIMED] = false;
    if (isWatching()) noteWritten(this);
  }

  /**
   * The function that the program has called, such as `Queue.put`, for reports. Called before the fields of a subclass
   * are set.
   */
  abstract get calledAs(): string;

  /**
   * Whether no code of a program runs in it, so that it may be run without making its task the current one. @internal
   */
  get _isQuiet(): boolean {
    return false;
  }

  /** Runs it to its end, and returns its result. Returns `NONE`, without an effect, if it has to wait. @internal */
  _endAtOnce(_task: TaskRole): T | typeof NONE {
    return NONE;
  }

  /**
   * Begins it, and returns what it waits for. Returns `null`, without an effect, if it has to be run as a frame.
   * @internal
   */
  _beginWait(_task: TaskRole): FutureRole | null {
    return null;
  }

  /** The caller of this awaits it: it can be called once. */
  [Symbol.iterator](): this {
    if (this[CLAIMED]) claim(this); // which throws
    this[CLAIMED] = true;
    if (isWatching()) noteTouched(this);
    return this;
  }

  /** Begins it, or resumes it when the awaited future is done. */
  abstract next(value?: unknown): IteratorResult<unknown, T>;

  /** Ends it, whether it has begun or not; it does not wait any more. */
  protected abstract end(): void;

  /** @internal */
  _beginWithoutFrame(_scope: Scope, _task: TaskRole, _resolve: Resolve, _reject: Reject): boolean {
    return false;
  }

  /**
   * What it waits for has succeeded: returns its result, or `NONE`, without an effect, if it may have to wait again.
   * @internal
   */
  _endWoken(_task: TaskRole): T | typeof NONE {
    return NONE;
  }

  /** What it waits for was cancelled: ends it. Returns false, without an effect, if it goes on instead. @internal */
  _endCancelled(): boolean {
    this.end();
    return true;
  }

  throw(error: unknown): IteratorResult<unknown, T> {
    if (isWatching()) noteTouched(this);
    this.end();
    throw error;
  }

  return(value: T): IteratorResult<unknown, T> {
    if (isWatching()) noteTouched(this);
    this.end();
    return { done: true, value };
  }

  get then(): AwaitableCoroutine<T>['then'] {
    return thenOf(this);
  }

  catch<R = never>(onRejected?: ((error: Rejection) => R | PromiseLike<R>) | null): Promise<T | R> {
    return catchOf.call(this, onRejected) as Promise<T | R>;
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return finallyOf.call(this, onFinally) as Promise<T>;
  }

  /** As in a generator of this library, in place of which it is used. */
  get [Symbol.toStringTag](): string {
    return 'Generator';
  }

  toString(): string {
    return textOf.call(this);
  }

  /** @internal */
  get [Symbol.dispose](): never {
    return refuseDisposal();
  }

  /** @internal */
  get [Symbol.asyncDispose](): never {
    return refuseDisposal();
  }
}

/** What the accessor `then` of a written coroutine gives. */
export function thenOf<T>(coroutine: WrittenCoroutine<T>): AwaitableCoroutine<T>['then'] {
  return lookUpThen.call(coroutine) as AwaitableCoroutine<T>['then'];
}

function noteWritten(coroutine: WrittenCoroutine<unknown>): void {
  noteMade(coroutine, coroutine.calledAs);
}
