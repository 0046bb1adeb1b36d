import { ValueError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from './describe.ts';

/** Which numbers will do. */
export interface WholeNumberRule {
  readonly least: number;
  /** Any number from `least` on when absent. */
  readonly most?: number;
  /** Whether `Infinity` will do, which stands for no limit. */
  readonly orInfinity?: boolean;
  /** What is counted, for the message: `tasks`. */
  readonly of?: string;
  /** Of the error; `INVALID_COUNT` when absent. */
  readonly code?: string;
}

/**
 * Checks a number of things.
 *
 * @param what the parameter and whose it is, as the message begins: `TaskGroup: limit`
 * @returns the number
 * @throws {TypeError} when it is no number
 * @throws {ValueError} when it is too small or too large, a fraction or `NaN`
 */
export function checkWholeNumber(what: string, value: unknown, rule: WholeNumberRule): number {
  const { least, most = Number.POSITIVE_INFINITY, orInfinity = false, of, code = 'INVALID_COUNT' } = rule;
  if (typeof value !== 'number') {
    throw typeError(`${what} must be a number${of === undefined ? '' : ` of ${of}`}, got ${describe(value)}`);
  }
  if (value >= least && value <= most && (Number.isInteger(value) || (orInfinity && value === most))) return value;
  const range = rule.most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new ValueError(`${what} must be a whole number ${range}${orInfinity ? ', or Infinity' : ''}, got ${value}`, {
    code,
  });
}

/**
 * Checks a number of seconds.
 *
 * @param what the parameter and whose it is, as the message begins: `explore: slack`
 * @throws {TypeError} when it is no number
 * @throws {ValueError} when it is negative or `NaN`
 */
export function checkSeconds(what: string, value: unknown): void {
  if (typeof value !== 'number') throw typeError(`${what} must be a number of seconds, got ${describe(value)}`);
  if (value >= 0) return;
  throw new ValueError(`${what} must be a number of seconds of at least 0, got ${value}`);
}

/** How many tasks may be under way at once. */
export const CONCURRENCY: WholeNumberRule = { least: 1, orInfinity: true, of: 'tasks' };
