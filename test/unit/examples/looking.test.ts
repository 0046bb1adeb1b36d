import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { asyncio } from '../../support/command.ts';

const FROM_SOURCE = new URL('../../support/from-source.ts', import.meta.url).href;
const PROGRAM = fileURLToPath(new URL('../../../examples/looking/orders.ts', import.meta.url));
const GUIDE = readFileSync(new URL('../../../docs/debugging-tools.md', import.meta.url), 'utf8');

/** The output that the guide shows below a heading. */
function shownBelow(heading: string): string[] {
  const block = GUIDE.slice(GUIDE.indexOf(heading)).match(/\n```\n(.*?)\n```/s);
  return block![1]!.split('\n');
}

test.runIf(process.platform === 'linux')(
  'ps and pstree show of the program what the guide says',
  async () => {
    const child = spawn(process.execPath, ['--inspect-port=0', '--import', FROM_SOURCE, PROGRAM], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      const pid = /^look at me: (\d+)$/.exec(line)![1]!;
      // The locks are taken a moment later.
      await expect
        .poll(async () => (await asyncio(['ps', pid])).stdout, { timeout: 20_000 })
        .toEqual(shownBelow('### `asyncio ps'));
      expect((await asyncio(['pstree', '--locals', pid])).stdout).toEqual(shownBelow('### `asyncio pstree'));
    } finally {
      child.kill('SIGKILL');
    }
  },
  30_000,
);
