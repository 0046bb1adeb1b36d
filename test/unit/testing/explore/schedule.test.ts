import { StaleTokenError } from 'asyncio-ts/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Deviation, type Schedule, scheduleOf, tokenOf } from '../../../../src/testing/explore/schedule.ts';
import { thrownBy } from '../../../support/programs.ts';

const deviations = fc
  .uniqueArray(fc.record({ at: fc.nat(100_000), way: fc.integer({ min: 1, max: 5_000 }) }), {
    selector: ({ at }) => at,
    maxLength: 40,
  })
  .map((all): Deviation[] => all.sort((a, b) => a.at - b.at));
const fingerprint = fc.nat(2 ** 32 - 1).map((hash) => hash.toString(36));
const schedules = fc.record({ level: fc.constantFrom('contract' as const, 'any' as const), deviations, fingerprint });

describe('a token', () => {
  test('is read as the schedule that it was made of', () => {
    fc.assert(
      fc.property(schedules, (schedule: Schedule) => {
        expect(scheduleOf(tokenOf(schedule))).toEqual(schedule);
      }),
    );
  });

  test('is made of letters, digits and few signs, so that a shell and a chat leave it alone', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        expect(tokenOf(schedule)).toMatch(/^[0-9a-z._-]+$/);
      }),
    );
  });

  test('has at most 80 characters for one deviation, however long the run', () => {
    const longest = tokenOf({
      level: 'contract',
      deviations: [{ at: Number.MAX_SAFE_INTEGER - 1, way: Number.MAX_SAFE_INTEGER }],
      fingerprint: (2 ** 32 - 1).toString(36),
    });
    expect(longest.length).toBeLessThanOrEqual(80);
  });

  test('of a schedule without deviations can be read as well', () => {
    const schedule: Schedule = { level: 'any', deviations: [], fingerprint: 'abc' };
    expect(tokenOf(schedule)).toBe('xa-abc-');
    expect(scheduleOf('xa-abc-')).toEqual(schedule);
  });

  test.each([
    '',
    'xc',
    'xc-abc',
    'xb-abc-1',
    'xc-ABC-1',
    'xc-abc-1_',
    'xc-abc-_1',
    'xc-abc-1.',
    'xc-abc-1.2.3',
    ' xc-abc-1',
    'xc-abc-1\n',
    null,
    undefined,
    42,
  ])('that is %j is none, which the error says', (token) => {
    const error = thrownBy(() => scheduleOf(token as string));
    expect(error).toBeInstanceOf(StaleTokenError);
    expect(String(error)).toContain('is no token; give the one that ExplorationFailure or SweepFailure has');
  });
});
