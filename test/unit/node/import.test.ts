import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { expect, it } from 'vitest';

const ENTRY = path.resolve(import.meta.dirname, '../../../src/node/index.ts');

it('importing asyncio-ts/node loads neither the HTTP client of the runtime nor what encrypts: both take long, and each collection walks through them', () => {
  const program = `await import(${JSON.stringify(ENTRY)});
    console.log(process.moduleLoadList.filter((name) => /undici|http2|NativeModule (tls|crypto|v8)$/.test(name)).join());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toBe('\n');
});
