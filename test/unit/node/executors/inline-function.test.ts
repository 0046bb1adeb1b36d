import { describe, expect, test } from 'vitest';
import { inlineWork } from '../../../../src/node/executors/inline-function.ts';
import { failureOf, newPool } from './support.ts';

type AnyFunction = (...args: never[]) => unknown;

/** Runs a function as a worker would: from its text alone. */
function fromText(fn: AnyFunction): AnyFunction {
  const { expression } = inlineWork(fn);
  return new Function(`'use strict'; return (${expression}\n);`)();
}

describe('the text of a function', () => {
  const named = 'computed';
  class Shape {
    readonly sides = 4;
    static double(n: number) {
      return n * 2;
    }
  }
  const object = {
    method(n: number) {
      return ['this', n].join(', '); // super
    },
    async asyncMethod(n: number) {
      return n;
    },
    [named](n: number) {
      return n;
    },
    arrow: (n: number) => n, // a comment at the end
  };

  test.each<[string, AnyFunction, unknown]>([
    ['an arrow function', (n: number) => n + 1, 2],
    [
      'a function',
      function add(n: number) {
        return n + 1;
      },
      2,
    ],
    ['a method', object.method, 'this, 1'],
    ['a static method', Shape.double, 2],
    ['a function in an object', object.arrow, 1],
  ])('is taken of %s', (_what, fn, expected) => {
    expect(fromText(fn)(1 as never)).toBe(expected);
  });

  test('is taken of async functions and methods', async () => {
    expect(await fromText(async (n: number) => n)(1 as never)).toBe(1);
    expect(await fromText(object.asyncMethod)(1 as never)).toBe(1);
  });

  test.each<[string, AnyFunction, string, RegExp]>([
    ['a native function', Math.max, 'FUNCTION_WITHOUT_SOURCE', /^max\(\) cannot be sent .*native or bound/],
    ['a bound function', object.method.bind(object), 'FUNCTION_WITHOUT_SOURCE', /^bound method\(\)/],
    ['a class', class A {} as never, 'NOT_CALLABLE', /it is a class/],
    ['a generator function', function* steps() {}, 'GENERATOR_FUNCTION', /^steps\(\) .*generator/],
    ['an async generator function', async function* steps() {}, 'GENERATOR_FUNCTION', /generator/],
    [
      'a method that uses its object',
      {
        size: 1,
        double() {
          return this.size * 2;
        },
      }.double,
      'METHOD_WITH_THIS',
      /^double\(\) .*uses its object/,
    ],
    [
      'a method that uses what its object inherits',
      {
        text() {
          return super.toString();
        },
      }.text,
      'METHOD_WITH_THIS',
      /super/,
    ],
    [
      'a private method',
      new (class {
        #secret() {}
        get = () => this.#secret;
      })().get(),
      'FUNCTION_WITHOUT_SOURCE',
      /not a complete function/,
    ],
  ])('is refused of %s', async (_what, fn, code, message) => {
    const error = await failureOf(() => newPool('threads').submit(fn as () => void));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((error as Error).message).toContain('moduleFunctions()');
  });
});
