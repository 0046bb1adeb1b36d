import { pathToFileURL } from 'node:url';
import { inRoot } from './project.ts';

/**
 * The referees test parts of asyncio that come after the core. Takes parts with the export that shows each to be there,
 * and gives those that the built package lacks.
 */
export async function missing(parts: Readonly<Record<string, string>>): Promise<string[]> {
  const built = (await import(pathToFileURL(inRoot('dist/index.js')).href)) as object;
  return Object.keys(parts).filter((part) => !(parts[part]! in built));
}

/** Whether `--name value` or `--name=value` is among the arguments. */
export const has = (args: readonly string[], name: string): boolean =>
  args.some((arg) => arg === name || arg.startsWith(`${name}=`));
