import { ValueError } from 'asyncio-ts';
import { describe, expect, it } from 'vitest';
import { checkBytes } from '../../../src/streams/bytes.ts';
import { checkWellFormed, decoderOf } from '../../../src/streams/text.ts';
import { expectThrown } from '../../support/mistakes.ts';
import { failure, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { fed, rest } from './support.ts';

const MARK = '\ufeff';
const utf8 = (text: string) => new TextEncoder().encode(text);

describe('a decoder', () => {
  it('keeps byte order marks, in every encoding that has them', () => {
    expect(decoderOf('f', {}).decode(utf8(`${MARK}a${MARK}`))).toBe(`${MARK}a${MARK}`);
    expect(decoderOf('f', { encoding: 'utf-16le' }).decode(Uint8Array.of(0xff, 0xfe, 0x61, 0))).toBe(`${MARK}a`);
    expect(decoderOf('f', { encoding: 'utf-16be' }).decode(Uint8Array.of(0xfe, 0xff, 0, 0x61))).toBe(`${MARK}a`);
  });

  it('fails on bytes that are not text, or replaces them when it is asked to', () => {
    const wrong = Uint8Array.of(0x61, 0xff);
    const says = ["f: 'utf-8' codec can't decode", "errors: 'replace'"];
    expectThrown(() => decoderOf('f', {}).decode(wrong), { type: ValueError, code: 'INVALID_ENCODING', says });
    expect(decoderOf('f', { errors: 'replace' }).decode(wrong)).toBe('a\ufffd');
    expect(decoderOf('f', {}).decode(utf8('ok'))).toBe('ok'); // the failure before leaves no trace
  });

  it('knows latin1 as Python does, where each byte is the character of its number', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const encoding of ['latin1', 'latin-1', 'ISO-8859-1', 'iso8859-1']) {
      const text = decoderOf('f', { encoding }).decode(bytes);
      expect(Array.from(text, (character) => character.charCodeAt(0))).toEqual([...bytes]);
    }
    expect(decoderOf('f', { encoding: 'windows-1252' }).decode(Uint8Array.of(0x80))).toBe('€');
    expect(decoderOf('f', { encoding: 'latin1' }).decode(new Uint8Array(20_000)).length).toBe(20_000);
  });

  it('is refused for an encoding that is unknown or no string, and for other words about errors', () => {
    expect(() => decoderOf('f', { encoding: 'nonsense' })).toThrow(RangeError);
    expect(() => decoderOf('f', { encoding: 'utf9' })).toThrow(
      "f: unknown encoding 'utf9'; one that TextDecoder knows is required",
    );
    expect(() => decoderOf('f', { encoding: 8 as never })).toThrow(
      "f: encoding must be a string such as 'utf-8', got 8",
    );
    expect(() => decoderOf('f', { errors: 'ignore' as never })).toThrow("errors must be 'strict' or 'replace'");
  });
});

describe('half of a surrogate pair', () => {
  it('is not text, at any position', () => {
    for (const [text, at] of [
      ['\ud83d', 0],
      ['ab\ude00', 2],
      ['\u{1f600}\ud83d!', 2],
      ['\ud83d\ud83d\ude00', 0],
    ] as const) {
      const says = [
        `f: 'utf-8' codec can't encode character '\\u${text.charCodeAt(at).toString(16)}' in position ${at}`,
      ];
      expectThrown(() => checkWellFormed('f', text), { type: ValueError, code: 'INVALID_ENCODING', says });
      expectThrown(() => checkBytes('f', text), { type: ValueError, code: 'INVALID_ENCODING', says });
    }
    for (const text of ['', 'plain', '\u{1f600}', '\ufffd']) expect(() => checkWellFormed('f', text)).not.toThrow();
  });

  it('is found in runtimes whose strings have no check for it', () => {
    const old = (text: string) => Object.assign(Object(text) as string, { isWellFormed: undefined });
    expect(() => checkWellFormed('f', old('a\ud83d'))).toThrow(ValueError);
    expect(() => checkWellFormed('f', old('a\u{1f600}'))).not.toThrow();
  });
});

