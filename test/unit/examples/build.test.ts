import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as macrotask } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { inOrder, PlanError } from '../../../examples/build/plan.ts';
import { fromSource } from '../../support/processes.ts';

const MAIN = fileURLToPath(new URL('../../../examples/build/main.ts', import.meta.url));
const PLAN = fileURLToPath(new URL('../../../examples/build/plan.json', import.meta.url));

const folder = mkdtempSync(path.join(tmpdir(), 'asyncio-build-'));
afterAll(() => rmSync(folder, { recursive: true }));

function planOf(name: string, targets: object): string {
  const file = path.join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(targets));
  return file;
}

/** Runs the builder in a process of its own. The lines come without the blanks that align them. */
async function builder(args: readonly string[], onLine: (line: string, child: ChildProcess) => unknown = () => {}) {
  const child = spawn(process.execPath, ['--import', fromSource, MAIN, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = text.replace(/ +\| /, ' | ');
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

/** Whether there is a process that is no zombie. */
function isAlive(pid: string): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a plan', () => {
  const target = (name: string, ...needs: string[]) => ({ name, needs, command: 'true' });

  it('is brought into an order in which each target comes after what it needs', () => {
    const names = inOrder([target('c', 'b', 'a'), target('b', 'a'), target('d'), target('a')]).map(({ name }) => name);
    expect(names).toEqual(['a', 'b', 'c', 'd']);
  });

  it('must not go in a circle, and knows its targets', () => {
    expect(() => inOrder([target('a', 'b'), target('b', 'c'), target('c', 'a')])).toThrow('a circle: a -> b -> c -> a');
    expect(() => inOrder([target('a', 'b')])).toThrow(PlanError);
    expect(() => inOrder([target('a', 'b')])).toThrow('a needs b, which is no target');
  });
});

describe('the build runner', () => {
  it('builds everything, each target after what it needs, and shows all lines', { timeout: 30_000 }, async () => {
    const { code, lines, errors } = await builder([PLAN]);
    expect([code, errors, lines.at(-1)]).toEqual([0, '', '7 made, 0 failed, 0 skipped']);
    const at = (line: string) => {
      expect(lines).toContain(line);
      return lines.indexOf(line);
    };
    expect(at('headers | made')).toBeLessThan(at('parser | started'));
    for (const name of ['parser', 'runtime']) expect(at(`${name} | made`)).toBeLessThan(at('program | started'));
    expect(at('parser | compile lexer')).toBeLessThan(at('parser | compile tree'));
    expect(at('test | all passed')).toBeLessThan(at('test | made'));
    // Two that need the same run at once.
    expect(at('runtime | started')).toBeLessThan(at('parser | made'));
  });

  it('never runs more processes than it may', { timeout: 30_000 }, async () => {
    const targets = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`t${i}`, { command: 'echo work' }]));
    const { code, lines } = await builder([planOf('many', targets), '--jobs', '2']);
    let running = 0;
    let most = 0;
    for (const line of lines) {
      if (line.endsWith('started')) running++;
      if (line.endsWith('made')) running--;
      most = Math.max(most, running);
    }
    expect([code, running, most]).toEqual([0, 0, 2]);
  });

  it('stops only what needs a target that failed', { timeout: 30_000 }, async () => {
    const plan = planOf('failing', {
      bad: { command: 'echo trying; echo no such header >&2; exit 3' },
      worse: { command: 'kill -9 $$' },
      after: { needs: ['bad'], command: 'echo never' },
      last: { needs: ['after', 'good'], command: 'echo never' },
      good: { command: 'echo fine' },
    });
    const { code, lines, errors } = await builder([plan]);
    expect([code, errors, lines.at(-1)]).toEqual([1, '', '1 made, 2 failed, 2 skipped']);
    expect(lines.filter((line) => line.startsWith('bad'))).toEqual([
      'bad | started',
      'bad | trying',
      'bad | no such header',
      'bad | failed: exit code 3',
    ]);
    expect(lines).toContain('worse | failed: signal 9');
    expect(lines).toContain('after | skipped: needs bad');
    expect(lines).toContain('last | skipped: needs after');
    expect(lines.join()).not.toContain('never');
  });

  it('says what is wrong with a plan', { timeout: 30_000 }, async () => {
    const { code, lines, errors } = await builder([planOf('circle', { a: { needs: ['a'], command: 'true' } })]);
    expect([code, lines]).toEqual([2, []]);
    expect(errors).toMatch(/circle\.json: a circle: a -> a\n$/);
  });

  it('ends on Ctrl-C, and leaves no process behind', { timeout: 30_000 }, async () => {
    const plan = planOf('endless', {
      tidy: { command: `sh -c 'trap "echo tidied up; exit 1" TERM; echo pid $$; while :; do sleep 0.01; done'; true` },
      plain: { command: 'sh -c "echo pid \\$\\$; exec sleep 1000"; true' },
      stubborn: { command: `trap "" TERM; sh -c 'echo pid $$; while :; do sleep 0.01; done'; true` },
      waiting: { needs: ['plain'], command: 'echo never' },
    });
    const pids: string[] = [];
    let interrupts = 0;
    const { code, lines, errors } = await builder([plan, '--grace', '0.5'], (line, child) => {
      const pid = line.match(/pid (\d+)/)?.[1];
      if (pid === undefined) return;
      pids.push(pid);
      if (pids.length < 3) return;
      interrupts++;
      child.kill('SIGINT');
    });
    expect([code, errors, interrupts]).toEqual([130, '', 1]);
    expect(lines.at(-1)).toBe('interrupted');
    expect(lines.join()).not.toContain('never');
    expect(pids.length).toBe(3);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('kills at once on a second Ctrl-C', { timeout: 30_000 }, async () => {
    const stopping = path.join(folder, 'stopping');
    const plan = planOf('stubborn', {
      stubborn: { command: `trap "touch '${stopping}'" TERM; echo pid $$; while :; do sleep 0.01; done` },
    });
    let pid = '';
    const { code, lines, errors } = await builder([plan, '--grace', '1000'], async (line, child) => {
      pid ||= line.match(/pid (\d+)/)?.[1] ?? '';
      if (!line.includes('pid')) return;
      child.kill('SIGINT');
      while (!existsSync(stopping)) await macrotask();
      child.kill('SIGINT');
    });
    expect([code, errors, lines.at(-1)]).toEqual([130, '', 'interrupted']);
    expect(isAlive(pid)).toBe(false);
  });
});
