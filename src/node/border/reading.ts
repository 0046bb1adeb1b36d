/** Reads values that programs throw or pass: their getters and proxies may throw anything, which must not hide the original error. */

import { types } from 'node:util';
import { describe } from '../../internal/describe.ts';

/** The result of `read`, or `otherwise` when it throws. */
export function guarded<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** A property; `undefined` when reading it throws. */
export function property(object: object, key: PropertyKey): unknown {
  return guarded(() => (object as Record<PropertyKey, unknown>)[key], undefined);
}

/** Whether it is an error, of this realm or another. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || guarded(() => value instanceof Error, false);
}

/** A description for messages. */
export function shown(value: unknown): string {
  if (types.isProxy(value)) return '<Proxy>';
  // Showing nested arrays completely could take exponential time.
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) return `<array of ${value.length}>`;
  return guarded(() => describe(value), '<object>');
}

/** The message of an error, or the thrown value as text. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return guarded(() => String(error), shown(error));
  const message = property(error, 'message');
  return typeof message === 'string' ? message : shown(message);
}

/** The name of the class, if there is one. */
export function className(value: object): string {
  const Class = property(value, 'constructor');
  const name = typeof Class === 'function' ? property(Class, 'name') : undefined;
  if (typeof name === 'string' && name !== '' && name !== 'Object') return name;
  // Iterators and generators have no class that could be named.
  return guarded(() => Object.prototype.toString.call(value).slice('[object '.length, -1), 'Object');
}
