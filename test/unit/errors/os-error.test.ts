import { FileNotFoundError, OSError, PermissionError } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { osError } from '../../../src/errors/os-error.ts';

/** An error of a runtime. */
function failed(name: string, details: object = {}): Error {
  return Object.assign(new Error('it failed'), { name, ...details });
}

describe('a failure of the system', () => {
  it('has the class for its code, and the known details', () => {
    const cause = failed('Error', { code: 'EACCES', errno: -13, syscall: 'open', path: '/x' });
    const error = osError(cause, 'open /x');
    expect(error).toBeInstanceOf(PermissionError);
    expect(error).toMatchObject({ code: 'EACCES', errno: -13, syscall: 'open', path: '/x', cause });
    expect((error as Error).message).toBe('open /x: it failed');
  });

  it('is known when the runtime does not name the call', () => {
    const error = osError(failed('Error', { code: 'ENOSPC' }));
    expect(error).toBeInstanceOf(OSError);
    expect(error).toMatchObject({ name: 'OSError', code: 'ENOSPC' });
    expect('syscall' in (error as object)).toBe(false);
  });

  it('is known by the names that Deno has for them, when it has no code', () => {
    const error = osError(failed('NotFound'));
    expect(error).toBeInstanceOf(FileNotFoundError);
    expect(error).toMatchObject({ code: 'ENOENT' });
    expect(osError(failed('AddrInUse'))).toMatchObject({ code: 'EADDRINUSE' });
  });

  it('is nothing that only looks like it', () => {
    for (const other of [
      failed('TypeError', { code: 'ERR_INVALID_ARG_TYPE' }),
      failed('Error', { code: 5 }),
      failed('toString'),
      failed('Error'),
      new OSError('known', { code: 'EIO' }),
      'EIO',
      null,
    ])
      expect(osError(other)).toBe(other);
  });
});
