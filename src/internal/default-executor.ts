/**
 * What the executors of a runtime look like from here. The kernel knows no threads, and `asyncio-ts/node`, which has them, is not imported
 * by it: so the one leaves here what the other takes.
 */
export interface RuntimeExecutor {
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): PromiseLike<Awaited<R>> & { cancel?(): unknown };
  shutdown?(): PromiseLike<void> | void;
}

let make: (() => RuntimeExecutor) | null = null;

/** Says how loops make the executor for those who name none. */
export function provideDefaultExecutor(newExecutor: () => RuntimeExecutor): void {
  make = newExecutor;
}

/** A new executor; `null` when nobody has provided any. */
export function newDefaultExecutor(): RuntimeExecutor | null {
  return make === null ? null : make();
}
