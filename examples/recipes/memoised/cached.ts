import { type CoroutineFunction, type Future, getEventLoop, shared } from 'asyncio-ts';

/** `fn`, whose results are kept for some seconds. Callers with the same arguments share one call, also while it runs. Errors are not kept. */
export function cached<T, A extends unknown[]>(
  fn: CoroutineFunction<T, A>,
  seconds: number,
): (...args: A) => Future<T> {
  const results = shared(fn, { keep: true });
  let fresh = Number.NEGATIVE_INFINITY;
  return (...args) => {
    const now = getEventLoop().time();
    if (now - fresh >= seconds) {
      results.forget(); // all of them at once: a time for each key would have to be deleted some day, too
      fresh = now;
    }
    return results(...args);
  };
}
