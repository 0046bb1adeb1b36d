import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../src/distributed/codec.ts';
import { pack, unpack } from '../../../src/node/border/index.ts';

/** As a value travels: to text and back. */
function sent(value: unknown): unknown {
  const packing = pack(value, 'process');
  if ('problem' in packing) throw new Error(packing.problem.what);
  return unpack(decode(JSON.parse(JSON.stringify(encode(packing.packed)))));
}

describe('values on their way to other machines', () => {
  it('arrive as they were, whatever JSON has', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(sent(value)).toEqual(value);
      }),
    );
  });

  it('arrive as they were, with all that structuredClone has besides', () => {
    const parts = fc.anything({
      ...{
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withSparseArray: true,
      },
    });
    fc.assert(
      fc.property(parts, (value) => {
        expect(sent(value)).toEqual(structuredClone(value));
      }),
    );
  });

  it('are plain JSON when JSON can say them, so that people can read the store', () => {
    expect(encode({ value: ['a.png', 200, { deep: [null, true] }] })).toEqual({
      p: ['a.png', 200, { deep: [null, true] }],
    });
  });

  it('keep who refers to whom, circles included', () => {
    const shared = { n: 1 };
    const value: Record<string, unknown> = { a: shared, b: [shared, shared] };
    value['self'] = value;
    const back = sent(value) as { a: object; b: object[]; self: unknown };
    expect(back.b[0]).toBe(back.a);
    expect(back.b[1]).toBe(back.a);
    expect(back.self).toBe(back);
  });

  it('keep keys that assignment would misunderstand', () => {
    const value = JSON.parse('{"__proto__": {"x": 1}, "n": null}') as object;
    for (const given of [value, { inner: value, undefined }]) {
      const back = sent(given);
      expect(Object.keys(back as object)).toEqual(Object.keys(given));
      expect(({} as { x?: unknown }).x).toBeUndefined();
    }
  });

  it('may be deeper than the stack', () => {
    let value: unknown[] = [];
    for (let depth = 0; depth < 20_000; depth++) value = [value];
    let back = decode(encode({ value })).value as unknown[];
    let depth = 0;
    for (; back.length > 0; depth++) back = back[0] as unknown[];
    expect(depth).toBe(20_000);
  });

  it('take memory for what is in an array, not for its length', () => {
    const sparse: unknown[] = [];
    sparse[4_000_000_000] = 'end';
    const coded = encode({ value: sparse });
    expect(JSON.stringify(coded).length).toBeLessThan(100);
    const back = decode(coded).value as unknown[];
    expect(back.length).toBe(4_000_000_001);
    expect(back[4_000_000_000]).toBe('end');
  });

  it('that are of another format are refused', () => {
    for (const text of ['{}', 'null', '{"g":[["?"]]}', '{"g":[["a",7]]}', '{"g":[["y","Nothing",""]]}']) {
      expect(() => decode(JSON.parse(text))).toThrow(TypeError);
    }
  });
});
