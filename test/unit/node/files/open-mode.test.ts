import { ValueError } from 'asyncio-ts';
import { describe, expect, it, test } from 'vitest';
import { parseMode } from '../../../../src/node/files/open-mode.ts';
import { thrownBy } from '../../../support/programs.ts';

describe('a mode', () => {
  test.each([
    ['r', 'r', true, false, false],
    ['r+', 'r+', true, true, false],
    ['w', 'w', false, true, false],
    ['w+', 'w+', true, true, false],
    ['x', 'wx', false, true, false],
    ['x+', 'wx+', true, true, false],
    ['a', 'a', false, true, true],
    ['a+', 'a+', true, true, true],
    ['rb', 'r', true, false, false],
    ['rb+', 'r+', true, true, false],
    ['w+b', 'w+', true, true, false],
  ])('%s opens with the flags %s', (mode, flags, readable, writable, appends) => {
    expect(parseMode('f', mode)).toEqual({ mode, flags, readable, writable, appends });
  });

  it.each(['', 'rw', 'b', 'r++', 'wx', 'toString', 'R', 'rbb'])('%o is refused, with what there is', (mode) => {
    const error = thrownBy(() => parseMode('openFile', mode)) as ValueError;
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toMatch(/^openFile: invalid mode: '.*'; it is one of r, w, x, a, r\+, w\+, x\+, a\+$/);
    expect(error.code).toBe('INVALID_MODE');
  });

  it('of text, as Python has it, is answered with how to say it here', () => {
    expect(() => parseMode('openFile', 'rt')).toThrow("for text give an encoding: { mode: 'r', encoding: 'utf-8' }");
  });

  it('that is not a string is refused', () => {
    expect(() => parseMode('openFile', 0o666)).toThrow("openFile: a mode such as 'r' is required, got 438");
  });
});
