import { type Awaitable, wrapPromise } from '../kernel/lowlevel.ts';

/** A promise that generator coroutines can wait for, too. What it stands for has begun, whether anybody waits or not. */
export type AwaitablePromise<T> = Promise<T> & Awaitable<T>;

export function awaitablePromise<T>(promise: Promise<T>): AwaitablePromise<T> {
  return Object.assign(promise, { [Symbol.iterator]: () => wrapPromise(promise)[Symbol.iterator]() });
}
