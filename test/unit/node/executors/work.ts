/** Functions that workers call by name. */

import { statSync } from 'node:fs';
import { ExceptionGroup, IncompleteReadError, ValueError } from '../../../../src/errors/index.ts';
import { FileNotFoundError } from '../../../../src/errors/os-error.ts';
import { CalledProcessError } from '../../../../src/node/subprocess/called-process-error.ts';

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

export function failWithFile(): never {
  throw new FileNotFoundError('no such file', { code: 'ENOENT', syscall: 'open', path: '/nope' });
}

/** The member has the group as its cause. */
export function failWithGroup(): never {
  const member = new CalledProcessError(['false'], { returncode: 3, stdout: '', stderr: '' });
  const group = new ExceptionGroup('several', [member]);
  Object.assign(member, { cause: group });
  throw group;
}

/** Errors that are no failures, among them those that were given. */
export function settledErrors(errors: readonly Error[]): readonly Error[] {
  return [new IncompleteReadError(new Uint8Array(2), 5), ...errors.filter((error) => error instanceof ValueError)];
}

export function throwIt(value: unknown): never {
  throw value;
}

export function throwHostile(which: 'symbol' | 'proxy' | 'frozen' | 'getters'): never {
  const fail = () => {
    throw new Error('a trap');
  };
  if (which === 'symbol') throw Symbol('thrown');
  if (which === 'proxy') throw new Proxy({}, { get: fail, getPrototypeOf: fail, ownKeys: fail });
  if (which === 'frozen') throw Object.freeze(new Error('frozen'));
  throw Object.defineProperties(new Error('x'), { message: { get: fail }, name: { get: fail }, stack: { get: fail } });
}

/** For an initializer: fails until there is a file. */
export function needFile(file: string): void {
  statSync(file);
}
