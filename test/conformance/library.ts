/**
 * The library as the conformance harness wants it: everything that is public, and read-only views of what is not, for
 * CPython's white-box tests. Nothing here changes how the library behaves.
 */

import * as library from 'asyncio-ts';

export * from 'asyncio-ts';
/** CPython's tests replace its methods. */
export const logger = { error: console.error, warning: console.warn, info: console.info, debug: console.debug };

/** Of its own broken handlers CPython says "the exception that is being handled" instead of naming it. */
const THE_PRESENT_ONE = true;
const BROKEN = 'Exception in default exception handler';

// The library has two levels; CPython's tests hear them through the methods that they replace.
library.logger.error = (message, error) =>
  logger.error(message, String(message).startsWith(BROKEN) ? THE_PRESENT_ONE : error);
library.logger.warn = (message, error) => logger.warning(message, error);

interface Inside {
  readonly _ready: Iterable<unknown>;
  readonly _timers: Iterable<unknown> & { readonly cancelled: number };
  readonly _mustCancel: boolean;
  readonly _waiting: unknown;
  readonly _waits: { readonly _waiting: unknown } | null;
  readonly _callback: unknown;
  readonly _unretrieved: unknown;
  _waiters(): { readonly _callback?: unknown; readonly _context: unknown }[];
}

export const internals = {
  ready: (loop: Inside) => [...loop._ready],
  scheduled: (loop: Inside) => [...loop._timers],
  timerCancelledCount: (loop: Inside) => loop._timers.cancelled,
  mustCancel: (task: Inside) => task._mustCancel,
  waiter: (task: Inside) => task._waiting ?? task._waits?._waiting ?? null,
  callbacks: (future: Inside) => future._waiters().map((waiter) => [waiter._callback, waiter._context]),
  logTraceback: (future: Inside) => future._unretrieved !== null,
  handleCallback: (handle: Inside) => handle._callback,
  tasks: (group: library.TaskGroup) => [...group.tasks],
  waiters: (primitive: { readonly waiters: Iterable<unknown> }) => [...primitive.waiters],
  value: (semaphore: { readonly value: number }) => semaphore.value,
  lock: (condition: library.Condition) => condition.lock,
  count: (barrier: { readonly count: number }) => barrier.count,
  getters: (queue: { readonly waiters: { readonly getters: Iterable<unknown> } }) => [...queue.waiters.getters],
  putters: (queue: { readonly waiters: { readonly putters: Iterable<unknown> } }) => [...queue.waiters.putters],
  unfinished: (queue: library.Queue<unknown>) => queue.statistics().unfinished,
};

/**
 * A promise cannot bring a future as its value: it waits for it instead. CPython's `run_until_complete` returns it, so this one
 * answers with a thenable that hands on what the future that was run holds.
 */
export class EventLoop extends library.EventLoop {
  override runUntilComplete<T>(awaitable: library.AwaitableLike<T>): Promise<T> {
    if (this.isClosed() || this.isRunning()) return super.runUntilComplete(awaitable);
    let future: library.Future<T>;
    try {
      future = library.ensureFuture(awaitable, { loop: this });
    } catch (error) {
      return Promise.reject(error);
    }
    const isOurs = (future as unknown) !== awaitable;
    const over = super.runUntilComplete(future);
    return {
      then(resolve: (value: T) => void, reject: (error: unknown) => void) {
        over.then(
          () => resolve(future.result()),
          (error) => {
            if (isOurs && future.done() && !future.cancelled()) future.exception();
            reject(error);
          },
        );
      },
    } as Promise<T>;
  }
}
