import path from 'node:path';
import type { LoadedLibrary } from './library.ts';
import { UsageError } from './usage-error.ts';

/**
 * Traces what a program's copy of the library does from now on into a file.
 *
 * @throws {UsageError} when the file cannot be written, or the copy is too old
 */
export async function traceRun(file: string, { folder, part }: LoadedLibrary): Promise<{ stop(): void }> {
  const { traceToFile } = await part('node');
  if (traceToFile === undefined) {
    throw new UsageError(`run: --trace needs a newer asyncio-ts than that of the program, which is in ${folder}`);
  }
  try {
    return traceToFile(path.resolve(file));
  } catch (error) {
    throw new UsageError(`cannot write '${file}': ${(error as Error).message}`);
  }
}
