import { type Context, copyContext } from './engine/context.ts';
import { ended } from './engine/hooks.ts';
import type { Waiter } from './engine/roles.ts';
import type { EventLoop } from './event-loop.ts';
import { callbackOf, type DoneCallback, type Future } from './future.ts';
import { Handle } from './handle.ts';

/** A done callback of the library itself, for a task or future that waits: needs no context, and cannot fail. */
class Subscription implements Waiter {
  /** @internal */
  readonly _callback: DoneCallback<never>;
  /** @internal */
  readonly _awaiter: Future<unknown> | null;
  /** The future that it is a waiter of. @internal */
  readonly _future: Future<unknown>;
  /** @internal */
  _endedBy: object | null = null;

  constructor(future: Future<unknown>, callback: DoneCallback<never>, awaiter: Future<unknown> | null) {
    this._future = future;
    this._callback = callback;
    this._awaiter = awaiter;
  }

  get _context(): Context {
    return copyContext();
  }

  _run(): void {
    ended.by = this._endedBy;
    this._callback(this._future as never);
    ended.by = null;
  }
}

/**
 * Adds a done callback for a task or future that waits, which makes an edge of the call graph. The callback must not
 * throw.
 *
 * @param awaiter the task or future that waits
 */
export function subscribe<T>(
  future: Future<T>,
  callback: (future: Future<T>) => void,
  awaiter: Future<unknown> | null,
): void {
  // For a future of another library, or a class that overrides registration, there is only `addDoneCallback`.
  if (future._isPlain?.() === true) future._addWaiter(new Subscription(future as Future<unknown>, callback, awaiter));
  else future.addDoneCallback(callback);
}

/**
 * Removes one subscription of a callback. The search ends where it is found. So when many wait for one future, and
 * leave in the order in which they came, as they do at deadlines, each is found at once.
 */
export function unsubscribe<T>(future: Future<T>, callback: (future: Future<T>) => void): void {
  if (future._isPlain?.() !== true) {
    future.removeDoneCallback(callback);
    return;
  }
  const isIt = (waiter: Waiter): boolean => callbackOf(waiter) === callback;
  const { _firstWaiter: first } = future;
  const waiter = first === null || isIt(first) ? first : future._rare?.otherWaiters?.find(isIt);
  if (waiter !== null && waiter !== undefined) future._removeWaiter(waiter);
}

/**
 * A waiter whose method `ended` is called when a future is done. It is one object, where a done callback takes four,
 * for objects of which programs have thousands. `ended` is code of the library that needs no context and does not
 * throw; it calls code of a program by `callAsCallback`.
 */
export abstract class Watcher<F extends Future<unknown>> implements Waiter {
  /** The future that is watched, `null` before `watch`. */
  protected future: F | null = null;

  /** @internal */
  get _awaiter(): null {
    return null;
  }

  /** @internal */
  get _context(): Context {
    return copyContext();
  }

  watch(future: F): void {
    this.future = future;
    if (future._isPlain?.() === true) future._addWaiter(this);
    else future.addDoneCallback(() => this._run());
  }

  /** @internal */
  _run(): void {
    this.ended(this.future!);
  }

  protected abstract ended(future: F): void;
}

/** Calls a function as the loop calls a callback: in a context, and its errors are reported. */
export function callAsCallback(loop: EventLoop, context: Context, fn: () => void): void {
  new Handle(fn, [], loop, context)._run();
}
