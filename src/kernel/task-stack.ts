import { describe, describeFunction } from '../internal/describe.ts';
import type { CallStack, Frame } from './engine/roles.ts';

/** The coroutines of a call stack, each called by the one before it: the outermost first. */
export function framesOf({ _parents: parents, _frame: frame }: CallStack): Frame[] {
  return [...(parents ?? []), ...(frame === null ? [] : [frame])];
}

/** The functions of a task that is not done, from the outermost to the one that waits, if they are known. */
export function stackOfFrames(coro: unknown, stack: CallStack): string[] {
  const root = typeof coro === 'function' ? [describeFunction(coro)] : [];
  return [...root, ...framesOf(stack).map(describe)];
}

/** The lines of an error's stack, the innermost first, in the format of any engine. */
export function stackOfError(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const lines = error.stack?.split('\n').filter((line) => /^\s+at |@/.test(line)) ?? [];
  return lines.map((line) => line.trim());
}
