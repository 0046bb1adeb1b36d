import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { anyByName } from '../internal/options.ts';
import {
  type AwaitableCoroutine,
  type CoroutineLike,
  checkLoop,
  type EventLoop,
  getRunningLoop,
  iscoroutine,
  libraryCoroutine,
  newAsyncFrame,
  noteWait,
  purposeOf,
  type Task,
} from '../kernel/lowlevel.ts';

/**
 * Runs a coroutine on a loop from code that does not run in that loop.
 *
 * Follows CPython's `asyncio.run_coroutine_threadsafe`; JavaScript threads share no objects, so the loop must belong to this thread.
 *
 * @param loop by position or as `{ loop }`
 * @returns a promise of its result
 * @throws {TypeError} when `coro` is no coroutine, or `loop` no loop
 */
export function runCoroutineThreadsafe<T>(
  coro: CoroutineLike<T>,
  loop: EventLoop | { readonly loop: EventLoop },
): Promise<T> {
  if (typeof coro !== 'function' && !iscoroutine(coro))
    throw typeError(`A coroutine object is required, got ${describe(coro)}`, 'NOT_A_COROUTINE');
  const its = anyByName('loop', loop as EventLoop);
  checkLoop('runCoroutineThreadsafe', its, '; write runCoroutineThreadsafe(f, loop) with the loop that is to run it');
  // The task is made later, and has the async context of now, as it has the context variables.
  const scope = newAsyncFrame();
  const make = (): Task<T> => its.createTask(coro);
  return new Promise<T>((resolve, reject) => {
    its.callSoonThreadsafe(() => {
      try {
        const task = scope === null ? make() : scope.runInAsyncScope(make, undefined);
        task.then(resolve, reject);
      } catch (error) {
        reject(error);
        throw error;
      }
    });
  });
}

/**
 * Runs a function in another thread: with the loop's default executor, which is a `ThreadPoolExecutor` if `asyncio-ts/node` was imported.
 * Usually import `toThread` from `asyncio-ts/node`, which provides the executor; this one is for code that must not depend on a runtime.
 *
 * It never runs the function in this thread, unless the executor that the program has set does.
 *
 * **Cancellation**: ends the wait; a function that already runs is not stopped.
 *
 * Follows CPython's `asyncio.to_thread`.
 *
 * @throws {TypeError} when `fn` is not a function
 * @throws {RuntimeError} of code `NO_EXECUTOR`, when it is awaited, if the loop has no executor and `asyncio-ts/node` was not imported
 * @throws what the function throws
 * @example
 * getRunningLoop().setDefaultExecutor({ submit: (fn, ...args) => Promise.resolve(fn(...args)) }); // in a page: deliberately in this thread
 * const sum = await toThread((a: number, b: number) => a + b, 1, 2);
 */
export function toThread<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): AwaitableCoroutine<Awaited<R>> {
  if (typeof fn !== 'function')
    throw typeError(`toThread: a function is required, got ${describe(fn)}`, 'NOT_CALLABLE');
  return submit(fn as (...args: unknown[]) => unknown, args) as AwaitableCoroutine<Awaited<R>>;
}

const submit = /* @__PURE__ */ libraryCoroutine(function* toThread(
  fn: (...args: unknown[]) => unknown,
  args: unknown[],
): Generator<unknown, unknown, unknown> {
  const future = getRunningLoop().runInExecutor(null, fn, ...args);
  noteWait(future, { operation: 'toThread', object: purposeOf(future)?.object ?? null });
  return yield* future;
});
