import {
  CancelledError,
  cancelledError,
  errorOfThrown,
  InvalidStateError,
  isCancelledError,
  RuntimeError,
} from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, describeFunction, nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { unbound } from '../internal/methods.ts';
import { anyByName, checkOptions } from '../internal/options.ts';
import type { Rejection } from '../internal/rejection.ts';
import { RingBuffer } from '../internal/ring-buffer.ts';
import { touch } from '../internal/touched.ts';
import { CallbackIndex } from './callback-index.ts';
import { checkLoop } from './check-loop.ts';
import { awaitFuture, observe } from './engine/await.ts';
import { type Context, copyContext } from './engine/context.ts';
import { ended } from './engine/hooks.ts';
import { runningTask } from './engine/line.ts';
import { isAwaitOfTheEngine, noteLookUp, places } from './engine/lookups.ts';
import { MadeRequest } from './engine/request.ts';
import {
  BLOCKING,
  COLLECTED,
  type FutureRole,
  HAD_SEVERAL,
  INDEXED,
  NONE,
  type Request,
  STATE,
  STORY_DUE,
  type TaskRole,
  type Waiter,
} from './engine/roles.ts';
import { carried } from './engine/scope.ts';
import { yieldedFuture } from './engine/step.ts';
import type { EventLoop } from './event-loop.ts';
import { Handle } from './handle.ts';
import { type Unretrieved, unwatchFailure, watchFailure } from './reports.ts';
import type { Task } from './task.ts';
import { implicitLoop } from './thread-loop.ts';

/**
 * The states of a future.
 *
 * | state     | `_value`                       | `state`       | left by                                |
 * |-----------|--------------------------------|---------------|----------------------------------------|
 * | PENDING   | `undefined`                    | `"pending"`   | `setResult`, `setException`, `cancel`  |
 * | SUCCEEDED | the result                     | `"finished"`  | –                                      |
 * | FAILED    | the error                      | `"finished"`  | –                                      |
 * | CANCELLED | the `CancelledError` that ended the task, or the request that cancelled the future, or the task whose code called `cancel()`, or `NOBODY`; `null` when the error has been thrown | `"cancelled"` | – |
 */
export const PENDING = 0;
export const SUCCEEDED = 1;
export const FAILED = 2;
export const CANCELLED = 3;
type State = typeof PENDING | typeof SUCCEEDED | typeof FAILED | typeof CANCELLED;

/** Code outside any task has called `cancel()` of the future. */
const NOBODY: unique symbol = /* @__PURE__ */ Symbol('nobody');

/** What a wait for a future is for: used by the live view, deadlock reports and explored schedules. */
export interface WaitRecord {
  /** The operation, such as `acquire`. */
  readonly operation: string;
  /** The object of the operation: a lock, a queue, a timer. */
  readonly object: object | null;
  /** The tasks that hold it, if known. */
  readonly holders?: readonly Task<unknown>[];
  /**
   * The futures and tasks that are waited for at once, where there are several; those that are done may be among them.
   */
  readonly parts?: Iterable<Future<unknown>>;
  /** Whether the outside world ends it: a file, a process, a thread. */
  readonly isExternal?: boolean;
}

/** A function called when a future is done. */
export type DoneCallback<F> = (future: F) => void;

/** A done callback of a program: a handle that is scheduled itself, so that finishing a future allocates nothing. */
class RegisteredCallback extends Handle implements Waiter {
  /** @internal */
  readonly _awaiter = null;

  constructor(future: Future<unknown>, callback: DoneCallback<never>, context: Context | null) {
    super(callback, [future], future._loop, context);
  }

  /**
   * As `cancel`, without the description for debug mode, which cannot be seen: no program has this handle. @internal
   */
  _drop(): void {
    this._cancelled = true;
    this._callback = null;
    this._args = null;
  }
}

/**
 * Fields that only few futures need, in an object of their own so that other futures are small. For tasks they are in
 * the scope (`task.ts`).
 */
export interface RareFields {
  otherWaiters: Waiter[] | null;
  unretrieved: Unretrieved | null;
  purpose: WaitRecord | null;
  cancelMessage: unknown;
}

class Rare implements RareFields {
  otherWaiters: Waiter[] | null = null;
  unretrieved: Unretrieved | null = null;
  purpose: WaitRecord | null = null;
  cancelMessage: unknown = undefined;
}

