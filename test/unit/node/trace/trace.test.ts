import fs, { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { readTrace } from 'asyncio-ts/inspect';
import { flightRecorder, traceToFile } from 'asyncio-ts/node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTask, logger, sleep } from '../../../../src/index.ts';
import { runInProcess } from '../../../support/processes.ts';
import { runVirtually } from '../../../support/spellings.ts';
import { storyOf } from '../../inspect/trace/story.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'asyncio-ts-trace-'));
  file = path.join(folder, 'trace.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = () => readTrace(readFileSync(file, 'utf8'), file);

/** A program that has a task which never ends, in a process of its own. */
function program(start: string, end: string): string {
  return `
    import { createTask, Event, run, sleep } from 'asyncio-ts';
    import { flightRecorder, traceToFile } from 'asyncio-ts/node';
    ${start}
    await run(async function main() {
      createTask(async () => await new Event().wait(), { name: 'stuck' });
      await sleep(0.001);
      ${end}
    });`;
}

describe('a trace file', () => {
  it('holds what happened until it was stopped, with the places of waits', async () => {
    const trace = traceToFile(file);
    await runVirtually(async () => await createTask(async () => await sleep(1), { name: 'nap' }));
    trace.stop();
    const { traceEvents } = read();
    expect(storyOf(traceEvents)).toContain('nap has waited: sleep');
    expect(traceEvents.find(({ name }) => name === 'sleep')!.args!['place']).toContain('trace.test.ts');
  });

  it('is a trace also when nothing has happened, and when it is stopped twice', () => {
    const trace = traceToFile(file, { places: false });
    trace.stop();
    trace.stop();
    expect(read().traceEvents).toEqual([]);
  });

  it('is whole when the process ends by process.exit(), or by an error', () => {
    const start = `traceToFile(${JSON.stringify(file)});`;
    expect(runInProcess(program(start, 'process.exit(3);')).status).toBe(3);
    expect(storyOf(read().traceEvents)).toContain('stuck waits: wait Event');
    expect(runInProcess(program(start, 'setTimeout(() => { throw new Error("boom"); }); await sleep(1);')).status).toBe(
      1,
    );
    expect(storyOf(read().traceEvents)).toContain('stuck waits: wait Event');
  });

  it('that cannot be written is told at once', () => {
    expect(() => traceToFile(path.join(folder, 'no', 'trace.json'))).toThrow(/ENOENT/);
    expect(() => traceToFile(file, { place: true } as never)).toThrow("there is no option 'place'");
    expect(existsSync(file)).toBe(false);
  });
});

describe('a trace file that cannot be written any more', () => {
  it('is reported once, and the program goes on', async () => {
    const error = vi.spyOn(logger, 'error').mockImplementation(() => {});
    const trace = traceToFile(file);
    const write = vi.spyOn(fs, 'writeSync').mockImplementation(() => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    });
    syncBuiltinESMExports();
    try {
      // Enough for several writes.
      const { result } = await runVirtually(async () => {
        for (let i = 0; i < 2_000; i++) await createTask(async () => await sleep(0));
        return 'went on';
      });
      expect(result).toBe('went on');
      trace.stop();
    } finally {
      write.mockRestore();
      syncBuiltinESMExports();
    }
    expect(error.mock.calls).toEqual([[expect.stringContaining('cannot be written any more, and ends in the middle')]]);
    error.mockRestore();
    expect(() => read()).toThrow('ends in the middle');
  });
});

describe('the flight recorder of a process', () => {
  const start = () => `flightRecorder({ file: ${JSON.stringify(file)} });`;

  it('writes on its signal, and the process goes on', () => {
    const rest = `
      process.kill(process.pid, 'SIGUSR2');
      while (!(await import('node:fs')).existsSync(${JSON.stringify(file)})) await sleep(0.001);
      console.log('went on');
      [...(await import('asyncio-ts')).allTasks()].find((task) => task.getName() === 'stuck').cancel();`;
    const { stdout, stderr, status } = runInProcess(program(start(), rest));
    expect({ stdout, status }).toEqual({ stdout: 'went on', status: 0 });
    expect(stderr).toContain(`flight recorder: SIGUSR2; wrote ${file}; to look at it write asyncio trace ${file}`);
    expect(read().otherData.reason).toBe('SIGUSR2');
    expect(storyOf(read().traceEvents)).toContain('stuck waits: wait Event');
  });

  it('writes when an error ends the process, which ends as it would have', () => {
    const { stderr, status } = runInProcess(
      program(start(), 'setTimeout(() => { throw new Error("boom"); }); await sleep(1);'),
    );
    expect(status).toBe(1);
    expect(stderr).toContain('throw new Error("boom")');
    expect(read().otherData.reason).toBe('uncaught: Error: boom');
  });

  it('writes when the process ends while tasks are pending, and not when none is', () => {
    expect(runInProcess(program(start(), 'process.exit(0);')).status).toBe(0);
    expect(read().otherData.reason).toBe('the process ends, and 2 of its tasks are pending');
    rmSync(file);
    runInProcess(`
      import { run, sleep } from 'asyncio-ts';
      import { flightRecorder } from 'asyncio-ts/node';
      ${start()}
      await run(async () => await sleep(0.001));`);
    expect(existsSync(file)).toBe(false);
  });

  it('reports a file that cannot be written, and nothing else happens', () => {
    const place = JSON.stringify(path.join(folder, 'no', 'flight.json'));
    const { stderr, status } = runInProcess(program(`flightRecorder({ file: ${place} });`, 'process.exit(4);'));
    expect(status).toBe(4);
    expect(stderr).toContain('cannot be written: Error: ENOENT');
  });

  it('writes when it is asked to, over what it wrote before, and listens to nothing when it is stopped', async () => {
    const warn = vi.spyOn(logger, 'warn').mockImplementation(() => {});
    const counts = () => ['SIGUSR2', 'exit', 'uncaughtExceptionMonitor'].map((event) => process.listenerCount(event));
    const before = counts();
    const recorder = flightRecorder({ file, events: 100 });
    await runVirtually(async () => await createTask(async () => await sleep(1), { name: 'nap' }));
    recorder.write('first');
    recorder.write('second');
    expect(read().otherData.reason).toBe('second');
    expect(recorder.file).toBe(file);
    recorder.stop();
    expect(counts()).toEqual(before);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('listens to no signal when it is told so, and refuses what is wrong', () => {
    const before = process.listenerCount('SIGUSR2');
    flightRecorder({ file, signal: null }).stop();
    const recorder = flightRecorder({ file, signal: null });
    expect(process.listenerCount('SIGUSR2')).toBe(before);
    recorder.stop();
    expect(() => flightRecorder({ signals: 'SIGUSR1' } as never)).toThrow("there is no option 'signals'");
    expect(() => flightRecorder({ events: -1 })).toThrow('a whole number from 1');
    expect(() => flightRecorder({ signal: 'SIGNOPE' as never })).toThrow('this system has no signal SIGNOPE');
    expect(() => flightRecorder({ signal: 'SIGKILL' })).toThrow('SIGKILL cannot be caught');
  });
});
