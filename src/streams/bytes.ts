import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { encodeUtf8 } from '../kernel/lowlevel.ts';
import { checkWellFormed } from './text.ts';
import type { Bytes } from './transports.ts';

/** Whether data is a `Uint8Array`, also one of another realm: where tests run in a realm of their own, that is what sockets give. */
export function areBytes(data: unknown): data is Uint8Array {
  return data instanceof Uint8Array || Object.prototype.toString.call(data) === '[object Uint8Array]';
}

/**
 * Checks data before it is written.
 *
 * @throws {TypeError} when it is neither bytes nor a string
 * @throws {ValueError} when it is a string that cannot be written as UTF-8
 */
export function checkBytes(name: string, data: unknown): asserts data is Bytes {
  if (areBytes(data)) return;
  if (typeof data === 'string') {
    checkWellFormed(name, data);
    return;
  }
  throw typeError(`${name}: a Uint8Array or a string is required, got ${describe(data)}`, 'NOT_BYTES');
}

/**
 * Data as bytes; strings become UTF-8.
 *
 * @throws as `checkBytes`
 */
export function asBytes(name: string, data: unknown): Uint8Array {
  checkBytes(name, data);
  return typeof data === 'string' ? encodeUtf8(data) : data;
}

/** Chunks one after the other. */
export function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
