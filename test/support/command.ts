import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const FROM_SOURCE = new URL('./from-source.ts', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string[];
  readonly stderr: string;
}

/** Called with each line that the process prints. */
export type OnLine = (line: string, child: ChildProcess) => void;

/** Runs the command `asyncio` in a process of its own, on the sources. */
export async function asyncio(args: readonly string[], onLine: OnLine = () => {}): Promise<Ended> {
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' };
  const child = spawn(process.execPath, ['--import', FROM_SOURCE, MAIN, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout.push(line);
    onLine(line, child);
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { code, stdout, stderr };
}

/** Calls a function with the path of a new file, and deletes the file afterwards. */
export async function withFile<T>(name: string, text: string, body: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'asyncio-'));
  try {
    const file = path.join(folder, name);
    await writeFile(file, text);
    return await body(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Runs the text of a program with `asyncio run`. */
export function runText(text: string, args: readonly string[] = [], onLine?: OnLine): Promise<Ended> {
  return withFile('program.ts', text, (file) => asyncio(['run', file, ...args], onLine));
}
