/** Functions that workers call by name. */

import { ValueError } from '../../../../src/errors/index.ts';

export function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

let calls = 0;

/** Counts what this worker did. */
export async function count(): Promise<number> {
  return ++calls;
}

export function setCount(value: number): void {
  calls = value;
}

/** Tells that it has begun, then never ends. */
export function begin(flag: SharedArrayBuffer): never {
  Atomics.store(new Int32Array(flag), 0, 1);
  Atomics.notify(new Int32Array(flag), 0);
  for (;;);
}

/** Sets a flag, waits for the next one, and sets a third. */
export function waitForFlag(flags: SharedArrayBuffer): string {
  const view = new Int32Array(flags);
  Atomics.store(view, 0, 1);
  Atomics.notify(view, 0);
  Atomics.wait(view, 1, 0);
  Atomics.store(view, 2, 1);
  return 'waited';
}

export function failWithCause(): never {
  const error = new ValueError('too small', { code: 'TOO_SMALL', cause: new RangeError('inner') });
  throw error;
}

export class OwnError extends Error {
  override name = 'OwnError';
  readonly code = 'OWN';
}

export function failWithOwn(): never {
  throw new OwnError('of a class that nobody else knows');
}

export const notAFunction = 42;
