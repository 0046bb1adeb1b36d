import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { Future, Queue, QueueShutDown } from 'asyncio-ts';

/** A foreign program, as a process. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #command: string;
  readonly #lines = new Queue<string>();
  readonly #ended = new Future<number>();
  /** What it has written to its error output. */
  errors = '';

  constructor(command: string, args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
    this.#command = [path.basename(command), ...args].join(' ');
    this.#child = spawn(command, args, { ...options, env: { ...process.env, ...options.env } });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#lines.putNowait(line));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.#child.stdin.on('error', () => {}); // a program need not read what it is given
    this.#child.on('error', (error) => this.#ended.setException(error));
    this.#child.on('close', (code, signal) => {
      if (!this.#ended.done()) this.#ended.setResult(code ?? (signal === null ? 0 : -1));
      this.#lines.shutdown();
    });
  }

  write(text: string | Uint8Array): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#child.kill(signal);
  }

  /** The next line of its output. */
  async line(): Promise<string> {
    try {
      return await this.#lines.get();
    } catch (error) {
      if (!(error instanceof QueueShutDown)) throw error;
      throw new Error(`${this.#command} has ended with ${await this.#ended}, nothing more is written\n${this.errors}`);
    }
  }

  /** All lines up to its end. Fails when it does. */
  async output(): Promise<string[]> {
    const lines = await this.outputAndCode();
    if (lines.code !== 0) throw new Error(`${this.#command} ended with ${lines.code}\n${this.errors}`);
    return lines.output;
  }

  async outputAndCode(): Promise<{ output: string[]; code: number }> {
    const output: string[] = [];
    for await (const line of this.#lines) output.push(line);
    return { output, code: await this.#ended };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** Runs a program that is soon over; gives what it writes. */
export function output(command: string, args: readonly string[], cwd?: string): string {
  const { stdout, stderr, status, error } = spawnSync(command, args, { encoding: 'utf8', cwd });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stderr}`);
  return stdout.trim();
}

/** The first of some programs that is there, `null` when none is. */
export function findProgram(...names: readonly string[]): string | null {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  for (const name of names) {
    const places = name.includes('/') ? [name] : folders.map((folder) => path.join(folder, name));
    const found = places.find((place) => existsSync(place));
    if (found !== undefined) return found;
  }
  return null;
}

/** Runs a program of `examples/` in this runtime, on the same library; gives what it writes. */
export async function example(file: string, ...args: readonly string[]): Promise<string[]> {
  const main = path.join(import.meta.dirname, '../../../examples', file);
  const program = new Program(process.execPath, [...process.execArgv, main, ...args]);
  await using _ = program;
  return await program.output();
}
