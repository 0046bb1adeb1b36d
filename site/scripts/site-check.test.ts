import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Assets,
  deadLinks,
  internalNames,
  missingExamples,
  missingNames,
  placeholders,
  weightOf,
} from './lib/site-check.ts';

const files = new Map([
  ['site.css', 'body{}'.repeat(100)],
  ['a.js', 'import"./b.js";'],
  ['b.js', Array.from({ length: 4_000 }, (_, number) => Math.sin(number)).join()],
]);
const assets: Assets = {
  has: (path) => files.has(path),
  read: (path) => Buffer.from(files.get(path) ?? ''),
};
const page = (path: string, html: string) => ({ path, html });

test('a link to a page, a heading or a file that exists is no problem', () => {
  const pages = [
    page(
      '',
      '<a href="/base/one/#two">x</a><link rel="stylesheet" href="/base/site.css"><a href="https://example.com">y</a>',
    ),
    page('one/', '<h2 id="two">Two</h2><a class="x" href="#two">here</a><a href="/base/one/#code=abc">run</a>'),
  ];
  assert.deepEqual(deadLinks(pages, '/base', assets), []);
});

test('dead links are found: of pages, headings, files, and those that forget the base', () => {
  const html =
    '<a href="/base/gone/">1</a><a href="#nowhere">2</a><script src="/base/gone.js"></script><a href="../one/">3</a>';
  assert.deepEqual(deadLinks([page('', html)], '/base', assets), [
    ': /base/gone/ leads to no page',
    ': #nowhere leads to no heading',
    ': ../one/ leads out of the site, or is relative; it should begin with /base/',
    ': /base/gone.js leads to no page',
  ]);
});

test('an internal name in a heading or a signature is found, and `infer _` is none', () => {
  const good =
    '<h2 id="x">Task</h2><pre class="signature x"><code>type A = B extends C&lt;infer &#95;&gt; ? my_name : never</code></pre>';
  assert.deepEqual(internalNames(page('api/', good)), []);
  const bad = '<h3>Task._step</h3><pre class="signature x"><code>&#95;wake(): <a href="x">void</a></code></pre>';
  assert.equal(internalNames(page('api/', bad)).length, 2);
  assert.equal(internalNames(page('api/', '<p>See @internal</p>')).length, 1);
});

test('an exported name without a heading is found', () => {
  assert.deepEqual(missingNames([page('api/', '<h2 id="a">gather</h2>')], ['gather', 'sleep']), [
    'api: sleep is exported and not explained',
  ]);
});

test('an example that is not shown is found', () => {
  const pages = [page('api/', '<button title="Copy" data-code="await sleep(1);&#x7F;done()">')];
  const examples = [
    { place: 'a.ts:1', code: 'await sleep(1);\ndone()' },
    { place: 'b.ts:2', code: 'await sleep(2);' },
  ];
  assert.deepEqual(missingExamples(pages, examples), ['api: the example in b.ts:2 is not shown']);
});

test('the weight of a page counts its styles, its scripts, and what those import', () => {
  const light = weightOf(page('', '<p>x</p>'), '/base', assets);
  const heavy = weightOf(
    page('', '<p>x</p><link href="/base/site.css"><script type="module" src="/base/a.js"></script>'),
    '/base',
    assets,
  );
  assert.ok(light < 100, `${light}`);
  assert.ok(heavy > 10_000, `${heavy}`);
});

test('a placeholder outside of the address of the repository is found', () => {
  const repository = 'https://github.com/OWNER/asyncio-ts';
  assert.deepEqual(placeholders(page('', `<a href="${repository}/blob/main/x">x</a>`), repository), []);
  assert.equal(placeholders(page('', '<p>ask OWNER</p>'), repository).length, 1);
});
