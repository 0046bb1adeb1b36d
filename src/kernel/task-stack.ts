import { describe, describeFunction } from '../internal/describe.ts';
import type { Frame } from './engine/roles.ts';

/** The functions of a task that is not done, from the outermost to the one that waits, if they are known. */
export function stackOfFrames(coro: unknown, parents: readonly Frame[] | null, frame: Frame | null): string[] {
  const root = typeof coro === 'function' ? [describeFunction(coro)] : [];
  const frames = [...(parents ?? []), ...(frame === null ? [] : [frame])];
  return [...root, ...frames.map(describe)];
}

/** The lines of an error's stack, the innermost first, in the format of any engine. */
export function stackOfError(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const lines = error.stack?.split('\n').filter((line) => /^\s+at |@/.test(line)) ?? [];
  return lines.map((line) => line.trim());
}
