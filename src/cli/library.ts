import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** This library, as a program imports it. */
export type Library = typeof import('../index.ts');

/** The parts of the library beside its core that commands use, by the names of their folders. */
interface Parts {
  readonly node: typeof import('../node/index.ts');
  readonly distributed: typeof import('../distributed/index.ts');
  readonly bullmq: typeof import('../bullmq/index.ts');
  readonly nats: typeof import('../nats/index.ts');
}

/** Those of the command's own copy. */
const OWN_PARTS: { readonly [P in keyof Parts]: () => Promise<Parts[P]> } = {
  node: () => import('../node/index.ts'),
  distributed: () => import('../distributed/index.ts'),
  bullmq: () => import('../bullmq/index.ts'),
  nats: () => import('../nats/index.ts'),
};

export type { Future, Task } from '../index.ts';

/** A copy of the library that is loaded. */
export interface LoadedLibrary {
  readonly api: Library;
  /** The folder of its files. */
  readonly folder: string;
  /** Loads a part of it. An older copy may lack some of what this one has. */
  part<P extends keyof Parts>(name: P): Promise<Partial<Parts[P]>>;
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
  const folder = path.dirname(found);
  if (found === realpathSync(own))
    return { api: await import('../index.ts'), folder, part: (name) => OWN_PARTS[name]() };
  const load = async (other: string) => (await import(pathToFileURL(other).href)) as unknown;
  const part = async <P extends keyof Parts>(name: P): Promise<Partial<Parts[P]>> => {
    const index = path.join(folder, name, path.basename(found));
    return existsSync(index) ? ((await load(index)) as Partial<Parts[P]>) : {};
  };
  return { api: (await load(found)) as Library, folder, part };
}

function resolveFrom(file: string): string | null {
  try {
    return realpathSync(createRequire(file).resolve('asyncio-ts'));
  } catch {
    return null; // a program that does not import the library by its name, or not at all
  }
}
