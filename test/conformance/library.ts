/**
 * The library as the conformance harness wants it: everything that is public, and read-only views of what is not, for
 * CPython's white-box tests. Nothing here changes how the library behaves.
 */

import * as library from 'asyncio-ts';

export * from 'asyncio-ts';
/** CPython's tests replace its methods. */
export const logger = { error: console.error, warning: console.warn, info: console.info, debug: console.debug };

// The library has two levels; CPython's tests hear them through the methods that they replace.
library.logger.error = (message, error) => logger.error(message, error);
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
  tasks: (group: library.TaskGroup) => group.tasks,
};
