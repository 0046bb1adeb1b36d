import { setImmediate as macrotask } from 'node:timers/promises';

/** Runs the garbage collector, and lets finalization callbacks have their turn. */
export async function collectGarbage(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('this needs --expose-gc, which vitest.config.ts sets');
  await macrotask(); // what a WeakRef has shown in this turn stays alive until the next one
  globalThis.gc();
  await macrotask();
}
