import { type PoolExecutorOptions, ProcessPoolExecutor, ThreadPoolExecutor } from 'asyncio-ts/node';
import { onTestFinished } from 'vitest';
import { moduleFunctions } from '../../../../src/node/executors/module-functions.ts';

export const work = moduleFunctions<typeof import('./work.ts')>(new URL('./work.ts', import.meta.url));

const CLASSES = { threads: ThreadPoolExecutor, processes: ProcessPoolExecutor } as const;
export type Kind = keyof typeof CLASSES;
export const kinds = Object.keys(CLASSES) as Kind[];

/** An executor that is gone after the test. */
export function newPool(kind: Kind, options: PoolExecutorOptions = {}) {
  const pool = new CLASSES[kind]({ maxWorkers: 1, ...options });
  onTestFinished(() => pool.terminateWorkers());
  return pool;
}

/** Shared flags, and a promise of the one that a worker sets. */
export function flags() {
  const buffer = new SharedArrayBuffer(12);
  const view = new Int32Array(buffer);
  return {
    buffer,
    view,
    begun: async () => {
      await Atomics.waitAsync(view, 0, 0).value;
    },
    release: () => {
      Atomics.store(view, 1, 1);
      Atomics.notify(view, 1);
    },
  };
}

/** What a promise or a call fails with. */
export async function failureOf(what: PromiseLike<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof what === 'function' ? what() : what);
  } catch (error) {
    return error;
  }
  throw new Error('nothing failed');
}
