import { spawn } from 'node:child_process';
import { createTask, sleep } from 'asyncio-ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { bunPlaces, denoPlaces, findExecutable, type Places } from '../../../scripts/lib/runtimes.ts';
import { logger } from '../../../src/kernel/lowlevel.ts';
import { withFile } from '../../support/command.ts';
import { fromSource, runInProcess } from '../../support/processes.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

/** Runs a program that never ends. Gives the errors that it has written, as soon as there are some, or after some seconds. */
async function errorsOf(body: string, patience = 4_500): Promise<string[]> {
  const program = `import * as core from 'asyncio-ts';\n${body}`;
  return await errorsOfProcess(
    process.execPath,
    ['--import', fromSource, '--input-type=module', '--eval', program],
    patience,
  );
}

async function errorsOfProcess(command: string, args: readonly string[], patience: number): Promise<string[]> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, patience);
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      clearTimeout(timer);
      setTimeout(resolve, 50);
    });
  });
  expect(child.exitCode).toBe(null); // it goes on, as it would without the report
  child.kill('SIGKILL');
  return text.split('\n').filter((line) => line !== '');
}

const STUCK = `
  async function holder() { await lock.acquire(); await new core.Event().wait(); }
  function* waiter() { yield* lock.acquire(); }
  const lock = new core.Lock();
  await core.run(async function main() { await core.gather(holder, waiter); }, OPTIONS);`;

