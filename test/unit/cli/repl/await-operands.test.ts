import { describe, expect, test } from 'vitest';
import { wrapAwaits } from '../../../../src/cli/repl/await-operands.ts';

const wrap = (code: string) => wrapAwaits(code, 'W');

describe('the operand of an await is wrapped', () => {
  test.each([
    ['await x', 'await W(x)'],
    ['await f(1, (2))', 'await W(f(1, (2)))'],
    ['const y = (await g(1)) + await g(2)', 'const y = (await W(g(1))) + await W(g(2))'],
    ['await a.b?.c[d](e)`f`.g;h', 'await W(a.b?.c[d](e)`f`.g);h'],
    ['await a?.(b)?.[c]', 'await W(a?.(b)?.[c])'],
    ['await new Foo(1).bar', 'await W(new Foo(1).bar)'],
    ['await (await f()).g()', 'await W((await W(f())).g())'],
    ['await await x', 'await W(await W(x))'],
    ['await f(await g(await h))', 'await W(f(await W(g(await W(h)))))'],
    ['await [1, 2]', 'await W([1, 2])'],
    ['await { a: 1 }', 'await W({ a: 1 })'],
    ['await !x', 'await W(!x)'],
    ['await a && b', 'await W(a) && b'],
    ['await a ? b : c', 'await W(a) ? b : c'],
    ['x = await /[/)]a(/.exec(y)', 'x = await W(/[/)]a(/.exec(y))'],
    ['await f\n(x)', 'await W(f\n(x))'],
    ['await f // then\nawait g /* then */', 'await W(f) // then\nawait W(g) /* then */'],
    ['await function f() { return 1 }()', 'await W(function f() { return 1 }())'],
    ['await (async () => { await x })()', 'await W((async () => { await W(x) })())'],
    ['`a ${await b(`${await c}`)} d`', '`a ${await W(b(`${await W(c)}`))} d`'],
    ['await `a`', 'await W(`a`)'],
    ['await `${await a}`', 'await W(`${await W(a)}`)'],
    ["await 'x'.then", "await W('x'.then)"],
    ['await using x = await y', 'await using x = await W(y)'],
  ])('%s', (code, expected) => {
    expect(wrap(code)).toBe(expected);
  });

  test.each([
    'a.await',
    'a.await(b)',
    '({ await: 1 })',
    'for await (const x of y) z(x)',
    '"await x"',
    "'await x'",
    '`await x`',
    '/await x/',
    '// await x',
    '/* await x */',
    'awaited(x)',
    'a / b / await_',
    'const awaits = 1',
    'await',
    'await (',
    'await f(',
    'const s = "await x',
    '`${await x',
    'await ]',
  ])('%s is left as it is', (code) => {
    expect(wrap(code)).toBe(code);
  });
});
