import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { type AwaitableCoroutine, getRunningLoop, libraryCoroutine, noteWait } from '../../kernel/lowlevel.ts';

/**
 * Runs a function in another thread, for work that needs a processor: by the loop's default executor when the program has set one,
 * otherwise by a `ThreadPoolExecutor` that becomes it, and which `run` shuts down at its end.
 *
 * The function is one made by `moduleFunctions`, or an inline function that needs nothing from outside. Values of context variables
 * do not come along, for threads share nothing; pass what is needed as arguments.
 *
 * **Cancellation**: ends the wait. A function that has not begun never will; one that runs goes on, and its result is dropped, unless the
 * executor was made with `terminate`.
 *
 * Follows CPython's `asyncio.to_thread`.
 *
 * @throws {TypeError} when `fn` is not a function, or one that cannot be sent to a thread
 * @throws what the function throws
 * @example
 * const digest = await toThread(async (text: string) => {
 *   const { scryptSync } = await import('node:crypto');
 *   return scryptSync(text, 'salt', 64);
 * }, 'secret');
 */
export function toThread<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): AwaitableCoroutine<Awaited<R>> {
  if (typeof fn !== 'function')
    throw typeError(`toThread: a function is required, got ${describe(fn)}`, 'NOT_CALLABLE');
  return runInThread(fn as (...args: unknown[]) => unknown, args) as AwaitableCoroutine<Awaited<R>>;
}

const runInThread = /* @__PURE__ */ libraryCoroutine(function* toThread(
  fn: (...args: unknown[]) => unknown,
  args: unknown[],
): Generator<unknown, unknown, unknown> {
  const future = getRunningLoop().runInExecutor(null, fn, ...args);
  noteWait(future, { operation: 'toThread', object: null });
  return yield* future;
});