describeBoth('what a reader gives as text', (s) => {
  it(
    'are lines with everything that is in them',
    program(s, function* () {
      const reader = fed([]);
      reader.feedData(utf8(`${MARK}one\n${MARK}two\n`));
      reader.feedEof();
      const lines = reader.lines({ keepEnds: true });
      const first = yield* s.wait(lines.next());
      const second = yield* s.wait(lines.next());
      expect([first.value, second.value]).toEqual([`${MARK}one\n`, `${MARK}two\n`]);
    }),
  );

  it(
    'is a line, what comes before a separator, or all of it',
    program(s, function* () {
      const reader = fed([]);
      reader.feedData(utf8('grün\nblau\r\nrot;gelb'));
      reader.feedEof();
      expect(yield* s.wait(reader.readline({ encoding: 'utf8' }))).toBe('grün\n');
      expect(yield* s.wait(reader.readuntil('\r\n', { encoding: 'utf-8' }))).toBe('blau\r\n');
      expect(yield* s.wait(reader.readuntil({ separator: [';', ','], encoding: 'utf-8' }))).toBe('rot;');
      expect(yield* s.wait(reader.read({ encoding: 'utf-8' }))).toBe('gelb');
      expect(yield* s.wait(reader.readline({ encoding: 'utf-8' }))).toBe('');
    }),
  );

  it(
    'stays bytes without an encoding',
    program(s, function* () {
      const reader = fed(['one\ntwo\nthree']);
      reader.feedEof();
      expect(yield* s.wait(reader.readline({}))).toEqual(utf8('one\n'));
      expect(yield* s.wait(reader.readuntil({}))).toEqual(utf8('two\n'));
      expect(yield* s.wait(reader.read({ n: 2 }))).toEqual(utf8('th'));
      expect(yield* s.wait(reader.read({ n: -1 }))).toEqual(utf8('ree'));
    }),
  );

  it(
    'fails where the bytes are none, and goes on behind them',
    program(s, function* () {
      const reader = fed(['a\xff\nb\n', 'c\xff\n', 'd\n', 'e\xff\nf']);
      reader.feedEof();
      const wrong = { name: 'ValueError', code: 'INVALID_ENCODING' };
      expect(yield* failure(s, reader.readline({ encoding: 'utf-8' }))).toMatchObject(wrong);
      expect(yield* s.wait(reader.readline({ encoding: 'utf-8' }))).toBe('b\n');
      expect(yield* failure(s, reader.lines().next())).toMatchObject(wrong);
      expect((yield* s.wait(reader.lines().next())).value).toBe('d');
      const { value } = yield* s.wait(reader.lines({ errors: 'replace' }).next());
      expect(value).toBe('e\ufffd');
      expect(rest(reader)).toBe('f');
    }),
  );

  it(
    'is refused at once in a wrong form, and the error says the right one',
    program(s, function* () {
      const reader = fed(['one\n']);
      const wrongs: readonly [() => unknown, string][] = [
        [() => reader.readline('utf8' as never), 'write readline({ encoding: "utf-8" })'],
        [() => reader.readuntil('\n', 'utf8' as never), 'write readuntil('],
        [() => reader.lines('latin1' as never), "write lines({ encoding: 'latin1' })"],
        [() => reader.read('utf8' as never), 'write read(100), read() or read({ encoding: "utf-8" })'],
        [() => reader.read({ size: 5 } as never), 'write read(100)'],
        [() => reader.readexactly({ n: 5 } as never), 'write readexactly(100)'],
      ];
      for (const [call, says] of wrongs)
        expectThrown(call, { type: TypeError, code: 'INVALID_ARGUMENT', says: [says] });
      expect(() => reader.read({ n: 5, encoding: 'utf-8' })).toThrow('5 bytes may end inside a character');
      expect(() => reader.readline({ encoding: 'nonsense' })).toThrow(RangeError);
      expect(yield* s.wait(reader.readline({ encoding: 'utf-8' }))).toBe('one\n'); // nothing was taken
    }),
  );
});
