import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'vitest';
import { asyncio, runText, withFile } from '../../support/command.ts';

// Each test runs a process of its own, because exit codes and Ctrl-C are those of a process. They wait for lines of output,
// never for a time.

describe('the process of asyncio run', { concurrent: true, timeout: 30_000 }, () => {
  it('ends with the exit code of a failure although something keeps it alive, and all output is there', async ({
    expect,
  }) => {
    const program = `
      setInterval(() => {}, 1_000);
      export async function main(count: string) {
        for (let i = 0; i < Number(count); i++) console.log(i);
        throw new Error('no');
      }`;
    const { code, stdout, stderr } = await runText(program, ['10000']);
    expect(code).toBe(1);
    expect(stdout).toHaveLength(10_000);
    expect(stderr).toContain('program.ts failed: Error: no');
  });

  it('shows where a syntax error in an imported module is, loaded at once or later', async ({ expect }) => {
    const broken = 'export const fine = 1;\n\nexport function f( { return 1 }\n';
    for (const main of [
      "import './broken.mjs'; export async function main() {}",
      "export async function main() { await import('./broken.mjs'); }",
    ]) {
      const result = await withFile('program.mjs', main, async (file) => {
        await writeFile(path.join(path.dirname(file), 'broken.mjs'), broken);
        return await asyncio(['run', file]);
      });
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('program.mjs failed: SyntaxError');
      expect(result.stderr).toContain('broken.mjs:3\nexport function f( { return 1 }');
    }
  });

  it('leaves an exit code that the program has set', async ({ expect }) => {
    expect(await runText('export async function main() { process.exitCode = 3; }')).toMatchObject({ code: 3 });
  });

  it('ends with 2 after wrong usage', async ({ expect }) => {
    const result = await withFile('notes.txt', '', (file) => asyncio(['run', file]));
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot run 'notes.txt'") });
  });
});

/** Runs a program and presses Ctrl-C on each of some lines of its output. */
function interrupt(text: string, ...lines: string[]) {
  return signal('SIGINT', text, ...lines);
}

/** Runs a program and sends it a signal on each of some lines of its output. */
function signal(name: NodeJS.Signals, text: string, ...lines: string[]) {
  return runText(text, [], (line, child) => {
    if (lines.includes(line)) child.kill(name);
  });
}

const isWindows = process.platform === 'win32';

describe.skipIf(isWindows)('Ctrl-C', { concurrent: true, timeout: 30_000 }, () => {
  const SLEEPER = (word: 'async function' | 'function*', wait: 'await' | 'yield*') => `
    import { sleep } from 'asyncio-ts';
    export ${word} main() {
      try {
        console.log('ready');
        ${wait} sleep(3600);
      } catch (error) {
        console.log(error.name);
        throw error;
      } finally {
        ${wait} sleep(0.01);
        console.log('cleaned up');
      }
    }`;

  it.for([
    ['an async function', SLEEPER('async function', 'await')],
    ['a generator', SLEEPER('function*', 'yield*')],
  ])('cancels a main that is %s and waits for its cleanup', async ([, program], { expect }) => {
    const stdout = ['ready', 'CancelledError', 'cleaned up'];
    expect(await interrupt(program!, 'ready')).toEqual({ code: 130, stdout, stderr: 'KeyboardInterrupt\n' });
  });

  it('has a sibling, SIGTERM, which ends a program as it does', async ({ expect }) => {
    const stdout = ['ready', 'CancelledError', 'cleaned up'];
    const program = SLEEPER('async function', 'await');
    expect(await signal('SIGTERM', program, 'ready')).toEqual({ code: 143, stdout, stderr: 'Terminated\n' });
  });

  it('is the program’s where that listens to the signal itself', async ({ expect }) => {
    const program = `
      import { sleep } from 'asyncio-ts';
      process.on('SIGTERM', () => { console.log('heard'); process.exit(5); });
      export async function main() { console.log('ready'); await sleep(3600); }`;
    expect(await signal('SIGTERM', program, 'ready')).toMatchObject({ code: 5, stdout: ['ready', 'heard'] });
  });

  it('is not a failure when main takes the cancellation and returns', async ({ expect }) => {
    const program = `
      import { sleep } from 'asyncio-ts';
      export async function main() {
        console.log('ready');
        await sleep(3600).then(null, () => console.log('stopped'));
      }`;
    expect(await interrupt(program, 'ready')).toEqual({ code: 0, stdout: ['ready', 'stopped'], stderr: '' });
  });

  it('reaches the other tasks of the program, too', async ({ expect }) => {
    const program = `
      import { createTask, sleep } from 'asyncio-ts';
      export async function main() {
        createTask(async () => {
          console.log('ready');
          await sleep(3600).then(null, () => console.log('the other one ended'));
        });
        await sleep(3600);
      }`;
    const stdout = ['ready', 'the other one ended'];
    expect(await interrupt(program, 'ready')).toEqual({ code: 130, stdout, stderr: 'KeyboardInterrupt\n' });
  });

  it('ends a server whose client does not read', async ({ expect }) => {
    const program = `
      import net from 'node:net';
      import { startServer } from 'asyncio-ts/node';
      export async function main() {
        const server = await startServer(async (reader, writer) => {
          await using _ = writer;
          writer.write(new Uint8Array(30_000_000));
          console.log('ready');
          await writer.drain();
        }, '127.0.0.1', 0);
        net.connect(server.port, '127.0.0.1').on('error', () => {}).pause();
        await server.serveForever();
      }`;
    const { code, stdout, stderr } = await interrupt(program, 'ready');
    expect([code, stdout]).toEqual([130, ['ready']]);
    expect(stderr).toContain('KeyboardInterrupt');
  });

  it('does not wait for the cleanup of main when it comes a second time', async ({ expect }) => {
    const program = `
      import { sleep } from 'asyncio-ts';
      export async function main() {
        console.log('ready');
        try {
          await sleep(3600);
        } finally {
          console.log('cleaning up');
          await sleep(3600);
        }
      }`;
    const stdout = ['ready', 'cleaning up'];
    expect(await interrupt(program, ...stdout)).toEqual({ code: 130, stdout, stderr: 'KeyboardInterrupt\n' });
  });
});