/**
 * One waiter for many futures. It runs once for each that is done, at the time when a waiter of its own would have run.
 *
 * In the ready queue it is used for all of them, so it does not know which one is next. Only the failed futures must be
 * known: these are kept with the numbers of their turns in the queue.
 */
export class Collector implements Waiter {
  /** @internal */
  readonly _callback: (future: Future<unknown> | null) => void;
  /** @internal */
  readonly _awaiter: Future<unknown> | null;
  /** Of the future that was done last. @internal */
  _endedBy: object | null = null;
  #done = 0;
  #told = 0;
  #failed: RingBuffer<{ readonly turn: number; readonly future: Future<unknown> }> | null = null;

  /**
   * @param callback called for each future that is done, with the future, or with `null` when it has succeeded. It must
   * not throw
   * @param awaiter the task or future that waits
   */
  constructor(callback: (future: Future<unknown> | null) => void, awaiter: Future<unknown> | null) {
    this._callback = callback;
    this._awaiter = awaiter;
  }

  get _context(): Context {
    return copyContext();
  }

  /** A future is done: schedules its turn. @internal */
  _note(future: Future<unknown>): void {
    const turn = this.#done++;
    if (future._state === SUCCEEDED) return;
    this.#failed ??= new RingBuffer();
    this.#failed.push({ turn, future });
  }

  _run(): void {
    const turn = this.#told++;
    const failed = this.#failed;
    ended.by = this._endedBy;
    if (failed === null || failed.length === 0 || failed.peek().turn !== turn) this._callback(null);
    else this._callback(failed.shift().future);
    ended.by = null;
  }
}

/**
 * A value that will be there later. Tasks wait for it with `await` or `yield*`; the loop calls its done callbacks.
 *
 * Follows CPython's `asyncio.Future`.
 *
 * @example
 * const future = new Future<number>();
 * getRunningLoop().callLater(1, () => future.setResult(42));
 * await future; // 42, a second later
 */
export class Future<T = unknown> implements PromiseLike<T>, FutureRole {
  static {
    inspectAsText(Future.prototype);
  }

  /** @internal */
  readonly _loop: EventLoop;
  /** @internal */
  _value: unknown = undefined;
  // The first waiter needs no array: nearly every future has just one.
  /** @internal */
  _firstWaiter: Waiter | null = null;
  /** The state in the two lowest bits, then flags (`roles.ts`): one small integer for all. @internal */
  _marks = 0;
  /** Fields that only few futures need. @internal */
  _rare: RareFields | null = null;

  /**
   * @param options `loop`: the loop it belongs to; the running one, or the thread's, when absent
   * @throws {RuntimeError} when there is neither
   */
  constructor(options?: { readonly loop?: EventLoop | null }) {
    const loop = options?.loop;
    if (loop === undefined) {
      // A class that extends it may have options of its own.
      if (new.target === Future) checkOptions('Future', options, ['loop']);
    } else if (loop !== null && loop._defaults !== options) {
      checkLoop('Future', loop);
    }
    this._loop = loop ?? implicitLoop();
  }

  /** @internal */
  get _state(): State {
    return (this._marks & STATE) as State;
  }

  /** The rare fields; makes them if there are none. @internal */
  _rareFields(): RareFields {
    this._rare ??= new Rare();
    return this._rare;
  }

  /** The record that watches an error which was not retrieved. @internal */
  get _unretrieved(): Unretrieved | null {
    return this._rare === null ? null : this._rare.unretrieved;
  }

  /** What a wait for it is for, if a primitive has set it. @internal */
  get _purpose(): WaitRecord | null {
    return this._rare === null ? null : this._rare.purpose;
  }

  /** What was given to `cancel()`; `undefined` when nothing was. */
  get cancelMessage(): unknown {
    return this._rare === null ? undefined : this._rare.cancelMessage;
  }

  set cancelMessage(message: unknown) {
    if (this._rare !== null || message !== undefined) this._rareFields().cancelMessage = message;
  }

  /**
   * Marks objects that can be used as a future, and distinguishes `yield* future` from `yield future`: set by the
   * iterator, cleared by the task.
   *
   * @internal
   */
  get _asyncioFutureBlocking(): boolean {
    return (this._marks & BLOCKING) !== 0;
  }

  /** @internal */
  set _asyncioFutureBlocking(blocking: boolean) {
    this._marks = blocking ? this._marks | BLOCKING : this._marks & ~BLOCKING;
  }

  /** The loop that the future belongs to. */
  getLoop(): EventLoop {
    return this._loop;
  }

