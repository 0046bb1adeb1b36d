import { describe, expect, test } from 'vitest';
import { uncloneable } from '../../../../src/node/executors/uncloneable.ts';

describe('what keeps a value from being cloned', () => {
  const circle: Record<string, unknown> = { fine: 1 };
  circle['self'] = circle;

  test.each<[unknown, string]>([
    [() => 1, ' is a function'],
    [Symbol('s'), ' is a symbol'],
    [{ a: [1, { f() {} }] }, '.a[1].f is a function'],
    [new Map([[1, { p: Promise.resolve() }]]), '.get(…).p is a Promise'],
    [[new Set([new WeakSet()])], '[0]: one of the set is a WeakSet'],
    [{ circle, late: new WeakMap() }, '.late is a WeakMap'],
  ])('is found in %o', (value, where) => {
    expect(uncloneable(value)).toBe(where);
    expect(() => structuredClone(value)).toThrow();
  });

  test.each<[unknown]>([
    [1],
    [null],
    [undefined],
    ['text'],
    [circle],
    [new Uint8Array(100_000)],
    [new Error('e')],
    [{ date: new Date(0), pattern: /a/, map: new Map([[{}, new Set([1])]]) }],
  ])('is not seen in %o, which has nothing such', (value) => {
    expect(uncloneable(value)).toBeNull();
    expect(() => structuredClone(value)).not.toThrow();
  });

  test('is not looked for everywhere in something large', () => {
    expect(uncloneable([...Array.from({ length: 100_000 }, () => ({})), () => 1])).toBeNull();
  });

  test('is not found behind a getter that throws', () => {
    const value = {
      get broken(): never {
        throw new Error('no');
      },
    };
    expect(uncloneable(value)).toBeNull();
  });
});
