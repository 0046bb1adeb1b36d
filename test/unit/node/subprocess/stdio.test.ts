import { ValueError } from 'asyncio-ts';
import { DEVNULL, PIPE, STDOUT, type Stdio } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { channelsOf } from '../../../../src/node/subprocess/stdio.ts';
import { expectThrown } from '../../../support/mistakes.ts';

describe('the targets of the streams of a process', () => {
  it('is said in three different values that are equal to nothing else', () => {
    expect(new Set([PIPE, STDOUT, DEVNULL]).size).toBe(3);
    expect(String(PIPE)).toContain('PIPE');
  });

  it('is the given one, or the default', () => {
    const usual = channelsOf('f', {}, null);
    expect(usual).toEqual({ stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' });
    expect(channelsOf('f', {}, PIPE)).toEqual({ stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
    const said = channelsOf('f', { stdin: DEVNULL, stdout: 5, stderr: { fd: 6 } }, PIPE);
    expect(said).toEqual({ stdin: 'ignore', stdout: 5, stderr: 6 });
    expect(channelsOf('f', { stdin: null }, PIPE).stdin).toBe('inherit');
  });

  it.each([
    [PIPE, 'merged'],
    [DEVNULL, 'ignore'],
    [null, 1],
    [7, 7],
  ])('is for STDOUT the place where the standard output goes: %s', (stdout, stderr) => {
    expect(channelsOf('f', { stdout: stdout as Stdio, stderr: STDOUT }, null).stderr).toBe(stderr);
  });

  it('cannot be anything else', () => {
    const wrong = { type: TypeError, code: 'INVALID_STDIO' };
    const check = (stdio: unknown) => () => channelsOf('f', { stdin: stdio as never }, null);
    expectThrown(check('pipe'), { ...wrong, says: ['f: stdin', "got 'pipe'", 'write PIPE'] });
    expectThrown(check('ignore'), { ...wrong, says: ['write DEVNULL'] });
    expectThrown(check('inherit'), { ...wrong, says: ['write null'] });
    expectThrown(check('file.txt'), { ...wrong, says: ["got 'file.txt'"] });
    expectThrown(check(true), { ...wrong, says: ['got true'] });
    expectThrown(check({ fd: null }), { ...wrong, says: ['<Object object>'] });
    for (const fd of [-1, 1.5, Number.NaN])
      expectThrown(check(fd), { type: ValueError, code: 'INVALID_STDIO', says: [`${fd} is not a file descriptor`] });
    expectThrown(check(STDOUT), { type: ValueError, code: 'INVALID_STDIO', says: ['only stderr can'] });
    expectThrown(() => channelsOf('f', { stdout: STDOUT as never }, null), {
      type: ValueError,
      code: 'INVALID_STDIO',
      says: ['f: stdout cannot be STDOUT'],
    });
  });
});
