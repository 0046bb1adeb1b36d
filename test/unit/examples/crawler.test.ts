import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fromSource } from '../../support/processes.ts';

const MAIN = fileURLToPath(new URL('../../../examples/crawler/main.ts', import.meta.url));

/** Runs the crawler in a process of its own. */
async function crawler(args: readonly string[], onLine: (line: string, child: ChildProcess) => void = () => {}) {
  const child = spawn(process.execPath, ['--import', fromSource, MAIN, ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    onLine(line, child);
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { code, lines, errors };
}

describe('the crawler', () => {
  it('visits all pages, tries again what fails or hangs, and leaves no request open', { timeout: 30_000 }, async () => {
    const { code, lines, errors } = await crawler(['--pages', '100', '--timeout', '0.5', '--attempts', '5']);
    expect(errors).toBe('');
    // Of 100 pages, 7, 48 and 89 always fail, and so their children, whose only other parents differ, may stay unknown.
    expect(lines.at(-2)).toMatch(
      /^finished: (\d+) of \1 pages visited: [1-9]\d* failed, \d+ retries, [1-9]\d* timeouts$/,
    );
    expect(lines.at(-1)).toBe('requests left open: 0');
    expect(lines[0]).toMatch(/^50 of \d+ pages visited/);
    expect(code).toBe(0);
  });

  it('ends on Ctrl-C without leaving a request open', { timeout: 30_000 }, async () => {
    let interrupts = 0;
    const { code, lines, errors } = await crawler(['--pages', '10000000', '--timeout', '60'], (line, child) => {
      // By then requests hang, for as long as the time that they are given.
      if (line.startsWith('150 of') && interrupts++ === 0) child.kill('SIGINT');
    });
    expect(errors).toBe('');
    expect(lines.slice(-2)).toEqual(['requests left open: 0', 'interrupted']);
    expect(lines.join()).not.toContain('finished');
    expect([code, interrupts]).toEqual([130, 1]);
  });
});
