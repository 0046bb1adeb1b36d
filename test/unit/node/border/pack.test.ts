import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { borders, carried, hostileProxy, refusal } from './support.ts';

const circle: Record<string, unknown> = { fine: 1 };
circle['self'] = circle;

class Point {
  x = 1;
  #secret = 2;
  get secret(): number {
    return this.#secret;
  }
}

class Sealed {
  #secret = 2;
  get secret(): number {
    return this.#secret;
  }
}

for (const border of borders) {
  describe(`a value on its way to another ${border}`, () => {
    test.each<[unknown, string | RegExp]>([
      [() => 1, ' is a function'],
      [Symbol('s'), ' is a symbol'],
      [{ a: [1, { f() {} }] }, '.a[1].f is a function'],
      [new Map([[1, { p: Promise.resolve() }]]), ': an entry of the map.p is a Promise, which cannot be cloned'],
      [[new Set([new WeakSet()])], '[0]: an item of the set is a WeakSet, which cannot be cloned'],
      [{ circle, late: new WeakMap() }, '.late is a WeakMap, which cannot be cloned'],
      [{ to: new URL('http://example.org') }, '.to is a URL, which cannot be cloned'],
      [[new Headers({ a: 'b' })], '[0] is a Headers, which cannot be cloned'],
      [new Request('http://example.org'), ' is a Request, which cannot be cloned'],
      [new Response('text'), ' is a Response, which cannot be cloned'],
      [new URLSearchParams('a=b'), ' is a URLSearchParams, which cannot be cloned'],
      [new ReadableStream(), ' is a ReadableStream, which cannot be cloned'],
      [new AbortController().signal, ' is an AbortSignal, which cannot be cloned'],
      [new Event('e'), ' is an Event, which cannot be cloned'],
      [new Intl.NumberFormat(), ' is a NumberFormat, which cannot be cloned'],
      [new Sealed(), ' is a Sealed, which cannot be cloned'],
      [new (class Own extends URL {})('http://example.org'), ' is an Own, which cannot be cloned'],
      [Object.assign(new URL('http://example.org'), { note: 1 }), ' is a URL, which cannot be cloned'],
      [[[1].values()], /^\[0\] is an (Array )?Iterator, which cannot be cloned$/],
      [(function* () {})(), ' is a Generator, which cannot be cloned'],
      [{ proxy: new Proxy({ a: 1 }, {}) }, '.proxy is a Proxy'],
      [[Object.assign([1, 2], { f() {} })], '[0].f is a function'],
      [[new Proxy([1], {})], '[0] is a Proxy'],
      [Object(Symbol('s')), ' is a symbol'],
      [new MessageChannel().port1, ' is a MessagePort, which cannot be cloned'],
    ])('is refused by name when nothing of it would arrive: %o', (value, why) => {
      expect(refusal(value, border)).toEqual(typeof why === 'string' ? why : expect.stringMatching(why));
    });

    test('is refused without asking it when it is a proxy that throws', () => {
      expect(refusal([hostileProxy()], border)).toBe('[0] is a Proxy');
      expect(refusal(hostileProxy([]), border)).toBe(' is a Proxy');
    });

    test('is refused with what a getter says that cannot be read', () => {
      const value = {
        inner: {
          get broken(): never {
            throw new Error('no');
          },
        },
      };
      expect(refusal(value, border)).toBe('.inner cannot be read: no');
    });

    test('is looked through to its end, however large or deep it is', () => {
      expect(refusal([...Array.from({ length: 100_000 }, () => ({})), () => 1], border)).toBe('[100000] is a function');
      let deep: object = { f() {} };
      for (let i = 0; i < 100_000; i++) deep = { deep };
      expect(refusal(deep, border)).toMatch(/^(\.deep){12}… is a function$/);
      let sound: object = {};
      for (let i = 0; i < 100_000; i++) sound = { sound };
      expect(refusal(sound, border)).toMatch(/cannot be cloned/);
    });

    test('may be an array of billions of holes', () => {
      const sparse: unknown[] = [];
      sparse[4_000_000_000] = 'the end';
      expect(refusal(sparse, border)).toBeNull();
      sparse[3_999_999_999] = () => 1;
      expect(refusal(sparse, border)).toBe('.3999999999 is a function');
    });

    test.each<[unknown]>([
      [1],
      [null],
      [undefined],
      ['text'],
      [-0],
      [10n],
      [circle],
      [new Uint8Array(100_000)],
      [Object(1n)],
      [{ date: new Date(0), pattern: /a/g, map: new Map([[{}, new Set([1])]]) }],
      [{ ['__proto__']: 1, nothing: undefined }],
    ])('arrives as it was: %o', (value) => {
      expect(carried(value, border)).toEqual(value);
    });

    test('arrives as its properties when it is an instance of a class of the program', () => {
      expect(carried(new Point(), border)).toEqual({ x: 1 });
      expect(carried(Object.assign(Object.create(null), { a: 1 }), border)).toEqual({ a: 1 });
    });

    test('arrives as the runtime clones it, whatever data it is', () => {
      const data = fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withSparseArray: true,
        withNullPrototype: true,
      });
      fc.assert(
        fc.property(data, (value) => {
          expect(carried(value, border)).toEqual(structuredClone(value));
        }),
      );
    });

    test('keeps one object that is in several places one object', () => {
      const shared = { error: new RangeError('r') };
      const { a, b } = carried({ a: [shared], b: new Map([[1, shared]]) }, border) as {
        a: [{ error: Error }];
        b: Map<number, object>;
      };
      expect(a[0]).toBe(b.get(1));
      expect(a[0].error).toBeInstanceOf(RangeError);
    });
  });
}

describe('what only threads can have', () => {
  test('is refused for processes', () => {
    const shared = new SharedArrayBuffer(4);
    for (const value of [shared, new Int32Array(shared)]) {
      expect(refusal(value, 'thread')).toBeNull();
      expect(refusal([value], 'process')).toBe('[0] is shared memory, which processes do not share');
    }
    expect(refusal(new Blob(['abc']), 'thread')).toBeNull();
    expect(refusal(new Blob(['abc']), 'process')).toBe(' is a Blob, which cannot be cloned');
    const transferred = new ArrayBuffer(1);
    structuredClone(transferred, { transfer: [transferred] });
    expect(refusal(transferred, 'thread')).toBe(' is an ArrayBuffer that was transferred');
  });
});
