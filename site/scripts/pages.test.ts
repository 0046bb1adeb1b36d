import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { blocksOf, fenced } from '../../scripts/lib/markdown.ts';
import { bodyOf, decisions, descriptionOf, groups, guides, slugOf, targetOf } from './lib/guides.ts';
import { landing } from './lib/landing.ts';
import { addressOf, BASE, REPOSITORY } from './lib/repository.ts';
import { carrying, isRunnable } from './lib/runnable.ts';

test('prose and code are told apart, and code is put together as it was', () => {
  const text = 'One.\n\n  ```ts file=a.ts\n  const a = 1;\n\n  ```\nTwo.';
  const blocks = blocksOf(text);
  assert.deepEqual(
    blocks.map(({ kind }) => kind),
    ['prose', 'code', 'prose'],
  );
  assert.deepEqual(
    blocks.map(({ line }) => line),
    [1, 4, 7],
  );
  const code = blocks[1]!;
  assert.equal(code.kind === 'code' && code.text, 'const a = 1;\n');
  assert.equal(code.kind === 'code' && fenced(code), '  ```ts file=a.ts\n  const a = 1;\n\n  ```');
  assert.throws(() => blocksOf('```ts\nno end'), /line 1: the block of code has no end/);
});

test('links between documents become links between pages, and others lead to the repository', () => {
  assert.equal(targetOf('docs/start.md', 'cancellation.md#shielding'), `${BASE}/cancellation/#shielding`);
  assert.equal(targetOf('docs/decisions/0001-toolchain.md', '../kernel.md'), `${BASE}/kernel/`);
  assert.equal(targetOf('README.md', 'docs/'), `${BASE}/guides/`);
  assert.equal(targetOf('docs/README.md', 'decisions/'), `${BASE}/decisions/`);
  assert.equal(targetOf('docs/start.md', '../examples/crawler/'), `${REPOSITORY}/tree/main/examples/crawler`);
  assert.equal(targetOf('docs/start.md', 'https://example.com/a.md'), 'https://example.com/a.md');
  assert.equal(targetOf('docs/start.md', '#here'), '#here');
  assert.throws(() => targetOf('docs/start.md', '../no-such-file'), /does not exist/);
  assert.throws(() => addressOf('no-such-file'), /correct the link/);
});

test('links in code are left alone', () => {
  const body = bodyOf('docs/start.md', 'See [it](cancellation.md).\n\n```ts\nconst link = [1](cancellation.md);\n```');
  assert.ok(body.includes(`[it](${BASE}/cancellation/)`));
  assert.ok(body.includes('[1](cancellation.md)'));
});

test('a program has a link to the playground when a page can run it', () => {
  assert.ok(isRunnable('ts', "import { run } from 'asyncio-ts';\nimport { replay } from 'asyncio-ts/testing';"));
  assert.ok(isRunnable('ts', "import {\n  run,\n  sleep,\n} from 'asyncio-ts';"));
  assert.ok(!isRunnable('ts', "import { openConnection } from 'asyncio-ts/node';"));
  assert.ok(!isRunnable('ts', "import { run } from 'asyncio-ts';\nimport { readFile } from 'node:fs/promises';"));
  assert.ok(!isRunnable('ts', "import { run } from 'asyncio-ts';\nprocess.exit();"));
  assert.ok(!isRunnable('ts', 'const a = 1;'));
  assert.ok(!isRunnable('ts file=examples/a.ts', "import { run } from 'asyncio-ts';"));
  assert.ok(!isRunnable('sh', "import { run } from 'asyncio-ts';"));
});

test('a link carries its program', () => {
  const code = "console.log('ü – 1');\n";
  const [, text] = carrying(code).match(/^#code=([\w-]+)$/)!;
  assert.equal(inflateRawSync(Buffer.from(text!, 'base64url')).toString(), code);
});

test('each guide has a place, in the order of the index, which begins with the first two pages for a newcomer', () => {
  const slugs = guides().map(({ slug }) => slug);
  assert.deepEqual(slugs.slice(0, 2), ['start', 'ordinary-javascript']);
  assert.ok(slugs.includes('comparison'));
  assert.equal(new Set(slugs).size, slugs.length);
  assert.ok(groups().every(({ label, entries }) => label !== '' && entries.length > 0));
  assert.equal(slugOf('docs/start.md'), 'start');
  assert.equal(slugOf('docs/decisions/0001-toolchain.md'), 'decisions/0001-toolchain');
  assert.equal(slugOf('docs/decisions'), 'decisions');
  assert.equal(slugOf('docs/no-such-folder'), null);
  assert.equal(slugOf('examples/chat/README.md'), null);
});

test('each decision is on the page that lists them', () => {
  const [index, ...pages] = decisions();
  assert.ok(pages.length > 30);
  assert.ok(pages.every(({ slug }) => index!.body.includes(`(${BASE}/${slug}/)`)));
});

test('a description is a paragraph of plain text that fits', () => {
  assert.equal(
    descriptionOf('\nStatus: accepted.\n\n## Context\n\nA `timeout` of *one* [thing](x.md).\n'),
    'A timeout of one thing.',
  );
  assert.ok(descriptionOf('word '.repeat(100)).length <= 180);
});

test('the first page has the parts of the README', () => {
  const { tagline, program, output, explanation, proofs } = landing();
  assert.ok(!/[`*[]/.test(tagline));
  assert.ok(program.includes("from 'asyncio-ts'"));
  assert.ok(output.includes('too long'));
  assert.ok(explanation.length > 0);
  assert.equal(proofs.length, 3);
});
