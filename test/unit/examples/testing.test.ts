import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, textOf } from '../../support/example-files.ts';
import { fromSource } from '../../support/processes.ts';
import { folderOf, installed, runRunner } from '../../support/runners.ts';

/** The tests of the examples, each with its runner, on the sources. */
const { execPath } = process;
const folder = (name: string): string => path.join(ROOT, 'examples', name);

test.each([
  [
    'vitest',
    execPath,
    [installed('vitest/vitest.mjs'), 'run', `--config=${folderOf('vitest')}/vitest.config.ts`, '--root=.'],
    /Tests {2}8 passed \(8\)/,
  ],
  ['node-test', execPath, ['--import', fromSource, '--test', '*.test.ts'], /pass 5\n[\s\S]*fail 0\n/],
  [
    'jest',
    execPath,
    [
      '--experimental-vm-modules',
      installed('jest/bin/jest.js'),
      `--config=${folderOf('jest')}/jest.config.mjs`,
      '--rootDir=.',
    ],
    /Tests: +7 passed, 7 total/,
  ],
  [
    'bun',
    installed('bun/bin/bun.exe'),
    ['test', `--tsconfig-override=${path.join(ROOT, 'test/runners/tsconfig.json')}`, './retry.test.ts'],
    / 5 pass\n 0 fail\n/,
  ],
])('the tests of examples/testing-%s pass', { timeout: 60_000 }, async (name, command, args, wanted) => {
  const { stdout, stderr, code } = await runRunner(command, args, folder(`testing-${name}`));
  expect(`${stdout}${stderr}`).toMatch(wanted);
  expect(code).toBe(0);
});

test('all of them test the same', () => {
  const subject = textOf('examples/testing-vitest/retry.ts');
  for (const other of ['node-test', 'jest', 'bun']) expect(textOf(`examples/testing-${other}/retry.ts`)).toBe(subject);
});
