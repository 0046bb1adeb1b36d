import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { inRoot } from './project.ts';

/** A runtime that is there. */
export interface Executable {
  readonly path: string;
  readonly version: string;
}

/** Where the executable of a runtime may be, the best place first. */
export type Places = readonly string[];

/** A Node of one major version: the one that runs this, or one of the dev dependencies. */
export function nodePlaces(major: number): Places {
  const folders = [`node-${major}`, 'node'].map((name) => inRoot('node_modules', name, 'bin'));
  return [process.execPath, ...folders.flatMap((folder) => [`${folder}/node`, `${folder}/node.exe`])];
}

export const bunPlaces: Places = [inRoot('node_modules/bun/bin/bun.exe')];
export const denoPlaces: Places = [inRoot('node_modules/deno/deno'), inRoot('node_modules/deno/deno.exe')];

/** The first of the executables whose version begins as wanted. */
export function findExecutable(places: Places, version = ''): Executable | null {
  for (const path of places) {
    const found = versionOf(path);
    if (found?.startsWith(version)) return { path, version: found };
  }
  return null;
}

function versionOf(executable: string): string | null {
  if (!existsSync(executable)) return null;
  const { stdout } = spawnSync(executable, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  return /\d+\.\d+\.\d+[^\s]*/.exec(stdout ?? '')?.[0] ?? null;
}
