import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** This library, as a program imports it. */
export type Library = typeof import('../index.ts');
type NodeLibrary = typeof import('../node/index.ts');

export type { Future, Task } from '../index.ts';

/** A copy of the library that is loaded. */
export interface LoadedLibrary {
  readonly api: Library;
  /** The folder of its files. */
  readonly folder: string;
  /** Loads its part for Node. An older copy may lack some of what this one has. */
  node(): Promise<Partial<NodeLibrary>>;
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
  const isOwn = found === realpathSync(own);
  const api: Library = isOwn ? await import('../index.ts') : ((await import(pathToFileURL(found).href)) as Library);
  const node = () => (isOwn ? import('../node/index.ts') : importNode(found));
  return { api, folder: path.dirname(found), node };
}

async function importNode(index: string): Promise<Partial<NodeLibrary>> {
  const file = path.join(path.dirname(index), 'node', path.basename(index));
  return existsSync(file) ? ((await import(pathToFileURL(file).href)) as Partial<NodeLibrary>) : {};
}

function resolveFrom(file: string): string | null {
  try {
    return realpathSync(createRequire(file).resolve('asyncio-ts'));
  } catch {
    return null; // a program that does not import the library by its name, or not at all
  }
}
