import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** This library, as a program imports it. */
export type Library = typeof import('../index.ts');

export type { Future, Task } from '../index.ts';

/** A copy of the library that is loaded. */
export interface LoadedLibrary {
  readonly api: Library;
  /** The folder of its files. */
  readonly folder: string;
}

/**
 * The copy of the library that a program gets when it imports `asyncio-ts`. When the command is installed somewhere else than
 * the program, that is not the command's own copy, and a loop of one copy cannot run the coroutines of the other.
 *
 * @param file the program's file
 */
export async function libraryOf(file: string): Promise<LoadedLibrary> {
  const own = fileURLToPath(new URL(`../index${path.extname(import.meta.url)}`, import.meta.url));
  const found = resolveFrom(file) ?? own;
  const api: Library =
    found === realpathSync(own) ? await import('../index.ts') : ((await import(pathToFileURL(found).href)) as Library);
  return { api, folder: path.dirname(found) };
}

function resolveFrom(file: string): string | null {
  try {
    return realpathSync(createRequire(file).resolve('asyncio-ts'));
  } catch {
    return null; // a program that does not import the library by its name, or not at all
  }
}
