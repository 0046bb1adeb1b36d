import { ValueError } from 'asyncio-ts';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { codecOf } from '../../../../src/node/files/codec.ts';
import { checkPath } from '../../../../src/node/files/file-path.ts';
import { thrownBy } from '../../../support/programs.ts';
import { bytes, text } from './support.ts';

describe('bytes', () => {
  const codec = codecOf('f', {});

  it('are not changed, and strings become UTF-8', () => {
    const data = bytes('ö');
    expect(codec.encoding).toBe(null);
    expect(codec.decode(data)).toBe(data);
    expect(codec.encode('write', data)).toBe(data);
    expect(text(codec.encode('write', 'ö€'))).toBe('ö€');
  });

  it.each([3, null, [1], new ArrayBuffer(1)])('%o is not an encoding', (data) => {
    expect(() => codec.encode('write', data)).toThrow('write: a Uint8Array or a string is required');
  });
});

describe('UTF-8', () => {
  const codec = codecOf('f', { encoding: 'utf8' });

  it('is what both of its names mean', () => {
    expect(codec.encoding).toBe('utf-8');
    expect(codecOf('f', { encoding: 'utf-8' }).encoding).toBe('utf-8');
  });

  it('keeps byte order marks, as Python does', () => {
    expect(codec.decode(bytes('\ufeffa'))).toBe('\ufeffa');
  });

  it('refuses bytes that are not text, or shows where they were', () => {
    const wrong = Uint8Array.of(0x61, 0xff, 0x62);
    const error = thrownBy(() => codec.decode(wrong)) as ValueError;
    expect(error).toBeInstanceOf(ValueError);
    expect([error.code, error.message]).toEqual([
      'INVALID_ENCODING',
      "'utf-8' codec can't decode the bytes read: they are not valid UTF-8",
    ]);
    expect(codecOf('f', { encoding: 'utf-8', errors: 'replace' }).decode(wrong)).toBe('a\ufffdb');
  });

  it('takes strings only', () => {
    expect(() => codec.encode('write', bytes('a'))).toThrow('write: the file is text, so a string is required');
  });

  test('the size of a number of characters is that of their bytes', () => {
    const characters = fc.array(fc.constantFrom('a', 'ö', '€', '😀', '\n'), { maxLength: 12 });
    fc.assert(
      fc.property(characters, fc.nat(12), (all, count) => {
        const data = bytes(all.join(''));
        const size = codec.sizeOf!(data, count);
        if (count <= all.length) expect(size).toBe(bytes(all.slice(0, count).join('')).length);
        else expect(size).toBe(all.length - count);
      }),
    );
  });

  test('a last character that is cut is missing', () => {
    const data = bytes('a😀');
    for (let cut = 2; cut < 5; cut++) expect(codec.sizeOf!(data.subarray(0, cut), 2)).toBe(-1);
    expect(codec.sizeOf!(data, 2)).toBe(5);
    expect(codec.sizeOf!(new Uint8Array(0), 1)).toBe(-1);
  });
});

describe('latin1', () => {
  const codec = codecOf('f', { encoding: 'latin1' });

  it('has a character for every byte', () => {
    const all = Uint8Array.from({ length: 256 }, (_, code) => code);
    const decoded = codec.decode(all) as string;
    expect([...decoded].map((character) => character.codePointAt(0))).toEqual([...all]);
    expect(codec.encode('write', decoded)).toEqual(all);
  });

  it('has no others', () => {
    expect(() => codec.encode('write', 'a€')).toThrow("write: 'latin1' codec can't encode character '€' in position 1");
  });
});

describe('options', () => {
  it.each(['utf-16', 'UTF-8', '', null])('with the encoding %o are refused', (encoding) => {
    const error = thrownBy(() => codecOf('openFile', { encoding: encoding as 'utf-8' })) as ValueError;
    expect(error.message).toMatch(/^openFile: unknown encoding: .*; it is 'utf-8' or 'latin1'$/);
    expect(error.code).toBe('UNKNOWN_ENCODING');
  });

  it('with unknown ways of error handling are refused', () => {
    expect(() => codecOf('openFile', { encoding: 'utf-8', errors: 'ignore' as 'strict' })).toThrow(
      "openFile: errors must be 'strict' or 'replace', got 'ignore'",
    );
  });
});

describe('a character that is not in the encoding', () => {
  const half = 'smile \ud83d';

  it('is an error at once: half of a surrogate pair is not in UTF-8', () => {
    for (const options of [{}, { encoding: 'utf-8' }] as const) {
      const write = () => codecOf('f', options).encode('write', half);
      expect(write).toThrow("write: 'utf-8' codec can't encode character '\\ud83d' in position 6");
    }
    expect(() => codecOf('f', { encoding: 'latin1' }).encode('write', 'a€')).toThrow("'latin1' codec can't encode");
  });

  it('is replaced when it is asked to, by what decoders put, or as Python does in latin1', () => {
    const utf8 = codecOf('f', { encoding: 'utf-8', errors: 'replace' });
    expect(utf8.decode(utf8.encode('write', half))).toBe('smile \ufffd');
    const latin1 = codecOf('f', { encoding: 'latin1', errors: 'replace' });
    expect(latin1.decode(latin1.encode('write', 'ä€\u{1f600}!'))).toBe('ä??!');
  });

  it('is not part of a path', () => {
    expect(() => checkPath('openFile', '/tmp/\ud83d')).toThrow("openFile: the path: 'utf-8' codec can't encode");
  });
});

describe('wrong options', () => {
  it('are refused, and the error says the right form', () => {
    expect(() => codecOf('readFile', 'latin1' as never)).toThrow(
      "readFile: options are one object, got 'latin1'; write { encoding: 'latin1' }",
    );
    expect(() => codecOf('readFile', null as never)).toThrow("write { encoding: 'utf-8' }");
  });
});
