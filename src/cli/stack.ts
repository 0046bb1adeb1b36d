import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';

/** Frames of the runtime itself, and of generators being resumed. */
const RUNTIME = /\(?node:|\(<anonymous>\)$|^at native/;

/**
 * The frames of an error's stack that are of interest to the program's author: not those of the library and the runtime.
 *
 * @param library the library's folder
 */
export function framesOf(error: Error, library: string): string[] {
  // Frames of modules have URLs, those of CommonJS and of mapped sources have paths.
  const folders = [`${pathToFileURL(library).href}/`, library + path.sep];
  return allFramesOf(error).filter(
    (frame) => !RUNTIME.test(frame) && !folders.some((folder) => frame.includes(folder)),
  );
}

/** All frames of an error's stack. */
export function allFramesOf(error: Error): string[] {
  const lines = error.stack?.split('\n') ?? [];
  return lines.map((line) => line.trim()).filter((line) => line.startsWith('at '));
}

/** An error's class and message, which may have several lines. */
export function titleOf(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  return error.message === '' ? error.name : `${error.name}: ${error.message}`;
}

/**
 * Whether only the runtime can show where an error is. Node and Bun do not give the place of a syntax error in a module before they
 * report it as an uncaught error.
 */
export function isPlacedByRuntime(error: unknown): boolean {
  if (isBuildMessage(error)) return true;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isBuildMessage);
  if (!(error instanceof SyntaxError)) return false;
  const [first = '', frame = ''] = error.stack?.split('\n') ?? [];
  return first.startsWith('SyntaxError') && frame.includes('(node:internal/modules/');
}

/** Whether it is Bun's error for a module that it cannot load. */
function isBuildMessage(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'BuildMessage';
}
