import { leavesTheLoop } from '../errors/errors.ts';
import { describe, describeFunction, nameOfClass } from '../internal/describe.ts';
import { unbound } from '../internal/methods.ts';
import { type Context, copyContext, givenContext } from './engine/context.ts';
import { current } from './engine/current.ts';
import { beginCallback, endCallback } from './engine/line.ts';
import type { Runnable } from './engine/roles.ts';
import { NOT_SCHEDULED, type Timer } from './engine/timers.ts';
import type { EventLoop } from './event-loop.ts';

/** A function that the loop calls, with the arguments that were given when it was scheduled. */
export type Callback<A extends unknown[] = unknown[]> = (...args: A) => unknown;

/**
 * One scheduled call: what `callSoon` returns. Cancelling it keeps the call from happening.
 *
 * Follows CPython's `asyncio.Handle`.
 */
export class Handle implements Runnable {
  /** @internal */
  readonly _loop: EventLoop;
  /** @internal */
  readonly _context: Context;
  /** @internal */
  _callback: Callback<never[]> | null;
  /** @internal */
  _args: readonly unknown[] | null;
  /** @internal */
  _cancelled = false;
  /** Its description at the time when it was cancelled; only in debug mode. */
  #picture: string | null = null;

  /**
   * Made by the loop; a program uses `loop.callSoon`.
   *
   * @throws {TypeError} when `context` is not a context
   */
  constructor(callback: Callback<never[]>, args: readonly unknown[], loop: EventLoop, context: Context | null = null) {
    this._callback = callback;
    this._args = args;
    this._loop = loop;
    this._context = givenContext(context) ?? copyContext();
  }

  /** Prevents the call, and drops the function and its arguments. Has no effect when the call has happened. */
  cancel(): void {
    if (!(this instanceof Handle)) throw unbound('Handle.cancel');
    if (this._cancelled) return;
    if (this._loop.getDebug()) this.#picture = this.toString();
    this._cancelled = true;
    this._callback = null;
    this._args = null;
  }

  /** Whether `cancel()` was called. */
  cancelled(): boolean {
    return this._cancelled;
  }

  /** The context that the call runs in. */
  getContext(): Context {
    return this._context;
  }

  /** @internal */
  _run(): void {
    const callback = this._callback;
    if (callback === null) return;
    const outer = current.context;
    current.context = this._context;
    beginCallback();
    try {
      callback(...(this._args as never[]));
    } catch (error) {
      if (leavesTheLoop(error)) throw error;
      current.context = outer; // the exception handler enters its context itself
      this.#report(callback, error);
    } finally {
      endCallback();
      current.context = outer;
    }
  }

  #report(callback: unknown, exception: unknown): void {
    this._loop.callExceptionHandler({
      message: `Exception in callback ${describeFunction(callback)}`,
      exception,
      handle: this,
    });
  }

  /** @internal */
  _details(): string[] {
    const details = [nameOfClass(this)];
    if (this._cancelled) details.push('cancelled');
    if (this._callback !== null) details.push(this.#call());
    return details;
  }

  #call(): string {
    const name = describeFunction(this._callback);
    return this._loop.getDebug() ? `${name.slice(0, -1)}${this._args?.map(describe).join(', ') ?? ''})` : name;
  }

  toString(): string {
    return this.#picture ?? `<${this._details().join(' ')}>`;
  }

  /** What `JSON.stringify` writes: its text, for logs. */
  toJSON(): string {
    return String(this);
  }
}

/**
 * A call scheduled for a time: what `callLater` and `callAt` return.
 *
 * Follows CPython's `asyncio.TimerHandle`.
 */
export class TimerHandle extends Handle implements Timer {
  /** @internal */
  readonly _when: number;
  /** @internal */
  _sequence: number = NOT_SCHEDULED;

  /** Made by the loop; a program uses `loop.callLater` or `loop.callAt`. */
  constructor(
    when: number,
    callback: Callback<never[]>,
    args: readonly unknown[],
    loop: EventLoop,
    context: Context | null = null,
  ) {
    super(callback, args, loop, context);
    this._when = when;
  }

  /** The time of the call, in seconds of `loop.time()`. */
  when(): number {
    return this._when;
  }

  override cancel(): void {
    const wasCancelled = this._cancelled;
    super.cancel();
    if (!wasCancelled) this._loop._timers.noteCancelled(this);
  }

  /** @internal */
  override _details(): string[] {
    const details = super._details();
    details.splice(this._cancelled ? 2 : 1, 0, `when=${this._when}`);
    return details;
  }
}
