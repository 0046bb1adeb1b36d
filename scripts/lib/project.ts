import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

/** The root of the repository. */
export const root: string = path.resolve(import.meta.dirname, '../..');

export const inRoot = (...parts: string[]): string => path.join(root, ...parts);

/** Runs a command in the root with this process's input and output; gives its exit code. */
export function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): number {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (result.error !== undefined) throw result.error;
  return result.status ?? 1;
}

/** Says so that nobody overlooks it; `.ci/run` collects the lines that begin with SKIPPED. */
export function skipped(why: string): void {
  const line = '*'.repeat(72);
  console.log(`${line}\nSKIPPED: ${why}\n${line}`);
}

/** Ends the process, with what to do, when the package is not built. */
export function needBuild(): void {
  if (existsSync(inRoot('dist/index.js')) && existsSync(inRoot('dist/index.d.ts'))) return;
  console.error('dist/index.js is missing: run `npm run build` first');
  process.exit(2);
}
