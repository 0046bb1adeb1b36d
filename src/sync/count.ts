import { ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';

/**
 * Checks a count: a whole number, or infinity.
 *
 * @param rule what it must be, as the message says it
 * @param least the smallest allowed value
 * @throws {TypeError} when it is not a number
 * @throws {ValueError} when it is too small, a fraction or `NaN`
 */
export function checkCount(count: unknown, rule: string, least: number): asserts count is number {
  if (typeof count !== 'number') throw typeError(`${rule} and a number, got ${describe(count)}`);
  if (count >= least && (Number.isInteger(count) || count === Number.POSITIVE_INFINITY)) return;
  throw new ValueError(`${rule} and a whole number, got ${count}`, { code: 'INVALID_COUNT' });
}
