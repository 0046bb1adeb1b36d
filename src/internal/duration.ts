import { ValueError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from './describe.ts';
import { anyByName, isPlain, nearest } from './options.ts';

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

function sumOf(parts: DurationParts, what: string): number {
  let seconds = 0;
  let known = 0;
  if (typeof parts === 'object' && parts !== null) {
    for (const unit of Object.keys(isPlain(parts) ? parts : SECONDS_IN)) {
      const amount: unknown = parts[unit as keyof DurationParts];
      if (amount === undefined) continue;
      if (!(unit in SECONDS_IN)) {
        // A misspelt unit beside others would make the time shorter, and nothing would report it.
        const meant = unit === what ? undefined : nearest(unit, [...Object.keys(SECONDS_IN), what]);
        const write = meant === undefined ? '' : `write { ${meant}: … }; `;
        throw invalid(
          what,
          `no unit of time ${describe(unit)}; ${write}${EXPECTED}, or { ${what}: … }; the units are ${Object.keys(SECONDS_IN).join(', ')}`,
        );
      }
      if (typeof amount !== 'number') throw invalid(what, `expected a number of ${unit}, got ${describe(amount)}`);
      known++;
      seconds += amount * SECONDS_IN[unit as keyof DurationParts];
    }
  }
  if (known === 0) throw invalid(what, `${EXPECTED}, got ${describe(parts)}`);
  return seconds;
}

const EXPECTED = 'expected a number of seconds or an object such as { milliseconds: 500 }';

function invalid(what: string, problem: string): TypeError {
  return typeError(`Invalid ${what}: ${problem}`, 'INVALID_DELAY');
}
