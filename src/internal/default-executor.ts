/**
 * What the executors of a runtime look like from here. The kernel knows no threads, and `asyncio-ts/node`, which has them, is not imported
 * by it: so the one leaves here what the other takes.
 */
export interface RuntimeExecutor {
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): PromiseLike<Awaited<R>> & { cancel?(): unknown };
  shutdown?(): PromiseLike<void> | void;
}

/** Makes the executor for those who name none. */
export type NewExecutor = () => RuntimeExecutor;

let make: NewExecutor | null = null;

/** Says how loops make their executor, and returns what was said before. */
export function provideDefaultExecutor(newExecutor: NewExecutor | null): NewExecutor | null {
  const before = make;
  make = newExecutor;
  return before;
}

/** A new executor; `null` when nobody has provided any. */
export function newDefaultExecutor(): RuntimeExecutor | null {
  return make === null ? null : make();
}
