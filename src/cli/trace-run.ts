import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LoadedLibrary } from './library.ts';
import { UsageError } from './usage-error.ts';

/**
 * Traces what a program's copy of the library does from now on into a file.
 *
 * @throws {UsageError} when the file cannot be written, or the copy is too old
 */
export async function traceRun(file: string, { folder }: LoadedLibrary): Promise<{ stop(): void }> {
  const names = ['node/index.js', 'node/index.ts'].map((name) => path.join(folder, name));
  const found = names.find((name) => existsSync(name));
  const node = found === undefined ? {} : ((await import(pathToFileURL(found).href)) as Partial<NodeLibrary>);
  if (node.traceToFile === undefined) {
    throw new UsageError(`run: --trace needs a newer asyncio-ts than the one of the program, which is in ${folder}`);
  }
  try {
    return node.traceToFile(path.resolve(file));
  } catch (error) {
    throw new UsageError(`cannot write '${file}': ${(error as Error).message}`);
  }
}

type NodeLibrary = typeof import('../node/index.ts');
