import { ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { ContextVar } from '../index.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, inSeconds } from '../internal/duration.ts';
import { checkOptions } from '../internal/options.ts';
import type { Engine } from './engine.ts';

/**
 * Checks options that cannot be left out.
 *
 * @throws {TypeError} when there are none, or there is one that is unknown
 */
export function checkNeeded(call: string, options: unknown, names: readonly string[], right: string): void {
  if (options === undefined || options === null)
    throw typeError(`${call}: the options are missing; write ${right}`, 'NO_ENGINE');
  checkOptions(call, options, names);
}

/** @throws {TypeError} when one of them is missing, or cannot be */
export function checkEngine(call: string, engine: unknown, queue: unknown): void {
  if (typeof (engine as Partial<Engine> | null)?.openClient !== 'function') {
    throw typeError(
      `${call}: engine is required, got ${describe(engine)}; write engine: bullmq({ connection: 'redis://127.0.0.1' })`,
      'NO_ENGINE',
    );
  }
  if (typeof queue !== 'string' || queue === '' || /[:\s]/.test(queue)) {
    throw typeError(
      `${call}: queue is required, a name without spaces and colons, got ${describe(queue)}; write queue: 'images'`,
      'NO_QUEUE',
    );
  }
}

/** @returns in seconds. @throws {ValueError} when it is not more than 0 */
export function positive(duration: Duration, what: string): number {
  const value = inSeconds(duration, what);
  if (!(value > 0))
    throw new ValueError(`${what} must be more than 0 seconds, got ${value}`, { code: 'INVALID_DURATION' });
  return value;
}

/** @returns in seconds. @throws {ValueError} when it is negative */
export function notNegative(duration: Duration, what: string): number {
  const value = inSeconds(duration, what);
  if (!(value >= 0)) throw new ValueError(`${what} must not be negative, got ${value}`, { code: 'INVALID_DURATION' });
  return value;
}

/**
 * Checks context variables whose values travel.
 *
 * @throws {TypeError} when it is no list of them, or two have the same name, by which they travel
 */
export function checkVariables(call: string, variables: unknown): void {
  if (!Array.isArray(variables) || !variables.every((variable) => variable instanceof ContextVar)) {
    throw typeError(
      `${call}: propagate is a list of context variables, got ${describe(variables)}; write propagate: [requestId]`,
      'INVALID_PROPAGATE',
    );
  }
  const names = (variables as readonly ContextVar<unknown>[]).map(({ name }) => name);
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice === undefined) return;
  throw typeError(
    `${call}: propagate has two variables of the name '${twice}', and values travel by name; write new ContextVar('another name')`,
    'INVALID_PROPAGATE',
  );
}
