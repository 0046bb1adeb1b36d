import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as core from 'asyncio-ts';
import * as testing from 'asyncio-ts/testing';
import * as givens from './example-givens.ts';

/** The examples of the documents and of the docstrings: found, compiled all at once, and run one after the other in one process. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** An example, and where it stands. */
export interface Example {
  /** From the root of the repository. */
  readonly file: string;
  /** The line of its first line of code. */
  readonly line: number;
  readonly code: string;
}

/** What became of an example. */
export interface Verdict {
  /** The compiler's complaints. */
  readonly compileErrors: string[];
  /** What went wrong when it ran, and lines whose output is not what the comment behind them says. */
  readonly runErrors: string[];
}

/** The documents whose examples must run. */
export function documents(): string[] {
  return ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT }).sort()].map((file) => file.replaceAll('\\', '/'));
}

/** The TypeScript blocks of a document: each is a module of its own. */
export function examplesOfDocument(file: string): Example[] {
  const lines = textOf(file).split('\n');
  const examples: Example[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!/^```(ts|typescript)\b/.test(lines[at]!)) continue;
    const end = lines.indexOf('```', at);
    examples.push({ file, line: at + 2, code: lines.slice(at + 1, end).join('\n') });
    at = end;
  }
  return examples;
}

/** The files whose docstrings have examples. */
export function sources(): string[] {
  return globSync('src/**/*.ts', { cwd: ROOT })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => textOf(file).includes('@example'))
    .sort();
}

/** The `@example`s of a file's docstrings. */
export function examplesOfSource(file: string): Example[] {
  const lines = textOf(file).split('\n');
  const examples: Example[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!/^\s*\* @example\s*$/.test(lines[at]!)) continue;
    const code: string[] = [];
    for (let next = at + 1; !/^\s*\*(\/| @)/.test(lines[next]!); next++)
      code.push(lines[next]!.replace(/^\s*\* ?/, ''));
    examples.push({ file, line: at + 2, code: code.join('\n') });
  }
  return examples;
}

export function textOf(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

const EXPORTS = { 'asyncio-ts': Object.keys(core), 'asyncio-ts/testing': Object.keys(testing) };
/** Types have no value, so they cannot be listed at run time. */
const TYPES = ['Coroutine', 'Host'];

/** The text of a module in which the example stands on the same lines as in its file, so that complaints point there. */
function moduleOf({ file, line, code }: Example, folder: string): string {
  if (file.endsWith('.md')) return '\n'.repeat(line - 1) + code;
  const used = (name: string) => new RegExp(`(?<![.\\w])${name}\\b`).test(code);
  const imports = Object.entries(EXPORTS).map(([entry, names]) => `import { ${names.filter(used)} } from '${entry}';`);
  imports.push(`import type { ${TYPES.filter(used)} } from 'asyncio-ts';`);
  const from = path.relative(folder, path.join(ROOT, 'test/support/example-givens.ts')).replaceAll('\\', '/');
  imports.push(
    `import { startTasks, ${Object.keys(givens).filter(used)} } from '${from}';`,
    "import { run as runIt } from 'asyncio-ts';",
  );
  const [before, after] = wrapperOf(code);
  // Tasks belong to a loop, so that each example needs its own.
  const tasks = used('tasks') ? 'const tasks = startTasks();' : '';
  return `${imports.join(' ')}${'\n'.repeat(line - 2)}${before} ${tasks}\n${code}\n${after}`;
}

/** What an example takes for granted: to stand in a coroutine of its spelling, or outside any loop when it runs one. */
function wrapperOf(code: string): [before: string, after: string] {
  if (/\brun\(|Runner\(|runUntilComplete|runOnce/.test(code)) return ['await (async () => {', '})();'];
  if (/^(?!.*\bawait\b)(\S.*)?\byield\*/m.test(code)) return ['await runIt(function* () {', '});'];
  return ['await runIt(async () => {', '});'];
}

/** Compiles and runs examples. */
export async function judge(examples: readonly Example[]): Promise<Map<Example, Verdict>> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'examples-')));
  try {
    // Examples import other packages too, to show what is written without this one.
    await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
    const modules = new Map(examples.map((example) => [fileName(example), example]));
    for (const [name, example] of modules) await writeFile(path.join(folder, name), moduleOf(example, folder));
    const [compileErrors, runErrors] = await Promise.all([compile(folder), execute(folder, [...modules.keys()])]);
    return new Map(
      [...modules].map(([name, example]) => [
        example,
        {
          compileErrors: compileErrors.filter((error) => error.includes(name)),
          runErrors: runErrors.get(name) ?? ['was not run'],
        },
      ]),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

function fileName({ file, line }: Example): string {
  return `${file.replaceAll('/', '_').replace(/\.\w+$/, '')}_${line}.mts`;
}

async function compile(folder: string): Promise<string[]> {
  const config = {
    extends: path.join(ROOT, 'tsconfig.test.json'),
    compilerOptions: {
      typeRoots: [path.join(ROOT, 'node_modules/@types')],
      // Few programs set it, and with it Node's own types refuse `fetch(url, { signal: undefined })`.
      exactOptionalPropertyTypes: false,
    },
    include: ['*.mts'],
  };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout } = await output([tsc, '-p', folder, '--pretty', 'false']);
  const errors = stdout.split(/\n(?=\S)/).filter((line) => line !== '');
  const elsewhere = errors.filter((error) => !/\.mts\(/.test(error));
  if (elsewhere.length > 0) throw new Error(`The compiler complains of something else:\n${elsewhere.join('\n')}`);
  return errors;
}

async function execute(folder: string, names: readonly string[]): Promise<Map<string, string[]>> {
  const support = (name: string) => new URL(name, import.meta.url);
  const { stdout, stderr } = await output([
    ...['--import', support('./from-source.ts').href],
    fileURLToPath(support('./run-examples.ts')),
    ...names.map((name) => path.join(folder, name)),
  ]);
  const results = stdout.split('\n').filter((line) => line !== '');
  if (results.length < names.length && stderr !== '') results.push(JSON.stringify([names[results.length], [stderr]]));
  return new Map(results.map((line) => JSON.parse(line) as [string, string[]]));
}

function output(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => child.on('error', reject).on('close', () => resolve({ stdout, stderr })));
}
