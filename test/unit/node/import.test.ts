import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { expect, it } from 'vitest';

const ENTRY = path.resolve(import.meta.dirname, '../../../src/node/index.ts');

it('importing asyncio-ts/node does not load the HTTP client of the runtime, which costs 3 MB that each collection walks through', () => {
  const program = `await import(${JSON.stringify(ENTRY)});
    console.log(process.moduleLoadList.filter((name) => /undici|http2/.test(name)).join());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toBe('\n');
});
