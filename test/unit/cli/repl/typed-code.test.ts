import { describe, expect, test } from 'vitest';
import { isAssignment, prepare } from '../../../../src/cli/repl/typed-code.ts';

describe('typed code', () => {
  test('is run as it is where it awaits nothing', () => {
    for (const code of ['1 + 1\n', '{ a: 1 }\n', 'const x = 5\n', 'function f() {\n'])
      expect(prepare(code, 'W')).toBe(code);
  });

  test('awaits through the function', () => {
    expect(prepare('const x = await f()\n', 'W')).toBe('const x = await W(f())\n');
  });

  test('may have types', () => {
    expect(prepare('const x: number = await f<string>(1)\n', 'W').replaceAll(/ +/g, ' ')).toBe(
      'const x = await W(f (1))\n',
    );
  });

  test('is run as it was typed where it is wrong, so that the message is about that', () => {
    expect(prepare('await f( ]\n', 'W')).toBe('await f( ]\n');
  });
});

test('an assignment is told from a value', () => {
  for (const code of ['x = f()', 'a.b = f()', 'a["b"] = f()', 'x ??= f()', 'x += 1'])
    expect(isAssignment(code)).toBe(true);
  for (const code of ['f()', 'x == y', 'x === y', 'x => y', 'f(x = 1)', 'a.b']) expect(isAssignment(code)).toBe(false);
});
