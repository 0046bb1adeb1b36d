/**
 * Where `asyncio-ts/node` registers its executor for the kernel. The kernel has no threads, and must not import `asyncio-ts/node`, which
 * has them. So `asyncio-ts/node` stores the factory here, and the kernel reads it.
 */
export interface RuntimeExecutor {
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): PromiseLike<Awaited<R>> & { cancel?(): unknown };
  shutdown?(): PromiseLike<void> | void;
}

/** Makes the executor for calls that name none. */
export type NewExecutor = () => RuntimeExecutor;

let make: NewExecutor | null = null;

/** Sets how loops make their executor, and returns the previous setting. */
export function provideDefaultExecutor(newExecutor: NewExecutor | null): NewExecutor | null {
  const before = make;
  make = newExecutor;
  return before;
}

/** A new executor; `null` when nobody has provided any. */
export function newDefaultExecutor(): RuntimeExecutor | null {
  return make === null ? null : make();
}
