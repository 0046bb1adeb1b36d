import { ValueError } from 'asyncio-ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Duration, inSeconds } from '../../../src/internal/duration.ts';

describe('a duration', () => {
  test('that is a number is in seconds', () => {
    fc.assert(fc.property(fc.double({ noNaN: true }), (seconds) => Object.is(inSeconds(seconds), seconds)));
  });

  test.each([
    [{ days: 1 }, 86_400],
    [{ hours: 1 }, 3_600],
    [{ minutes: 1 }, 60],
    [{ seconds: 1 }, 1],
    [{ milliseconds: 500 }, 0.5],
    [{ microseconds: 500 }, 0.000_5],
    [{ nanoseconds: 500 }, 0.000_000_5],
    [{ hours: 1, minutes: 30, seconds: -1 }, 5_399],
    [{ seconds: 0 }, 0],
  ] as [Duration, number][])('of %o is %d seconds', (duration, seconds) => {
    expect(inSeconds(duration)).toBeCloseTo(seconds, 12);
  });

  test('may be what Temporal.Duration looks like: getters of a prototype, zero units included', () => {
    class TemporalLike {
      get hours(): number {
        return 2;
      }
      get minutes(): number {
        return 0;
      }
      get sign(): number {
        return 1;
      }
    }
    expect(inSeconds(new TemporalLike())).toBe(7_200);
  });

  test('may come by the name of its parameter', () => {
    expect(inSeconds({ delay: 5 } as Duration)).toBe(5);
    expect(inSeconds({ timeout: { minutes: 1 } } as Duration, 'timeout')).toBe(60);
    expect(() => inSeconds({ delay: 5 } as Duration, 'timeout')).toThrow("no unit of time 'delay'");
    const circle: { delay?: unknown } = {};
    circle.delay = circle;
    expect(() => inSeconds(circle as Duration)).toThrow("no unit of time 'delay'");
  });

  test('of NaN is refused, by the name of the parameter', () => {
    expect(() => inSeconds(Number.NaN, 'timeout')).toThrow(ValueError);
    expect(() => inSeconds(Number.NaN, 'timeout')).toThrow('Invalid timeout: NaN');
    expect(() => inSeconds({ seconds: Number.NaN })).toThrow('Invalid delay: NaN');
  });

  test.each([
    ['text', "got 'text'"],
    [undefined, 'got undefined'],
    [null, 'got null'],
    [true, 'got true'],
    [{}, 'got <Object object>'],
    [
      { secs: 1 },
      "no unit of time 'secs'; write { seconds: … }; " +
        'expected a number of seconds or an object such as { milliseconds: 500 }, or { delay: … }; the units are days, hours,',
    ],
    [{ minutes: 1, second: 1 }, "no unit of time 'second'; write { seconds: … }"],
    [{ seconds: 1, milisecond: 5 }, "no unit of time 'milisecond'; write { milliseconds: … }"],
    [{ seconds: 1, weeks: 5 }, "no unit of time 'weeks'; expected a number of seconds"],
    [{ dealy: 1 }, "no unit of time 'dealy'; write { delay: … }"],
    [[1], 'got [1]'],
    [{ seconds: '1' }, "expected a number of seconds, got '1'"],
  ])('of %o is refused, with what would be right', (duration, problem) => {
    expect(() => inSeconds(duration as Duration)).toThrow(TypeError);
    expect(() => inSeconds(duration as Duration)).toThrow(problem);
  });
});
