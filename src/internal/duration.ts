import { ValueError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from './describe.ts';
import { isPlain } from './options.ts';

/** A span of time in named units, as `Temporal.Duration` has them. Absent units count as zero. */
export interface DurationParts {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
  readonly microseconds?: number;
  readonly nanoseconds?: number;
}

/** A span of time: a number of **seconds**, which may have a fraction, or named units such as `{ milliseconds: 500 }`. */
export type Duration = number | DurationParts;

const SECONDS_IN: Readonly<Record<keyof DurationParts, number>> = {
  days: 86_400,
  hours: 3_600,
  minutes: 60,
  seconds: 1,
  milliseconds: 1e-3,
  microseconds: 1e-6,
  nanoseconds: 1e-9,
};

/**
 * A duration in seconds.
 *
 * @param what the parameter's name, for the error message
 * @throws {TypeError} when it is neither a number nor a bag of named units
 * @throws {ValueError} when it is not a number (`NaN`)
 */
export function inSeconds(duration: Duration, what = 'delay'): number {
  const seconds = typeof duration === 'number' ? duration : sumOf(duration, what);
  if (Number.isNaN(seconds)) {
    throw new ValueError(`Invalid ${what}: NaN (not a number); expected a number of seconds`, {
      code: 'INVALID_DELAY',
    });
  }
  return seconds;
}

/**
 * A duration that a call was given by position or by name: `timeout(5)`, `timeout({ seconds: 5 })` and `timeout({ delay: 5 })` are the same
 * call.
 *
 * @param call the function that was called, for messages
 * @param name the parameter's
 * @param given what the call was given in its place; a number, `null` and `undefined` come back as they are
 * @param others the names that may stand beside it
 * @throws {TypeError} when the object has neither the name nor units of time
 */
export function durationByName<T>(
  call: string,
  name: string,
  given: T | Readonly<Record<string, unknown>>,
  others: readonly string[] = [],
): T {
  if (typeof given !== 'object' || given === null || !isPlain(given)) return given as T;
  const isNamed = name in given || others.some((other) => other in given);
  const wrong = Object.keys(given).find((key) => (isNamed ? key !== name && !others.includes(key) : !isUnit(key)));
  if (wrong === undefined) return (isNamed ? given[name] : given) as T;
  throw typeError(
    `${call}: there is no option ${describe(wrong)}${isNamed ? ` beside ${name}` : ''}; ` +
      `write ${call}({ ${name}: ${describe(given[isNamed ? name : wrong])} })${isNamed ? '' : ', or units of time such as { milliseconds: 500 }'}`,
    'INVALID_DELAY',
  );
}

function isUnit(name: string): name is keyof DurationParts {
  return Object.hasOwn(SECONDS_IN, name);
}

function sumOf(parts: DurationParts, what: string): number {
  let seconds = 0;
  let known = 0;
  if (typeof parts === 'object' && parts !== null) {
    const unknown = isPlain(parts) ? Object.keys(parts).find((key) => !isUnit(key)) : undefined;
    if (unknown !== undefined) {
      throw typeError(
        `Invalid ${what}: there is no unit of time ${describe(unknown)}; the units are ${Object.keys(SECONDS_IN).join(', ')}, as in { milliseconds: 500 }`,
        'INVALID_DELAY',
      );
    }
    for (const unit of Object.keys(SECONDS_IN) as (keyof DurationParts)[]) {
      const amount = parts[unit];
      if (amount === undefined) continue;
      if (typeof amount !== 'number') {
        throw typeError(`Invalid ${what}: expected a number of ${unit}, got ${describeType(amount)}`, 'INVALID_DELAY');
      }
      known++;
      seconds += amount * SECONDS_IN[unit];
    }
  }
  if (known === 0) {
    throw typeError(
      `Invalid ${what}: expected a number of seconds or an object such as { milliseconds: 500 }, got ${describeType(parts)}`,
      'INVALID_DELAY',
    );
  }
  return seconds;
}

function describeType(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `${typeof value} ${String(value)}`;
}
