import { type Coroutine, type CoroutineFunction, coroutine, rethrowIfCancelled, sleep } from 'asyncio-ts';

export interface RetryOptions {
  /** How often it is tried at most. */
  readonly attempts?: number;
  /** The longest pause after the first failure, in seconds. Each further failure doubles it. */
  readonly first?: number;
  /** The longest pause of all, in seconds. */
  readonly longest?: number;
  /** Whether it is worth another attempt. */
  readonly retryIf?: (error: unknown) => boolean;
  readonly random?: () => number;
}

/** Calls `fn` until it succeeds. The pauses are random, up to a limit that doubles, so that many clients do not come back at the same time. */
export async function retry<T>(fn: () => PromiseLike<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 5, first = 0.1, longest = 10, retryIf = () => true, random = Math.random } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await fn();
    } catch (error) {
      rethrowIfCancelled(error);
      if (attempt === attempts || !retryIf(error)) throw error;
    }
    await sleep(random() * Math.min(longest, first * 2 ** (attempt - 1)));
  }
}

export function* retryAsGenerator<T>(fn: CoroutineFunction<T>, options: RetryOptions = {}): Coroutine<T> {
  const { attempts = 5, first = 0.1, longest = 10, retryIf = () => true, random = Math.random } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return yield* coroutine(fn)();
    } catch (error) {
      rethrowIfCancelled(error);
      if (attempt === attempts || !retryIf(error)) throw error;
    }
    yield* sleep(random() * Math.min(longest, first * 2 ** (attempt - 1)));
  }
}
