import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cli } from '../../../src/cli/cli.ts';

/** Calls the command within this process. */
async function call(...argv: string[]) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const code = await cli(argv, { stdout: stream('stdout'), stderr: stream('stderr') });
  return { code, ...written };
}

describe('the command asyncio', () => {
  it('shows its help, and that of run', async () => {
    expect(await call('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('run FILE'), stderr: '' });
    const help = await call('run', '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const word of ['--debug', 'SystemExit', '130']) expect(help.stdout).toContain(word);
  });

  it('keeps its help within 80 columns', async () => {
    const topics = [[], ['run'], ['ps'], ['pstree'], ['top'], ['repl']];
    const texts = await Promise.all(topics.map(async (topic) => (await call(...topic, '--help')).stdout));
    expect(texts.filter((text) => text.startsWith('Usage: asyncio'))).toHaveLength(topics.length);
    const help = texts.join('');
    expect(help.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('shows the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    expect(await call('--version')).toEqual({ code: 0, stdout: `asyncio-ts ${version}\n`, stderr: '' });
  });

  it('ends with 2 after wrong usage, and says so on stderr only', async () => {
    const stderr = "asyncio: a command is missing: write asyncio run FILE\nTry 'asyncio --help'.\n";
    expect(await call()).toEqual({ code: 2, stdout: '', stderr });
  });

  it('ends with 2 when there is no such file', async () => {
    const result = await call('run', 'no-such-file.ts');
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot open 'no-such-file.ts'") });
  });
});
