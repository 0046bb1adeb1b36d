import { ValueError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from './describe.ts';
import { anyByName, isPlain } from './options.ts';

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
 * A duration in seconds. As parameters of Python can be given by name, so can this one: `{ delay: 5 }` is 5.
 *
 * @param what the parameter's name, for the error message
 * @throws {TypeError} when it is neither a number nor a bag of named units
 * @throws {ValueError} when it is not a number (`NaN`)
 */
export function inSeconds(duration: Duration, what = 'delay'): number {
  const given = typeof duration === 'number' ? duration : anyByName(what, duration);
  const seconds = typeof given === 'number' ? given : sumOf(given, what);
  if (Number.isNaN(seconds)) {
    throw new ValueError(`Invalid ${what}: NaN (not a number); expected a number of seconds`, {
      code: 'INVALID_DELAY',
    });
  }
  return seconds;
}

/** As `inSeconds`, where `null` and `undefined` stand for no limit. */
export function secondsOrNull(duration: Duration | null | undefined | object, what: string): number | null {
  const given = anyByName(what, duration as Duration | null | undefined) ?? null;
  return given === null ? null : inSeconds(given, what);
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
        `Invalid ${what}: there is no unit of time ${describe(unknown)}; ` +
          `expected a number of seconds, units such as { milliseconds: 500 }, or { ${what}: … }`,
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
