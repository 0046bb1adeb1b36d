import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { withFile } from './command.ts';

const FROM_SOURCE = new URL('./from-source.ts', import.meta.url).href;

/** A process that another one looks at. */
export interface TargetProcess {
  readonly pid: number;
  /** Lines that it has printed. */
  readonly stdout: readonly string[];
  /** Settled when it prints a line. */
  line(text: string): Promise<void>;
  /** What it has written to stderr. */
  readonly stderr: string;
  readonly child: ChildProcess;
}

/**
 * Runs the text of a program in a process of its own, and calls a function when it has printed `ready`; ends the process afterwards.
 *
 * @param execArgv of Node; its inspector takes any free port, so that several tests can run at once
 */
export async function withTarget<T>(
  program: string,
  body: (target: TargetProcess) => Promise<T>,
  execArgv: readonly string[] = ['--inspect-port=0'],
): Promise<T> {
  return await withFile('target.ts', program, async (file) => {
    const child = spawn(process.execPath, [...execArgv, '--import', FROM_SOURCE, file], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout: string[] = [];
    let stderr = '';
    const waiting: { text: string; resolve: () => void; reject: (error: Error) => void }[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      stdout.push(line);
      for (const { text, resolve } of waiting) if (line === text) resolve();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
    void ended.then(() => {
      for (const { text, reject } of waiting) reject(new Error(`the target ended without '${text}': ${stderr}`));
    });
    const target: TargetProcess = {
      pid: child.pid!,
      stdout,
      get stderr() {
        return stderr;
      },
      child,
      line: (text) =>
        new Promise((resolve, reject) => {
          if (stdout.includes(text)) resolve();
          else waiting.push({ text, resolve, reject });
        }),
    };
    try {
      await target.line('ready');
      return await body(target);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });
}
