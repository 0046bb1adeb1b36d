import { ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';

/**
 * Checks how many bytes a reader may keep.
 *
 * @param name the function that was called, for messages
 * @returns the limit; `undefined` where none was given
 * @throws {TypeError} when it is no number
 * @throws {ValueError} unless it is above zero
 */
export function checkByteLimit<L extends number | undefined>(name: string, limit: L): L {
  if (limit === undefined) return limit;
  if (typeof limit !== 'number') throw typeError(`${name}: limit must be a number of bytes, got ${describe(limit)}`);
  if (!(limit > 0)) throw new ValueError(`${name}: limit must be above 0, got ${limit}`);
  return limit;
}
