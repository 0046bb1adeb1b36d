import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeFunction, nameOfClass, quote, describe as show } from '../../../src/internal/describe.ts';

describe('a value in a message', () => {
  class Point {}
  class Named {
    toString(): string {
      return '<Named one>';
    }
  }
  function* generator() {}

  test.each<[value: unknown, picture: string]>([
    [42, '42'],
    [true, 'true'],
    [10n, '10'],
    [Symbol('s'), 'Symbol(s)'],
    [undefined, 'undefined'],
    [null, 'null'],
    ['text', "'text'"],
    [function save() {}, 'save()'],
    [() => {}, '<anonymous>()'],
    [class Thing {}, 'Thing()'],
    [[], '[]'],
    [[1, 'two', [3]], "[1, 'two', [3]]"],
    [[1, 2, 3, 4, 5, 6, 7], '[1, 2, 3, 4, 5, 6, ...]'],
    [new RangeError('no'), "RangeError('no')"],
    [new Error(), 'Error()'],
    [{}, '<Object object>'],
    [Object.create(null), '<object>'],
    [new Point(), '<Point object>'],
    [new Named(), '<Named one>'],
    [Promise.resolve(), '<promise>'],
    [generator(), '<generator object>'],
    [{ toString: () => runInNewContext('throw 1') }, '<object>'],
  ])('%o is shown as %s', (value, picture) => {
    expect(show(value)).toBe(picture);
  });

  test('is one line, whatever it is', () => {
    const lineBreak = /[\n\r]/;
    const values = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true });
    fc.assert(fc.property(values, (value) => !lineBreak.test(show(value))));
    for (const value of ['two\nlines', new Error('two\nlines'), { toString: () => 'two\nlines' }, ['two\nlines']]) {
      expect(show(value)).not.toMatch(lineBreak);
    }
  });

  test('is short, whatever it is', () => {
    expect(show('x'.repeat(1_000))).toBe(`'${'x'.repeat(57)}...'`);
    expect(show([['x'.repeat(100)], 'y'.repeat(100)])).toHaveLength(60);
  });

  test('may be an array that holds itself', () => {
    const array: unknown[] = [];
    array.push(array);
    expect(show(array)).toBeTypeOf('string');
  });
});

describe('the name of a class', () => {
  test('is that of the constructor, as far as there is one', () => {
    expect(nameOfClass(new Map())).toBe('Map');
    expect(nameOfClass(Object.create(null))).toBe('Object');
    expect(nameOfClass(new (class {})())).toBe('Object');
    expect(nameOfClass({ constructor: 'text' })).toBe('Object');
  });
});

describe('a function in a message', () => {
  test('is shown as a call', () => {
    expect(describeFunction(async function load() {})).toBe('load()');
    expect(describeFunction('no function')).toBe('<anonymous>()');
  });
});

describe('a string in a message', () => {
  test.each([
    ['plain', "'plain'"],
    ["it's", '"it\'s"'],
    ['"quoted"', `'"quoted"'`],
    [`it's "both"`, `'it\\'s "both"'`],
  ])('%s has quotes that it does not hold itself, as in Python', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });
});
