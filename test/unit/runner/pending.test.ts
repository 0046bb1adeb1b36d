import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { fromSource, runInProcess } from '../../support/processes.ts';

/** Runs a program that never ends. Gives the errors that it has written, as soon as there are some, or after some seconds. */
async function errorsOf(body: string, patience = 4_500): Promise<string[]> {
  const program = `import * as core from 'asyncio-ts';\n${body}`;
  const child = spawn(process.execPath, ['--import', fromSource, '--input-type=module', '--eval', program], {
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
      '  Task-1 (main()) waits for gather',
      '  Task-2 (holder()) waits for wait of <Event [unset, waiters:1]>',
      '  Task-3 (waiter()) waits for acquire of <Lock [locked, waiters:1]> held by Task-2',
    ]);
  });

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
  ])('is quiet %s', { timeout: 20_000 }, async (_when, body) => {
    expect(await errorsOf(body)).toEqual([]);
  });
});

describe('a top-level await that nothing can end', () => {
  test('is told beside exit code 13', () => {
    const { stderr, status } = runInProcess(`
      import { createTask, Event } from 'asyncio-ts';
      await createTask(async function serve() { await new Event().wait(); });`);
    expect(status).toBe(13);
    expect(stderr).toContain(
      'Exit code 13: nothing is left that could wake these tasks\n  Task-1 (serve()) waits for wait of <Event',
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
