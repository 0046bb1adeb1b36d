import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { textOf } from '../../support/example-files.ts';

const [, row] = /^\| the program below in a page, compressed \| (.+) \|$/m.exec(textOf('docs/comparison.md'))!;
const [own, effect, effection, limits, byHand, rxjs] = row!.split(' | ');
const [limit, queue] = limits!.split(', ');

test.each([
  ['asyncio-ts', own],
  ['effect', effect],
  ['effection', effection],
  ['p-limit', limit],
  ['p-queue', queue],
  ['by-hand', byHand],
  ['rxjs', rxjs],
])('the comparison gives for %s the size of its program in a page', async (name, told) => {
  const { outputFiles } = await build({
    entryPoints: [`examples/comparison/${name}.ts`],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    external: ['node:*'],
    alias: { 'asyncio-ts': './src/index.ts' }, // the package need not be built
    logLevel: 'silent',
  });
  const kilobytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length / 1_000;
  expect(Math.abs(kilobytes - Number.parseFloat(told!)), `${told} beside ${kilobytes}`).toBeLessThan(
    Math.max(1, kilobytes * 0.1),
  );
});