  /** `"pending"`, `"finished"` with a result or an error, or `"cancelled"`. */
  get state(): 'pending' | 'finished' | 'cancelled' {
    const state = this._state;
    return state === PENDING ? 'pending' : state === CANCELLED ? 'cancelled' : 'finished';
  }

  /** Whether it has a result or an error or was cancelled. */
  done(): boolean {
    return this._state !== PENDING;
  }

  /** Whether it was cancelled. */
  cancelled(): boolean {
    return this._state === CANCELLED;
  }

  /**
   * The result.
   *
   * @throws {InvalidStateError} when it is not done
   * @throws {CancelledError} when it was cancelled; only the first error has the message
   * @throws the error, when it failed
   */
  result(): T {
    switch (this._state) {
      case SUCCEEDED:
        return this._value as T;
      case FAILED:
        this._retrieved();
        throw this._value;
      case CANCELLED:
        throw this._takeCancelledError();
      default:
        throw new InvalidStateError(`Result is not ready: ${this} is pending; await it, or ask done() first`, {
          code: 'NOT_DONE',
        });
    }
  }

  /**
   * The error, `null` when it succeeded.
   *
   * @throws {InvalidStateError} when it is not done
   * @throws {CancelledError} when it was cancelled
   */
  exception(): unknown {
    switch (this._state) {
      case SUCCEEDED:
        return null;
      case FAILED:
        this._retrieved();
        return this._value;
      case CANCELLED:
        throw this._takeCancelledError();
      default:
        throw new InvalidStateError(`Exception is not set: ${this} is pending; await it, or ask done() first`, {
          code: 'NOT_DONE',
        });
    }
  }

  /**
   * Ends it with a result; its waiters are woken in the loop's next iteration.
   *
   * @throws {InvalidStateError} when it is done already
   */
  setResult(result: T): void {
    if (!(this instanceof Future)) throw unbound('Future.setResult');
    this._checkPending();
    this._checkWakes();
    this._finish(SUCCEEDED, result);
  }

  /**
   * Ends it with an error.
   *
   * @param error an error, or a class of errors to make one of. `null` and `undefined`, which would mean that there is
   * no error, become a `RuntimeError` that says so
   * @throws {InvalidStateError} when it is done already
   */
  setException(error: unknown): void {
    if (!(this instanceof Future)) throw unbound('Future.setException');
    this._checkPending();
    this._checkWakes();
    this._fail(madeError(error));
  }

  /** Ends it with any thrown value, unchanged: a class that was thrown is not instantiated. @internal */
  _setFailure(error: unknown): void {
    this._checkPending();
    this._fail(errorOfThrown(error));
  }

  /**
   * Cancels it: code that waits for it gets a `CancelledError`.
   *
   * @param message carried by the `CancelledError`; by position or, with Python's name, as `{ msg }`
   * @returns false when it is done already
   */
  cancel(message?: unknown): boolean {
    if (!(this instanceof Future)) throw unbound('Future.cancel');
    if (this._rare !== null) this._retrieved();
    if (this._state !== PENDING) return false;
    if (message !== undefined) this.cancelMessage = anyByName('msg', message);
    if (this._firstWaiter !== null) this._marks |= STORY_DUE;
    this._finish(CANCELLED, carried.request ?? runningTask() ?? NOBODY);
    return true;
  }

  /**
   * Calls a function, through the loop, when it is done: never synchronously, even when it is done already. Several
   * callbacks are called in order of registration.
   *
   * @param options `context`: the context of the call; a copy of the current one when absent
   * @throws {TypeError} when `callback` is not a function, or `options.context` no context
   */
  addDoneCallback(callback: DoneCallback<this>, options?: { readonly context?: Context | null | undefined }): void {
    if (typeof callback !== 'function')
      throw typeError(`addDoneCallback: a function is required, got ${describe(callback)}`, 'NOT_CALLABLE');
    if (options !== undefined && options !== null) checkOptions('addDoneCallback', options, ['context']);
    const waiter = new RegisteredCallback(this, callback, options?.context ?? null);
    this._addWaiter(waiter);
    if ((this._marks & INDEXED) !== 0) indexes.get(this)!.add(waiter);
  }

