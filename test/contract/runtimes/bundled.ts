import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { inRoot } from '../../../scripts/lib/project.ts';
import { findExecutable, nodePlaces } from '../../../scripts/lib/runtimes.ts';
import type { Failure, Report } from '../lib/report.ts';
import type { Bundle } from './bundlers.ts';
import { runProcess } from './processes.ts';
import type { Result, Runtime } from './runtime.ts';

/** The suite, in a bundle of this name. */
const SUITE = 'suite';
/** How long a program of `alone/` may take, in milliseconds. */
const TIME_TO_END = 10_000;

/** Node with bundles: the checks of the core in one of them, and each program of `alone/` in one of its own. */
export function bundledRuntime(name: string, bundle: Bundle): Runtime {
  return {
    name,
    advice: 'it comes with `npm ci`',
    find() {
      const node = findExecutable(nodePlaces(26), '26.');
      return node === null ? null : () => runBundles(node.path, node.version, bundle);
    },
  };
}

async function runBundles(node: string, version: string, bundle: Bundle): Promise<Result> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'asyncio-ts-bundled-'));
  try {
    const programs = await prepare(folder);
    const output = path.join(folder, 'output');
    await bundle({ folder, programs, output });
    const began = performance.now();
    const failures: Failure[] = [];
    const alone = Object.keys(programs).filter((name) => name !== SUITE);
    for (const name of alone) {
      const problem = await problemOf(node, path.join(output, `${name}.mjs`));
      if (problem !== null) failures.push({ name: `a bundle of test/contract/alone/${name}.ts`, message: problem });
    }
    const suite = await runProcess(node, [path.join(output, `${SUITE}.mjs`)]);
    const report: Report = {
      checks: suite.checks + alone.length,
      failures: [...failures, ...suite.failures],
      seconds: (performance.now() - began) / 1_000,
    };
    return { version, report };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A project as a user has it: the package in its `node_modules`, and programs in JavaScript that import it by its name. */
async function prepare(folder: string): Promise<Readonly<Record<string, string>>> {
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(inRoot(), path.join(folder, 'node_modules', 'asyncio-ts'), 'junction');
  // A bundle may leave this dependency of the package outside.
  symlinkSync(inRoot('node_modules/piscina'), path.join(folder, 'node_modules', 'piscina'), 'junction');
  const sources: Record<string, string> = { [SUITE]: inRoot('test/contract/entries/core.ts') };
  for (const file of globSync('*.ts', { cwd: inRoot('test/contract/alone') })) {
    sources[path.basename(file, '.ts')] = inRoot('test/contract/alone', file);
  }
  await build({
    entryPoints: sources,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['asyncio-ts', 'asyncio-ts/*'],
    ignoreAnnotations: true, // what package.json says of side effects is about dist, not about the suite
    logLevel: 'error',
  });
  return Object.fromEntries(Object.keys(sources).map((name) => [name, path.join(folder, `${name}.mjs`)]));
}

/** Runs a program that ends by itself, with exit code 0 when all is well; gives what is wrong. */
async function problemOf(node: string, file: string): Promise<string | null> {
  const child = spawn(node, [file], { stdio: ['ignore', 'ignore', 'pipe'], timeout: TIME_TO_END });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  const [code, signal] = await once(child, 'close');
  if (code === 0 && text === '') return null;
  // A bundle has lines as long as a file, which the runtime shows when they throw.
  const lines = text.split('\n').filter((line) => line.trim() !== '' && line.length < 500);
  return `ended with ${signal ?? `code ${code}`}\n${lines.join('\n')}`;
}
