import { ValueError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from './describe.ts';

/**
 * Checks how many things may run at the same time.
 *
 * @throws {TypeError} when it is not a number
 * @throws {ValueError} when it is not a whole number of at least 1, and not `Infinity`
 */
export function checkLimit(name: string, limit: unknown): number {
  if (typeof limit !== 'number') throw typeError(`${name}: limit must be a number of tasks, got ${describe(limit)}`);
  if (limit < 1 || (!Number.isInteger(limit) && limit !== Number.POSITIVE_INFINITY))
    throw new ValueError(`${name}: limit must be a whole number of at least 1, or Infinity, got ${limit}`);
  return limit;
}