  /** Removes a done callback, however often it was added; returns how often it was. */
  removeDoneCallback(callback: DoneCallback<this>): number {
    const count = 1 + (this._rare?.otherWaiters?.length ?? 0);
    if (count >= MANY || (this._marks & INDEXED) !== 0) {
      const index = indexOf(this);
      const removed = index.remove(callback);
      if (index.isSweepDue(count)) this._keepWaiters(this._waiters());
      return removed;
    }
    const waiters = this._waiters();
    const kept = waiters.filter((waiter) => callbackOf(waiter) !== callback);
    if (kept.length < waiters.length) this._keepWaiters(kept);
    return waiters.length - kept.length;
  }

  /** As a promise's `then`. Unlike an `await` in a task, waiting in this way never cancels the future. */
  get then(): <R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: Rejection) => R2 | PromiseLike<R2>) | null,
  ) => Promise<R1 | R2> {
    return lookUpThenOfFuture(this) as never;
  }

  /** As a promise's `catch`. */
  catch<R = never>(onRejected?: ((error: Rejection) => R | PromiseLike<R>) | null): Promise<T | R> {
    return this.then(null, onRejected);
  }

  /** As a promise's `finally`. */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.then((value) => value).finally(onFinally);
  }

  get [Symbol.toStringTag](): string {
    return nameOfClass(this);
  }

  /** What `JSON.stringify` writes: its text, for logs. */
  toJSON(): string {
    return String(this);
  }

  // A future is its own iterator and keeps no state for it: while it is pending, `next` gives the future to the task,
  // and the result once it is done.

  /** For `yield* future` in generator coroutines. */
  [Symbol.iterator](): Iterator<unknown, T, unknown> {
    return this;
  }

  /** @internal */
  next(): IteratorResult<unknown, T> {
    if (this._state === SUCCEEDED) return { done: true, value: this._value as T };
    if (this._state !== PENDING) {
      this._marks &= ~STORY_DUE;
      return { done: true, value: this.result() };
    }
    // `next` was called again before a task has seen it: the program iterates it by hand.
    if (this._asyncioFutureBlocking) throw new RuntimeError("await wasn't used with future", { code: 'NOT_AWAITED' });
    this._asyncioFutureBlocking = true;
    if (places.yielded !== null) places.yielded(this, false);
    yieldedFuture.value = this;
    return yieldedFuture;
  }

  /** @internal */
  throw(error: unknown): IteratorResult<unknown, T> {
    throw error;
  }

  /** @internal */
  return(value: T): IteratorResult<unknown, T> {
    return { done: true, value };
  }

  // --------------------------------------------------------------------------------------------- for the kernel

  /**
   * What `result()` of a future that is done throws; `NONE` if it returns the value. For waits, because throwing and
   * catching an error takes longer than everything else about a wait that fails.
   *
   * @param isLate whether the caller has begun to wait when it was done already, so that an earlier waiter may still
   * need the error
   * @internal
   */
  _failure(isLate = false): unknown {
    switch (this._state) {
      case FAILED:
        this._retrieved();
        return this._value;
      case CANCELLED:
        if (!isLate) this._marks &= ~STORY_DUE;
        return this._takeCancelledError();
      default:
        return NONE;
    }
  }

  /** Whether no class has overridden `result`, so that `_failure` may be called instead. @internal */
  _hasPlainResult(): boolean {
    return this.result === Future.prototype.result;
  }

  /** Whether no class has overridden `addDoneCallback`, so that waiters may be added without it. @internal */
  _isPlain(): boolean {
    return this.addDoneCallback === Future.prototype.addDoneCallback;
  }

  /** @internal */
  _addWaiter(waiter: Waiter): void {
    touch(this);
    if (this._state !== PENDING) this._loop._wake(waiter, this);
    else if (this._firstWaiter === null) this._firstWaiter = waiter;
    else {
      const rare = this._rareFields();
      if (rare.otherWaiters === null) rare.otherWaiters = [waiter];
      else rare.otherWaiters.push(waiter);
    }
  }

  /** @internal */
  _removeWaiter(waiter: Waiter): void {
    const others = this._rare?.otherWaiters ?? null;
    if (this._firstWaiter === waiter) {
      this._firstWaiter = others?.shift() ?? null;
    } else {
      const at = others?.indexOf(waiter) ?? -1;
      if (at >= 0) others!.splice(at, 1);
    }
    if (others?.length === 0) this._rare!.otherWaiters = null;
  }

  /** A request has ended a wait for it without cancelling it; used by `wrapPromise`. @internal */
  _left(): void {}

  /** @internal */
  _waiters(): Waiter[] {
    const waiters = this._firstWaiter === null ? [] : [this._firstWaiter, ...(this._rare?.otherWaiters ?? [])];
    return (this._marks & INDEXED) === 0 ? waiters : waiters.filter((waiter) => !isRemoved(waiter));
  }

  /** @internal */
  _keepWaiters([first, ...others]: Waiter[]): void {
    this._firstWaiter = first ?? null;
    if (this._rare !== null) this._rare.otherWaiters = others.length > 0 ? others : null;
  }

  /** @internal */
  _finish(state: State, value: unknown): void {
    touch(this);
    this._marks = (this._marks & ~STATE) | state;
    this._value = value;
    if ((this._marks & INDEXED) !== 0) dropIndex(this);
    const first = this._firstWaiter;
    if (first === null) return;
    const rare = this._rare;
    const others = rare === null ? null : rare.otherWaiters;
    this._firstWaiter = null;
    if ((this._marks & COLLECTED) !== 0) this._noteDone(first, others);
    this._loop._wake(first, this);
    if (others === null) return;
    rare!.otherWaiters = null;
    this._marks |= HAD_SEVERAL;
    for (const waiter of others) this._loop._wake(waiter, this);
  }

  /** Adds a waiter that waits for other futures, too. @internal */
  _collect(collector: Collector): void {
    // A flag, because checking the class of each waiter would add a tenth to the time of waking.
    if (this._state === PENDING) this._marks |= COLLECTED;
    else collector._note(this);
    this._addWaiter(collector);
  }

  /** @internal */
  _noteDone(first: Waiter, others: readonly Waiter[] | null): void {
    if (first instanceof Collector) first._note(this);
    if (others !== null) for (const waiter of others) if (waiter instanceof Collector) waiter._note(this);
  }

  /** @internal */
  _fail(error: unknown): void {
    this._finish(FAILED, error);
    // The library has thrown it into the function whose promise this future stands for: nothing has failed.
    if (CancelledError.isDelivered(error)) return;
    this._rareFields().unretrieved = watchFailure(this, error, `${nameOfClass(this)} exception was never retrieved`);
  }

  /** The error has been seen: nothing to report. @internal */
  _retrieved(): void {
    const record = this._rare === null ? null : this._rare.unretrieved;
    if (record === null) return;
    unwatchFailure(record);
    this._rare!.unretrieved = null;
  }

  /** The first caller gets the error that ended the task, with its message; later callers get a new one. @internal */
  _takeCancelledError(): unknown {
    const original = this._value;
    if (isCancelledError(original)) {
      this._value = null;
      return original;
    }
    // The first error also takes the request, so that the objects of a request do not live as long as the future.
    const error = this._newCancelledError();
    if ((this._marks & (HAD_SEVERAL | STORY_DUE)) === 0) this._value = null;
    return error;
  }

  /** @internal */
  _newCancelledError(): CancelledError {
    return cancelledError(this.cancelMessage, requestThatCancelled(this));
  }

  /** @internal */
  _checkPending(): void {
    if (this._state === PENDING) return;
    throw new InvalidStateError(`${this.state}: ${this} is done already, it can be set only once`, {
      code: 'ALREADY_DONE',
    });
  }

  /**
   * Checks that waiters can be woken: a program that sets a future of a closed loop must get an error, because no
   * waiter would be woken.
   * @internal
   */
  _checkWakes(): void {
    if (this._firstWaiter !== null) this._loop._checkClosed();
  }

  /** @internal */
  _details(): string[] {
    const details: string[] = [this.state];
    if (this._state === FAILED) details.push(`exception=${describe(this._value)}`);
    if (this._state === SUCCEEDED) details.push(`result=${describe(this._value)}`);
    if (this._purpose !== null) details.push(`waits_for=${this._purpose.operation}`);
    const callbacks = this._waiters().map(describeWaiter);
    if (callbacks.length > 2) callbacks.splice(1, callbacks.length - 2, `<${callbacks.length - 2} more>`);
    if (callbacks.length > 0) details.push(`cb=[${callbacks.join(', ')}]`);
    return details;
  }

  toString(): string {
    return `<${nameOfClass(this)} ${this._details().join(' ')}>`;
  }
}

