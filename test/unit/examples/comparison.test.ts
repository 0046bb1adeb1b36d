import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { filesLike, ROOT, textOf } from '../../support/example-files.ts';
import { fromSource } from '../../support/processes.ts';

const programs = filesLike('examples/comparison/*.ts');

/** What the page says that all of them print. */
const promised = textOf('docs/comparison.md').match(/^```\n([\s\S]*?)^```$/m)?.[1];

test('there is a program for each library that the page compares', () => {
  const shown = [...textOf('docs/comparison.md').matchAll(/^```ts file=(\S+)$/gm)].map(([, file]) => file);
  expect(shown.toSorted()).toEqual(programs);
  expect(promised).toContain('b is too slow');
});

test.concurrent.each(programs)(
  '%s prints what the comparison promises, and ends',
  async (program) => {
    const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' };
    const args = ['--import', fromSource, program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env, timeout: 20_000 });
    expect(stdout).toBe(promised);
  },
  30_000,
);
