import { ValueError } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { CONCURRENCY, checkWholeNumber } from '../../../src/internal/whole-number.ts';
import { thrownBy } from '../../support/programs.ts';

describe('a whole number', () => {
  test('comes back when it is within its bounds', () => {
    expect(checkWholeNumber('f: n', 0, { least: 0 })).toBe(0);
    expect(checkWholeNumber('f: n', 7, { least: 1, most: 7 })).toBe(7);
    expect(checkWholeNumber('f: n', Number.POSITIVE_INFINITY, CONCURRENCY)).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    [-1, { least: 0 }, 'f: n must be a whole number of at least 0, got -1'],
    [0.5, { least: 0 }, 'f: n must be a whole number of at least 0, got 0.5'],
    [Number.NaN, { least: 0 }, 'f: n must be a whole number of at least 0, got NaN'],
    [Number.POSITIVE_INFINITY, { least: 0 }, 'f: n must be a whole number of at least 0, got Infinity'],
    [8, { least: 1, most: 7 }, 'f: n must be a whole number from 1 to 7, got 8'],
    [0, CONCURRENCY, 'f: n must be a whole number of at least 1, or Infinity, got 0'],
  ])('is none that is outside of them, or a fraction: %d', (value, rule, message) => {
    const error = thrownBy(() => checkWholeNumber('f: n', value, rule));
    expect(error).toBeInstanceOf(ValueError);
    expect(error).toMatchObject({ message, code: 'INVALID_COUNT' });
    expect(thrownBy(() => checkWholeNumber('f: n', value, { ...rule, code: 'INVALID_PORT' }))).toMatchObject({
      code: 'INVALID_PORT',
    });
  });

  test.each(['3', null, undefined, 3n, {}])('is refused if it is not a number: %o', (value) => {
    expect(() => checkWholeNumber('f: n', value, { least: 0 })).toThrow('f: n must be a number, got ');
    expect(() => checkWholeNumber('f: n', value, CONCURRENCY)).toThrow('f: n must be a number of tasks, got ');
    expect(() => checkWholeNumber('f: n', value, CONCURRENCY)).toThrow(TypeError);
  });
});