/** When a callback is removed from a future with at least so many waiters, the future gets an index. */
const MANY = 32;

const indexes = new WeakMap<Future<unknown>, CallbackIndex>();

function indexOf(future: Future<unknown>): CallbackIndex {
  const known = indexes.get(future);
  if (known !== undefined) return known;
  const index = new CallbackIndex();
  for (const waiter of future._waiters()) if (waiter instanceof RegisteredCallback) index.add(waiter);
  indexes.set(future, index);
  future._marks |= INDEXED;
  return index;
}

function dropIndex(future: Future<unknown>): void {
  future._keepWaiters(future._waiters());
  future._marks &= ~INDEXED;
  indexes.delete(future);
}

function isRemoved(waiter: Waiter): boolean {
  return waiter instanceof RegisteredCallback && waiter.cancelled();
}

/**
 * The request that has cancelled a future; `null` when it is not known any more. That of a direct `cancel()` is made by
 * this call, because most are never needed.
 */
export function requestThatCancelled(future: Future<unknown>): Request | null {
  const { _value: value } = future;
  if (value === null || value === undefined || value instanceof MadeRequest) return value ?? null;
  const name = nameOfClass(future);
  const target = `${/^[AEIOU]/.test(name) ? 'An' : 'A'} ${name}`;
  return new MadeRequest(target, value === NOBODY ? null : (value as TaskRole), future.cancelMessage, null, null, 0);
}

