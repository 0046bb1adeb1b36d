import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { inRoot, root } from '../../../scripts/lib/project.ts';
import { findExecutable, type Places } from '../../../scripts/lib/runtimes.ts';
import { REPORT_MARK, type Report } from '../lib/report.ts';
import type { Runtime } from './runtime.ts';

/** In milliseconds: for all of the suite, and for the end of the process once there is a report. */
const TIME_TO_REPORT = 120_000;
const TIME_TO_END = 5_000;

const REPORT_LINE = new RegExp(`^${REPORT_MARK}(.*)\n`, 'm');

/** A program that runs an entry of the suite as a process. */
interface Program {
  readonly name: string;
  readonly advice: string;
  readonly places: Places;
  /** How its version begins. */
  readonly version?: string;
  readonly args?: readonly string[];
  readonly entry?: string;
}

export function processRuntime({
  name,
  advice,
  places,
  version = '',
  args = [],
  entry = 'process.ts',
}: Program): Runtime {
  return {
    name,
    advice,
    find() {
      const executable = findExecutable(places, version);
      if (executable === null) return null;
      const command = [...args, inRoot('test/contract/entries', entry)];
      return async () => ({ version: executable.version, report: await runProcess(executable.path, command) });
    },
  };
}

/** Runs a program that writes a report. */
export async function runProcess(executable: string, args: readonly string[]): Promise<Report> {
  const { ASYNCIO_DEBUG: _debug, NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(executable, args, {
    cwd: root,
    env: { ...env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collect(child);
  const [code, signal] = await once(child, 'close');
  const { report, text, wasKilled } = output();
  const how = wasKilled ? 'did not end by itself' : code === 0 ? null : `ended with ${signal ?? `code ${code}`}`;
  if (report === null) throw new Error(`the process ${how ?? 'ended'} without a report; its output:\n${text}`);
  if (how === null) return report;
  return { ...report, failures: [...report.failures, { name: 'the process', message: `${how}\n${text}` }] };
}

/** What a process writes: its report, and the rest. Ends the process when it takes too long. */
function collect(child: ChildProcessByStdio<null, Readable, Readable>) {
  let text = '';
  let report: Report | null = null;
  let wasKilled = false;
  const giveUp = (): void => {
    wasKilled = child.kill('SIGKILL');
  };
  let timer = setTimeout(giveUp, TIME_TO_REPORT);
  const read = (data: string): void => {
    text += data;
    const line = REPORT_LINE.exec(text);
    if (line === null) return;
    text = text.replace(REPORT_LINE, '');
    report = JSON.parse(line[1] ?? '') as Report;
    clearTimeout(timer);
    timer = setTimeout(giveUp, TIME_TO_END);
  };
  child.stdout.setEncoding('utf8').on('data', read);
  child.stderr.setEncoding('utf8').on('data', read);
  return () => {
    clearTimeout(timer);
    return { report: report as Report | null, text, wasKilled };
  };
}
