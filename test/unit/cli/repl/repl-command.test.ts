import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';
import { hasPty, inTerminal } from '../../../support/pty.ts';

const FROM_SOURCE = new URL('../../../support/from-source.ts', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../../../../src/cli/main.ts', import.meta.url));

/** The lines that the REPL prints for lines of a pipe, and what it complains about. */
async function repl(...lines: string[]): Promise<{ code: number | null; output: string[]; complaints: string }> {
  const child = spawn(process.execPath, ['--import', FROM_SOURCE, MAIN, 'repl'], {
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stdin.end(`${lines.join('\n')}\n`);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output: output.trimEnd().split('\n'), complaints };
}

describe('asyncio repl', { concurrent: true, timeout: 30_000 }, () => {
  it('awaits every awaitable, in both spellings, and coroutines alone', async ({ expect }) => {
    const { code, output } = await repl(
      'function* gen(a) { yield* sleep(0.001); return a * 2 }',
      'async function fn(a) { await sleep(0.001); return a * 3 }',
      'await gen(1)',
      'gen(2)',
      'await fn(1)',
      "await sleep(0.001, 'slept')",
      'const x = (await gen(3)) + await fn(3)',
      'x',
      'await createTask(gen(4))',
      'await gather([gen(1), fn])',
      'await Promise.all([await gen(5), 1])',
      '`${await gen(6)}`',
    );
    expect(code).toBe(0);
    expect(output).toEqual([
      'undefined',
      'undefined',
      '2',
      '4',
      '3',
      "'slept'",
      'undefined',
      '15',
      '8',
      '[ 2, NaN ]',
      '[ 10, 1 ]',
      "'12'",
    ]);
  });

  it('has everything of the library by name, and Node as it is', async ({ expect }) => {
    const { output } = await repl(
      'new Event()',
      'asyncio.Queue === Queue',
      "await fetch('data:text/plain,hi').then((r) => r.text())",
      "typeof new WebSocket('ws://127.0.0.1:1').addEventListener",
    );
    expect(output).toEqual(['<Event [unset]>', 'true', "'hi'", "'function'"]);
  });

  it('takes TypeScript', async ({ expect }) => {
    const { output } = await repl('const t: number = await sleep<number>(0.001, 5)', 't');
    expect(output).toEqual(['undefined', '5']);
  });

  it('goes on after errors, of the line and of what it awaits', async ({ expect }) => {
    const { code, output } = await repl(
      "throw new TypeError('no')",
      "await sleep(0.001).then(() => { throw new RangeError('late') })",
      'await timeout(0.001, () => sleep(3600))',
      '1 +',
      '1',
    );
    expect(code).toBe(0);
    expect(output[0]).toBe('Uncaught TypeError: no');
    expect(output.join('\n')).toMatch(/Uncaught.*RangeError: late/s);
    expect(output.join('\n')).toMatch(/TimeoutError: timed out after 0.001 s/);
    expect(output.at(-1)).toMatch(/^\W*2$/);
  });

  it('runs tasks while the next lines run, and cancels those that are left at the end', async ({ expect }) => {
    const { code, output } = await repl(
      'let n = 0; const five = new Event()',
      "const task = createTask(async () => { try { for (;;) { if (++n === 5) five.set(); await sleep(0.001) } } finally { console.log('cleaned up') } })",
      'await five.wait()',
      'n >= 5',
    );
    expect(code).toBe(0);
    expect(output).toEqual(['undefined', 'undefined', 'true', 'true', 'cleaned up']);
  });

  it('ends where a line waits for what nothing can bring about any more, and says so in its own words', async ({
    expect,
  }) => {
    const { code, output, complaints } = await repl('1', 'await new Promise(() => {})', '2');
    expect(code).toBe(13);
    expect(output).toEqual(['1']);
    expect(complaints).toMatch(/^asyncio repl: nothing is left .* is not run: await new Promise\(\(\) => \{\}\)\n$/m);
    expect(complaints).not.toContain('Warning: Detected');
  });

  it('lets the tasks that are left clean up then, and names them without control characters', async ({ expect }) => {
    const { code, output, complaints } = await repl(
      "const task = createTask(async () => { try { await new Event().wait() } finally { await sleep(0.001); console.log('cleaned up') } }, { name: 'a\\x1bb' })",
      'await task',
      "console.log('not run')",
    );
    expect(code).toBe(13);
    expect(output).toContain('cleaned up');
    expect(output.join()).not.toContain('not run');
    expect(complaints).toMatch(/Tasks that are left, and are cancelled:\n {2}<Task pending name='a\\x1bb'/);
  });

  it('waits for what workers, processes and timers can still bring about', async ({ expect }) => {
    const { code, output, complaints } = await repl(
      "const worker = new (require('node:worker_threads').Worker)('setTimeout(() => {}, 300)', { eval: true })",
      "await new Promise((done) => worker.on('exit', done))",
      "const child = require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 300)'])",
      "await new Promise((done) => child.on('exit', done))",
      "await new Promise((done) => setTimeout(done, 300, 'waited'))",
      'setTimeout(() => process.exit(0), 300); await new Promise(() => {})',
    );
    expect([code, complaints]).toEqual([0, '']);
    expect(output).toEqual(['undefined', '0', 'undefined', '0', "'waited'"]);
  });

  it('says where the input ends in the middle of a statement', async ({ expect }) => {
    const { code, complaints } = await repl('1', 'function f() {');
    expect(code).toBe(1);
    expect(complaints).toMatch(/^asyncio repl: the input ends in the middle of a statement: function f\(\) \{\n$/m);
    expect(await repl('1', 'function f() {', '.break')).toMatchObject({ code: 0 });
  });

  it('ends where nobody reads its output any more, though there is more to run', async ({ expect }) => {
    const child = spawn(process.execPath, ['--import', FROM_SOURCE, MAIN, 'repl'], {
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => {});
    child.stdin.write('1\n'.repeat(10_000)); // and no end
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
  });
});

const hasDeno = spawnSync('deno', ['--version']).status === 0;

describe.runIf(process.platform === 'linux')('asyncio repl whose output cannot be written', { timeout: 30_000 }, () => {
  it('says so once, and ends', ({ expect }) => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, ['--import', FROM_SOURCE, MAIN, 'repl'], {
      input: '1\n2\n',
      stdio: ['pipe', full, 'pipe'],
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    });
    closeSync(full);
    expect([status, stderr.split('\n').length]).toEqual([1, 2]);
    expect(stderr).toMatch(/^asyncio repl: the output cannot be written: ENOSPC/);
  });
});

describe.runIf(hasDeno)('asyncio repl on Deno', { timeout: 30_000 }, () => {
  it('says that the prompt of that runtime cannot await, instead of failing at the first line', ({ expect }) => {
    const { status, stdout, stderr } = spawnSync('deno', ['run', '-A', MAIN, 'repl'], {
      input: 'await sleep(0)\n',
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain("asyncio: repl: the prompt of this runtime, Deno's node:repl, cannot await: run");
  });
});

describe.runIf(hasPty)('asyncio repl in a terminal', { concurrent: true, timeout: 30_000 }, () => {
  it('cancels what is awaited on Ctrl-C, waits for its clean-up, and remembers the lines', async ({ expect }) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'asyncio-repl-'));
    try {
      await inTerminal(['repl'], { XDG_STATE_HOME: folder, NO_COLOR: '1' }, async (terminal) => {
        await terminal.shows('asyncio> ');
        terminal.type(
          // Told by a timer, which comes when the line is awaited: Ctrl-C before that stops the script itself.
          "try { setTimeout(() => console.log('be' + 'gun'), 1); await sleep(3600) } finally { await sleep(0.001); console.log('cleaned' + '-up') }\r",
        );
        await terminal.shows('begun');
        terminal.type('\x03');
        await terminal.shows('cleaned-up');
        await terminal.shows('CancelledError: Ctrl-C');
        await terminal.shows('asyncio> ');
        terminal.type('40 + 2\r');
        await terminal.shows('\n42');
        await terminal.shows('asyncio> ');
        terminal.type('\x04');
        expect(await terminal.ended).toBe(0);
      });
      const history = await readFile(path.join(folder, 'asyncio-ts', 'repl_history'), 'utf8');
      expect(history.split('\n')[0]).toBe('40 + 2');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
