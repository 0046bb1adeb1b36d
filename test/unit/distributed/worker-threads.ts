/** What threads of workers run in tests. */
import { threadId } from 'node:worker_threads';

export function where(): number {
  return threadId;
}

export function double(n: number): number {
  return n * 2;
}

export async function later(n: number): Promise<number> {
  await Promise.resolve();
  return n * 2;
}

export function fail(): never {
  throw Object.assign(new RangeError('too much', { cause: new TypeError('inner') }), { code: 'TOO_MUCH' });
}

export function unsendable(): unknown {
  return () => {};
}

/** Begins, and never ends by itself. */
export function compute(): never {
  for (;;);
}
