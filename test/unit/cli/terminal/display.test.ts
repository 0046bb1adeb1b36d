import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutTo, pad, safeJson, safeText, widthOf } from '../../../../src/cli/terminal/display.ts';

/** What a terminal may obey, or show in another order than it was written. */
const DANGEROUS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** Any characters, those of the first pages, where the controls are, more often. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xff }),
      fc.integer({ min: 0x2000, max: 0x20ff }),
      fc.integer({ min: 0, max: 0x10ffff }),
    ),
  )
  .map((codes) => String.fromCodePoint(...codes).toWellFormed());

describe('text of a program in a terminal', () => {
  test.each([
    ['\x1b[2J', '\\x1b[2J'],
    ['\x1b]0;title\x07', '\\x1b]0;title\\x07'],
    ['\x9b31m', '\\x9b31m'],
    ['a\r\nb\tc\0', 'a\\x0d\\nb\\x09c\\x00'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['\u2066a\u2069\u200f', '\\u2066a\\u2069\\u200f'],
    ['\u{e0041}', '\\u{e0041}'],
    ['lone \ud800', 'lone \ufffd'],
    ['名前 é 👩‍👩‍👧', '名前 é 👩‍👩‍👧'],
  ])('%j is shown as %j', (text, shown) => {
    expect(safeText(text)).toBe(shown);
  });

  test('has nothing that a terminal obeys, whatever the text is', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(DANGEROUS.test(safeText(text))).toBe(false);
      }),
    );
  });

  test('is the same value in JSON, without what a terminal obeys', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const json = safeJson({ text });
        expect(JSON.parse(json)).toEqual({ text });
        expect(DANGEROUS.test(json.replaceAll('\n', ''))).toBe(false);
      }),
    );
  });
});

describe('the width of a text', () => {
  test.each([
    ['abc', 3],
    ['', 0],
    ['名前', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['👍', 2],
    ['👩‍👩‍👧', 2],
    ['한글', 4],
    ['ｆｕｌｌ', 8],
    ['─┌', 2],
  ])('of %j is %j', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  test('is never more than what it is cut to, and exactly what it is filled up to', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 20 }), (text, columns) => {
        expect(widthOf(cutTo(text, columns))).toBeLessThanOrEqual(columns);
        expect(widthOf(pad(text, columns))).toBe(columns);
      }),
    );
  });

  test('leaves a text as it is that has room, and marks one that has not', () => {
    expect(cutTo('abc', 3)).toBe('abc');
    expect(cutTo('abcd', 3)).toBe('ab…');
    expect(cutTo('名前', 3)).toBe('名…');
  });

  test('is not counted through a text of millions of characters that is cut', () => {
    const began = process.cpuUsage();
    for (let i = 0; i < 100; i++) cutTo('名'.repeat(1_000_000), 10);
    expect(process.cpuUsage(began).user).toBeLessThan(2_000_000);
  });
});

test('arrows, crosses and dots take one column, and a mark after them none', () => {
  expect(['main() → load()', '3 × save()', 'acq…', '→\u0301', '名→'].map(widthOf)).toEqual([15, 10, 4, 1, 3]);
  expect(cutTo('main() → load()', 9)).toBe('main() →…');
});
