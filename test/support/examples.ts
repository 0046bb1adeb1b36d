import { spawn } from 'node:child_process';
import { mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Example, ROOT } from './example-files.ts';
import { moduleOf } from './example-modules.ts';

/** Compiles examples, all at once, and runs them, one after the other in one process. */

/** What became of an example. */
export interface Verdict {
  /** The compiler's complaints. */
  readonly compileErrors: string[];
  /** What went wrong when it ran, and lines whose output is not what the comment behind them says. */
  readonly runErrors: string[];
}

/** Compiles and runs examples. */
export async function judge(examples: readonly Example[]): Promise<Map<Example, Verdict>> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'examples-')));
  try {
    // Examples import other packages too, to show what is written without this one.
    await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
    const modules = new Map(examples.map((example) => [fileName(example), example]));
    for (const [name, example] of modules) await writeFile(path.join(folder, name), moduleOf(example, folder));
    const [compileErrors, runErrors] = await Promise.all([compile(folder), executeAll(folder, modules)]);
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
    },
    include: ['*.mts'],
  };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout } = await output([tsc, '-p', folder, '--pretty', 'false']);
  const errors = stdout.split(/\n(?=\S)/).filter((line) => line !== '');
  const general = errors.filter((error) => !/^\S+\(\d+,\d+\)/.test(error)); // of no file: the settings are wrong
  if (general.length > 0) throw new Error(`The compiler complains:\n${general.join('\n')}`);
  return errors;
}

/** Time is simulated, except for what uses the system. */
async function executeAll(folder: string, modules: ReadonlyMap<string, Example>): Promise<Map<string, string[]>> {
  const names = [...modules.keys()];
  const isReal = (name: string) => usesTheSystem(modules.get(name)!);
  const results = await Promise.all([
    execute(
      folder,
      names.filter((name) => !isReal(name)),
      'simulated',
    ),
    execute(folder, names.filter(isReal), 'real'),
  ]);
  return new Map(results.flatMap((verdicts) => [...verdicts]));
}

function usesTheSystem({ file, code }: Example): boolean {
  return /^src\/(node|streams)\//.test(file) || /asyncio-ts\/node|addSignalHandler/.test(code);
}

async function execute(
  folder: string,
  names: readonly string[],
  time: 'real' | 'simulated',
): Promise<Map<string, string[]>> {
  const support = (name: string) => new URL(name, import.meta.url);
  const { stdout, stderr } = await output([
    ...['--import', support('./from-source.ts').href],
    fileURLToPath(support('./run-examples.ts')),
    time,
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
