import { rethrowIfCancelled, sleep, timeout } from 'asyncio-ts';

/** Options of `retry`; times are in seconds. */
export interface RetryOptions {
  readonly attempts?: number;
  /** How long it waits after the first failure; twice as long after each further one. */
  readonly delay?: number;
  /** How long one attempt may take. */
  readonly limit?: number;
}

/** Calls a function until it succeeds. */
export async function retry<T>(
  fn: () => Promise<T>,
  { attempts = 5, delay = 1, limit = 10 }: RetryOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await timeout(limit, fn);
    } catch (error) {
      rethrowIfCancelled(error);
      if (attempt === attempts) throw error;
      await sleep(delay * 2 ** (attempt - 1));
    }
  }
}
