import type { AwaitableCoroutine } from '../../kernel/lowlevel.ts';
import { toThread as toThreadOfCore } from '../../tasks/threads.ts';

/**
 * Runs a function in another thread, for long computations: with the loop's default executor when the program has set one,
 * otherwise with a new `ThreadPoolExecutor`, which becomes the default one and is shut down at the end of `run`.
 *
 * The function comes from `moduleFunctions`, or is an inline function that captures no variables. Values of context variables
 * are not sent, because threads do not share memory; pass the values as arguments.
 *
 * **Cancellation**: ends the wait. A function that has not begun will not run; one that runs goes on, and its result is dropped, unless the
 * executor was made with `terminate`.
 *
 * Follows CPython's `asyncio.to_thread`.
 *
 * @throws {TypeError} when `fn` is not a function, or cannot be sent to a thread
 * @throws what the function throws
 * @example
 * const digest = await toThread(async (text: string) => {
 *   const { scryptSync } = await import('node:crypto');
 *   return scryptSync(text, 'salt', 64);
 * }, 'secret');
 */
export function toThread<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): AwaitableCoroutine<Awaited<R>> {
  return toThreadOfCore(fn, ...args);
}
