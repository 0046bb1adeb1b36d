import { CancelledError, KeyboardInterrupt, rethrowIfCancelled, SystemExit, TimeoutError } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { bothSpellings } from '../../support/spellings.ts';

describe('rethrowIfCancelled', () => {
  test.each([
    new CancelledError('enough'),
    new KeyboardInterrupt(),
    new SystemExit(3),
  ])('throws %o on, the same object', (error) => {
    let thrown: unknown;
    try {
      rethrowIfCancelled(error);
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBe(error);
  });

  test.each([
    new TimeoutError('late'),
    new Error('CancelledError'),
    'CancelledError',
    null,
    undefined,
  ])('lets %o be handled', (error) => {
    expect(rethrowIfCancelled(error)).toBeUndefined();
  });
});
