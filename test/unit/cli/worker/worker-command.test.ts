import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli } from '../../../../src/cli/cli.ts';
import { withFile } from '../../../support/command.ts';

/** Calls the command within this process, with a file of this text. */
async function worker(text: string, ...args: string[]) {
  let stdout = '';
  let stderr = '';
  const streams = {
    stdout: { write: (chunk: string) => (stdout += chunk) },
    stderr: { write: (chunk: string) => (stderr += chunk) },
  };
  const code = await withFile('work.ts', text, (file) => cli(['worker', file, ...args], streams));
  return { code, stdout, stderr };
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((done) => server.close(() => done()));
  return port;
}

describe('asyncio worker', () => {
  it('shows its help, within 80 columns', async () => {
    const { code, stdout } = await worker('', '--help');
    expect(code).toBe(0);
    for (const word of ['--bullmq URL', '--nats URL', '--concurrency', '--threads']) expect(stdout).toContain(word);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('ends with 2 when the file exports no function, or is not there', async () => {
    const nothing = await worker('export const answer = 42;', '--nats', 'nats://127.0.0.1:1');
    expect(nothing).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('there is no function in') });
    const missing = await worker('', '--nats', 'nats://127.0.0.1:1', '-q', 'two words');
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("got 'two words'") });
    let stderr = '';
    const streams = { stdout: { write: () => {} }, stderr: { write: (text: string) => (stderr += text) } };
    expect(await cli(['worker', 'no-such-file.ts', '--nats', 'nats://127.0.0.1:1'], streams)).toBe(2);
    expect(stderr).toContain("cannot open 'no-such-file.ts'");
  });

  it('ends with 2 when the file cannot be loaded, and says why', async () => {
    const broken = await worker("throw new RangeError('out of luck');", '--nats', 'nats://127.0.0.1:1');
    expect(broken).toMatchObject({ code: 2, stderr: expect.stringContaining('out of luck') });
  });

  it('ends with 2 when the file has an older copy of the library, and says which one', async () => {
    let stderr = '';
    const streams = { stdout: { write: () => {} }, stderr: { write: (text: string) => (stderr += text) } };
    await withFile('work.ts', 'export const double = (n: number) => 2 * n;', async (file) => {
      const copy = path.join(await realpath(path.dirname(file)), 'node_modules/asyncio-ts');
      await mkdir(copy, { recursive: true });
      await writeFile(path.join(copy, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
      await writeFile(path.join(copy, 'index.js'), 'export {};');
      expect(await cli(['worker', file, '--nats', 'nats://127.0.0.1:1'], streams)).toBe(2);
      expect(stderr).toContain(`worker: needs a newer asyncio-ts than that of the file, which is in ${copy}: update`);
    });
  });

  it('ends with 1 when there is no server', async () => {
    const address = `nats://127.0.0.1:${await closedPort()}`;
    const { code, stdout, stderr } = await worker('export const double = (n: number) => 2 * n;', '--nats', address);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^asyncio: worker: .*refused/);
  });
});
