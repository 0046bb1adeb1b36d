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
 * A coroutine of this library whose frame is written by hand: a class with `next`, `throw` and `return` instead of a generator
 * function.
 *
 * Why not a generator: each one that an error unwinds costs about 330 ns, so that cancelling a thousand tasks that wait in one is
 * mostly unwinding; and it takes more memory than an object with three fields. The price is that its states must be written out.
 * So this is for coroutines that programs use very often and that have few states. A coroutine that runs code of a program between its
 * waits should be a generator.
 *
 * What programs await all the time has a `then` of its own class, which calls `thenOf`: the engine looks for it at each `await`, and each
 * prototype that it looks through in vain costs it about 4 ns.
 *
 * Subclasses declare their fields and set them in a constructor of their own: with initialisers, or without a constructor, V8
 * does not inline the construction, which then takes 15 ns instead of 7.
 *
 * Each subclass keeps one object in `exemplar`. When a full garbage collection finds no object of a class, V8 forgets its layout
 * and throws away all optimised code that depends on it. These objects live very briefly, so otherwise there might be none.
 */
export abstract class WrittenCoroutine<T> implements AwaitableCoroutine<T>, Written {
  static {
    inspectAsText(WrittenCoroutine.prototype);
  }

  /** Set here, where `claim` would add it later: that would give each one an array for it. @internal */
  declare [CLAIMED]: boolean;

  constructor() {
    this[CLAIMED] = false;
    if (isWatching()) noteWritten(this);
  }

  /** The function that the program has called, such as `Queue.put`, for reports. Called before the fields of a subclass are set. */
  abstract get calledAs(): string;

  /** Whether no code of a program runs in it, so that the loop may resume it at any place. @internal */
  get _isQuiet(): boolean {
    return false;
  }

  /** Ends it where it stands, if it need not wait: `NONE` says that it must. @internal */
  _endAtOnce(_task: TaskRole): T | typeof NONE {
    return NONE;
  }

  /** Begins it with what it has to wait for; `null`, and nothing has happened, where it has to be run as a frame. @internal */
  _beginWait(_task: TaskRole): FutureRole | null {
    return null;
  }

  /** Whoever asks for the iterator is the one who awaits it. */
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

  /** What it waits for has succeeded: what it gives; `NONE`, and nothing has happened, where it may have to wait again. @internal */
  _endWoken(_task: TaskRole): T | typeof NONE {
    return NONE;
  }

  /** What it waits for was cancelled: it ends. False, and nothing has happened, where it goes on instead. @internal */
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