/** What the accessor `then` of a future gives. */
export function lookUpThenOfFuture<T>(future: Future<T>): unknown {
  noteLookUp(future);
  return thenOfFuture;
}

function thenOfFuture<T, R1, R2>(
  this: Future<T>,
  onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
  onRejected?: ((error: Rejection) => R2 | PromiseLike<R2>) | null,
): Promise<R1 | R2> {
  const isOfCycle = this._state === SUCCEEDED && this._value instanceof Future && isCycle(this as Future<unknown>);
  const future = isOfCycle ? failureOfCycle(this as Future<unknown>) : this;
  if (isAwaitOfTheEngine(this, onFulfilled, onRejected)) return awaitFuture(future, onFulfilled, onRejected);
  return new Promise<T>((resolve, reject) => observe(future, resolve, reject)).then(onFulfilled, onRejected);
}

/** The function that a waiter calls; `null` for a task or an `await`, which goes on instead. */
export function callbackOf(waiter: Waiter & { readonly _callback?: unknown }): unknown {
  return waiter._callback ?? null;
}

function describeWaiter(waiter: Waiter): string {
  const callback = callbackOf(waiter);
  if (callback !== null) return describeFunction(callback);
  return waiter._awaiter === null ? 'a promise' : `Task ${(waiter._awaiter as Task).getName()}`;
}

/**
 * The error with which a future fails. A class of errors is instantiated; a value that cannot be, such as a function
 * without `prototype`, is used unchanged.
 */
function madeError(error: unknown): unknown {
  if (typeof error !== 'function') return errorOfThrown(error);
  try {
    return new (error as new () => unknown)();
  } catch {
    return error;
  }
}

/**
 * Whether a value is a future, or has the `_asyncioFutureBlocking` mark of one.
 *
 * Follows CPython's `asyncio.isfuture`.
 *
 * @example
 * console.log(isfuture(createTask(main)), isfuture(Promise.resolve())); // true false
 */
export function isfuture(value: unknown): value is Future<unknown> {
  if (value instanceof Future) return true;
  if (typeof value !== 'object' || value === null) return false;
  const mark = (value as { _asyncioFutureBlocking?: unknown })._asyncioFutureBlocking;
  return mark !== undefined && mark !== null;
}

/**
 * Whether the result of a future is the future itself, perhaps by way of other futures. `yield*` returns it, as in
 * CPython, but an `await` would go on to await the result, and would never end.
 */
function isCycle(future: Future<unknown>): boolean {
  let mark: unknown = null;
  let steps = 0;
  for (let at = future._value; at instanceof Future && at._state === SUCCEEDED && at !== mark; at = at._value) {
    if (at === future) return true;
    // There may be a cycle further on that does not contain this future. `mark` moves on at growing distances, so that
    // the search ends in that cycle, too.
    if ((++steps & (steps - 1)) === 0) mark = at;
  }
  return false;
}

/** The failure that an `await` of such a future gets: the same as of a promise that is resolved with itself. */
function failureOfCycle(future: Future<unknown>): Future<never> {
  const failed = new Future<never>({ loop: future._loop });
  failed.setException(
    typeError(
      `Chaining cycle: the result of ${nameOfClass(future)} is the ${nameOfClass(future)} itself, so that an await of it would never ` +
        'come to an end; give it a value: future.setResult(value)',
      'CHAINING_CYCLE',
    ),
  );
  return failed;
}
