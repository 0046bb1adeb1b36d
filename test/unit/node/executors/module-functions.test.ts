import { run, toThread, ValueError } from 'asyncio-ts';
import { type ModuleFunction, moduleFunctions } from 'asyncio-ts/node';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { failureOf, work } from './support.ts';

describe('the functions of a module', () => {
  test('have the types of the module, and no other exports', () => {
    expectTypeOf(work.fib).toEqualTypeOf<ModuleFunction<[n: number], number>>();
    expectTypeOf(work.fib(1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(work.count()).toEqualTypeOf<Promise<number>>();
    expectTypeOf<keyof typeof work>().not.toEqualTypeOf<'notAFunction'>();
    // @ts-expect-error: the argument must be a number
    expect(() => toThread(work.fib, 'a')).not.toThrow();
  });

  test('are the same each time, and show what they are', () => {
    expect(work.fib).toBe(work.fib);
    const { name, module, exportName } = work.fib;
    expect([name, exportName]).toEqual(['fib', 'fib']);
    expect(module).toBe(new URL('./work.ts', import.meta.url).href);
  });

  test('called as they are, run here', async () => {
    expect(await work.fib(10)).toBe(55);
    expect(await run(() => toThread(work.fib, 10))).toBe(55);
    const missing = moduleFunctions<{ f(): void }>('data:text/javascript,export const g = 1');
    expect(await failureOf(missing.f())).toMatchObject({
      name: 'TypeError',
      code: 'EXPORT_NOT_FOUND',
      message: 'the module data:text/javascript,export const g = 1 exports no function f, it exports no functions',
    });
    expect(await failureOf((work as never as Record<string, () => Promise<unknown>>)['fibb']!())).toMatchObject({
      code: 'EXPORT_NOT_FOUND',
      message: expect.stringMatching(/exports no function fibb, it exports .*; write fib$/),
    });
  });

  test('are no promise together', async () => {
    expect(await work).toBe(work);
  });
});

describe('the functions of a module as a value', () => {
  test('can be shown, written as JSON and compared, which calls nothing', () => {
    const functions = moduleFunctions<Record<string, () => void>>('app:work');
    expect(`${functions}`).toBe('<functions of app:work>');
    expect(JSON.stringify({ functions })).toBe('{"functions":{}}');
    expect(Number(functions)).toBeNaN();
  });
});

describe('a function of a name for other machines', () => {
  test('says that it cannot be called here, and what to do', async () => {
    const { double } = moduleFunctions<{ double(n: number): number }>('app:work');
    await expect(double(1)).rejects.toMatchObject({
      name: 'TypeError',
      code: 'NOT_AN_ADDRESS',
      message:
        'double() of app:work cannot be called here: that is a name which workers of a DistributedExecutor know, not the address of a module; ' +
        'import double from its file, or submit it to a DistributedExecutor',
      cause: expect.any(Error),
    });
  });
});

describe('the address of a module', () => {
  test('that is relative is a ValueError, which says what to write', async () => {
    const error = await failureOf(() => moduleFunctions('./work.ts'));
    expect(error).toBeInstanceOf(ValueError);
    expect(error).toMatchObject({
      code: 'RELATIVE_MODULE',
      message: expect.stringContaining("new URL('./work.ts', import.meta.url)"),
    });
  });

  test.each([42, null, undefined, {}])('that is %s is a TypeError', async (module) => {
    expect(await failureOf(() => moduleFunctions(module as never))).toBeInstanceOf(TypeError);
  });
});
