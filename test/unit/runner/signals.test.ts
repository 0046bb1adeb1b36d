import { spawn } from 'node:child_process';
import process from 'node:process';
import {
  type CoroutineFunction,
  createTask,
  EventLoop,
  getRunningLoop,
  KeyboardInterrupt,
  run,
  sleep,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { fromSource } from '../../support/processes.ts';
import { failure } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

/** A host in simulated time whose signals are a method. */
class SignallingHost extends VirtualHost {
  readonly listeners: [string, () => void][] = [];

  onSignal(signal: string, listener: () => void): () => void {
    const entry: [string, () => void] = [signal, listener];
    this.listeners.push(entry);
    return () => this.listeners.splice(this.listeners.indexOf(entry), 1);
  }

  send(signal: string): void {
    for (const [name, listener] of [...this.listeners]) if (name === signal) listener();
  }
}

const SERVICE = ['SIGINT', 'SIGTERM'] as const;

/** Runs a program, with signals at the given times; gives the outcome and how long it took. */
async function runSignalled<T>(
  main: CoroutineFunction<T>,
  sent: readonly (readonly [at: number, signal: string])[],
  signals: readonly string[] = SERVICE,
) {
  const host = new SignallingHost();
  const loop = new EventLoop({ host });
  for (const [at, signal] of sent) loop.callAt(at, () => host.send(signal));
  const outcome: unknown = await run(main, { loopFactory: () => loop, signals }).catch((error: unknown) => error);
  return { outcome, seconds: host.time(), left: host.listeners.length };
}

describeBoth('the first signal of those that a run is to end at', (s) => {
  const cleansUp = s.fn(function* () {
    try {
      yield* s.wait(sleep(60));
    } finally {
      yield* s.wait(sleep(3));
    }
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ])('cancels the main task, which may clean up: %s', async (signal, exitCode) => {
    const { outcome, seconds, left } = await runSignalled(cleansUp, [[1, signal]]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(outcome).toMatchObject({ code: 'INTERRUPTED', signal, exitCode });
    expect([seconds, left]).toEqual([4, 0]);
  });

  test('names itself in the error, also when the next one is another', async () => {
    const stubborn = s.fn(function* () {
      for (;;) yield* failure(s, sleep(60));
    });
    const { outcome, seconds } = await runSignalled(stubborn, [
      [1, 'SIGTERM'],
      [2, 'SIGINT'],
      [3, 'SIGTERM'],
    ]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(seconds).toBeLessThan(4);
  });

  test('does nothing when the run has a handler of the loop for it', async () => {
    const heard: string[] = [];
    const main = s.fn(function* () {
      getRunningLoop().addSignalHandler('SIGTERM', () => heard.push('SIGTERM'));
      yield* s.wait(sleep(2));
      return 'done';
    });
    const { outcome } = await runSignalled(main, [[1, 'SIGTERM']]);
    expect([outcome, heard]).toEqual(['done', ['SIGTERM']]);
  });

  test('while the run closes is a KeyboardInterrupt after the clean-up', async () => {
    const main = s.fn(function* () {
      createTask(cleansUp);
      yield* s.wait(sleep(1));
      return 'done';
    });
    const { outcome, seconds } = await runSignalled(main, [[2, 'SIGTERM']]);
    expect(outcome).toMatchObject({ signal: 'SIGTERM' });
    expect(seconds).toBe(4);
  });

  test('does not interrupt when it is not among them', async () => {
    const main = s.fn(function* () {
      yield* s.wait(sleep(2));
      return 'done';
    });
    expect(await runSignalled(main, [[1, 'SIGINT']], ['SIGTERM'])).toMatchObject({ outcome: 'done', left: 0 });
    expect(await runSignalled(main, [[1, 'SIGINT']], [])).toMatchObject({ outcome: 'done', left: 0 });
  });
});

describe('a program that is ended by a signal', () => {
  const PROGRAM = `
    import { run, sleep } from 'asyncio-ts';
    await run(async () => {
      console.log('up');
      try { await sleep(60); } finally { console.log('clean'); }
    }, { signals: ['SIGINT', 'SIGTERM'] });`;

  /** Sends signals to a program, the first one once it is up; gives its exit code and what it has written. */
  function end(program: string, signals: readonly NodeJS.Signals[]): Promise<{ code: number | null; stdout: string }> {
    const child = spawn(process.execPath, ['--import', fromSource, '--input-type=module', '--eval', program]);
    let stdout = '';
    const { promise, resolve } = Promise.withResolvers<{ code: number | null; stdout: string }>();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout === '') for (const signal of signals) child.kill(signal);
      stdout += text;
    });
    child.on('close', (code) => resolve({ code, stdout }));
    return promise;
  }

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('that nobody catches has the exit code of %s, after its clean-up', async (signal, code) => {
    expect(await end(PROGRAM, [signal])).toEqual({ code, stdout: 'up\nclean\n' });
  });

  test('that it catches has the exit code that it likes', async () => {
    const program = PROGRAM.replace('await run(', 'const over = run(').replace(
      /;\s*$/,
      '; await over.catch(() => {});',
    );
    expect(await end(program, ['SIGTERM'])).toEqual({ code: 0, stdout: 'up\nclean\n' });
  });
});
