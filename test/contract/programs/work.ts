/** Functions that workers call by name. */
import { ValueError } from 'asyncio-ts';

export function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

let calls = 0;

/** Counts what this worker did. */
export async function count(): Promise<number> {
  return ++calls;
}

export function setCount(value: number): void {
  calls = value;
}

export class OwnError extends Error {
  override name = 'OwnError';
  readonly code = 'OWN';
}

export function fail(kind: 'of the library' | 'of the language' | 'own'): never {
  if (kind === 'of the library')
    throw new ValueError('too small', { code: 'TOO_SMALL', cause: new RangeError('inner') });
  throw kind === 'own' ? new OwnError('a mistake') : new RangeError('a mistake');
}