describe.concurrent('a run that cannot end', () => {
  const TITLE = 'run() cannot end: nothing is left that could wake these tasks';

  test('tells what its tasks wait for', { timeout: 20_000 }, async () => {
    expect(await errorsOf(STUCK.replace('OPTIONS', '{}'), 15_000)).toEqual([
      TITLE,
      '  main#1 waits for gather',
      '  holder#2 waits for wait of <Event [unset, waiters:1]>',
      '  waiter#3 waits for acquire of <Lock [locked, waiters:1]> held by holder#2',
    ]);
  });

  test.each([
    ['the signals end it', STUCK.replace('OPTIONS', "{ signals: ['SIGINT', 'SIGTERM'] }")],
    [
      'a flight recorder listens to its signal',
      `const { flightRecorder } = await import('asyncio-ts/node'); flightRecorder({ file: '/dev/null' });${STUCK.replace('OPTIONS', '{}')}`,
    ],
  ])('tells it also where %s, by which none of its tasks goes on', { timeout: 20_000 }, async (_when, body) => {
    expect((await errorsOf(body, 15_000))[0]).toBe(TITLE);
  });

  test('tells it with the arguments of its tasks in debug mode', { timeout: 20_000 }, async () => {
    const body = `
      const hold = core.coroutine(async function hold(key, count) { await new core.Event().wait(); });
      await core.run(async function main() { await core.createTask(hold('a', 2)); }, { debug: true });`;
    const lines = await errorsOf(body, 15_000);
    expect(lines.at(-1)).toBe("  hold('a', 2)#2 waits for wait of <Event [unset, waiters:1]>");
  });

  test('shows nothing of its names that a terminal would obey', { timeout: 20_000 }, async () => {
    const named = `
      await core.run(async function main() {
        await core.createTask(async () => await new core.Event().wait(), { name: '\\x1b[2J\\u202egone' });
      });`;
    const lines = await errorsOf(named, 15_000);
    expect(lines.at(-1)).toBe('  �[2J�gone waits for wait of <Event [unset, waiters:1]>');
  });

  test.each([
    ['Bun', bunPlaces, []],
    ['Deno', denoPlaces, ['run', '--allow-all', '--no-lock']],
  ] as [string, Places, string[]][])(
    'tells it in %s too, where the program does not wait for the run at its top level',
    { timeout: 30_000 },
    async (_, places, args) => {
      const index = JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href);
      const program = `import * as core from ${index};\n${STUCK.replace('await core.run', 'core.run').replace('OPTIONS', '{}')}`;
      await withFile('stuck.mjs', program, async (file) => {
        const { path } = findExecutable(places)!;
        expect(await errorsOfProcess(path, [...args, file], 20_000)).toEqual([
          TITLE,
          '  main#1 waits for gather',
          '  holder#2 waits for wait of <Event [unset, waiters:1]>',
          '  waiter#3 waits for acquire of <Lock [locked, waiters:1]> held by holder#2',
        ]);
      });
    },
  );

  test('tells it as a tree where asyncio-ts/inspect was imported', { timeout: 20_000 }, async () => {
    const body = `import 'asyncio-ts/inspect';\n${STUCK.replace('OPTIONS', '{}')}`;
    expect(await errorsOf(body, 15_000)).toEqual([
      TITLE,
      '  main#1 waits for holder#2, waiter#3 in gather()',
      '  ├─ holder#2 waits for <Event [unset, waiters:1]>',
      '  └─ waiter#3 waits for <Lock [locked, waiters:1]>, held by holder#2',
      '     └─ holder#2, see above',
    ]);
  });

  test.each([
    ['when the program wants no report', STUCK.replace('OPTIONS', '{ reportPending: false }')],
    ['while a timer of the program may wake it', `setTimeout(() => {}, 60_000);${STUCK.replace('OPTIONS', '{}')}`],
    [
      'while a thread may wake it',
      `new (await import('node:worker_threads')).Worker('setTimeout(() => {}, 60_000)', { eval: true });${STUCK.replace('OPTIONS', '{}')}`,
    ],
    [
      'when the program itself listens for its end, and is not called for that',
      `process.on('beforeExit', () => console.error('called'));${STUCK.replace('OPTIONS', '{}')}`,
    ],
    ['while it sleeps', 'await core.run(() => core.sleep(60));'],
    ['while a server listens', `(await import('node:net')).createServer().listen(0);${STUCK.replace('OPTIONS', '{}')}`],
    [
      'while it waits for a signal',
      `await core.run(async () => {
        const stop = new core.Event();
        core.getRunningLoop().addSignalHandler('SIGTERM', () => stop.set());
        await stop.wait();
      });`,
    ],
    [
      'while it waits for one of the signals that would end it',
      `await core.run(async () => {
        const stop = new core.Event();
        core.getRunningLoop().addSignalHandler('SIGTERM', () => stop.set());
        await stop.wait();
      }, { signals: ['SIGTERM'] });`,
    ],
  ])('is quiet %s', { timeout: 20_000 }, async (_when, body) => {
    expect(await errorsOf(body)).toEqual([]);
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

describeBoth('the end of a run whose tasks take long to end', (s) => {
  /** The main task ends, and another one goes on for so many seconds after its cancellation. */
  async function toldOf(seconds: number, options = {}): Promise<unknown[]> {
    const told = vi.spyOn(logger, 'error').mockImplementation(() => {});
    const stubborn = s.fn(function* () {
      try {
        yield* s.wait(sleep(1_000));
      } catch {
        yield* s.wait(sleep(seconds));
      }
    });
    const main = s.fn(function* () {
      createTask(stubborn, { name: 'stubborn' });
      yield* s.wait(sleep(1));
    });
    expect(await runVirtually(main, options)).toMatchObject({ seconds: 1 + seconds });
    return told.mock.calls.map(([text]) => text);
  }

  test('is told once, with what they wait for', async () => {
    expect(await toldOf(60)).toEqual(['run() waits for cancelled tasks\n  stubborn waits for sleep']);
  });

  test('is not told of a short clean-up, and where the program wants no report', async () => {
    expect(await toldOf(9)).toEqual([]);
    expect(await toldOf(60, { reportPending: false })).toEqual([]);
  });
});

describe('a top-level await that nothing can end', () => {
  test('is told beside exit code 13', () => {
    const { stderr, status } = runInProcess(`
      import { createTask, Event } from 'asyncio-ts';
      await createTask(async function serve() { await new Event().wait(); });`);
    expect(status).toBe(13);
    expect(stderr).toContain(
      'Exit code 13: nothing is left that could wake these tasks\n  serve#1 waits for wait of <Event',
    );
  });

  test('is not told when the program wants no report, nor for other ends', () => {
    const quiet = runInProcess(`
      import { createTask, Event, getEventLoop } from 'asyncio-ts';
      getEventLoop().reportPending = false;
      await createTask(async function serve() { await new Event().wait(); });`);
    expect(quiet).toMatchObject({ status: 13, stderr: expect.not.stringContaining('nothing is left') });
    const ended = runInProcess(`
      import { createTask, Event } from 'asyncio-ts';
      createTask(async function serve() { await new Event().wait(); });`);
    expect(ended).toMatchObject({ status: 0, stderr: '' });
  });
});
