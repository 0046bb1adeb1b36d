import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesLike, ROOT, textOf } from '../../support/example-files.ts';
import { fromSource } from '../../support/processes.ts';

/** The output that docs/debugging.md shows of each program is what the program writes. */

const GUIDE = 'docs/debugging.md';

/** What a program writes, to both streams. One that hangs is ended when it has said so. */
async function outputOf(file: string): Promise<string> {
  const child = spawn(process.execPath, ['--import', fromSource, path.join(ROOT, file)], {
    env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('cannot end')) setTimeout(() => child.kill('SIGKILL'), 100);
    });
  }
  await new Promise((resolve) => child.once('close', resolve));
  return text;
}

/** Without what differs from run to run: folders, how long something took, and where in its line a loop was when it was looked at. */
function steady(text: string): string {
  return text
    .replaceAll(/(?:file:\/\/)?[^\s'"]*[\\/]([\w-]+\.ts)/g, '$1')
    .replaceAll(/\d+\.\d+ s(?= by)/g, 'N s')
    .replaceAll(/(, in \w+\(\) at [\w-]+\.ts:\d+):\d+/g, '$1')
    .trim();
}

function outputsShown(): Map<string, string> {
  const blocks = textOf(GUIDE).matchAll(/```text of=(\S+)\n([\s\S]*?)\n```/g);
  return new Map(Array.from(blocks, ([, file, text]) => [file!, text!]));
}

describe('docs/debugging.md', () => {
  const shown = outputsShown();

  test('shows the output of each program of examples/debugging', () => {
    expect([...shown.keys()].sort()).toEqual(filesLike('examples/debugging/*.ts'));
  });

  test.concurrent.each([...shown])('shows what %s writes', { timeout: 60_000 }, async (file, text) => {
    expect(steady(await outputOf(file))).toContain(steady(text));
  });
});
