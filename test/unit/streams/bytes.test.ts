import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { asBytes } from '../../../src/streams/bytes.ts';
import { bytes } from './support.ts';

describe('data that is written', () => {
  it('may be bytes of another realm', () => {
    const foreign: unknown = runInNewContext('new Uint8Array([1, 2])');
    expect(asBytes('write', foreign)).toBe(foreign);
  });

  it('may be a string, which becomes UTF-8', () => {
    expect(asBytes('write', 'a')).toEqual(bytes('a'));
  });

  it.each([null, 7, new DataView(new ArrayBuffer(1)), new Float64Array(1)])('cannot be %o', (wrong) => {
    expect(() => asBytes('write', wrong)).toThrow('write: a Uint8Array or a string is required');
  });
});
