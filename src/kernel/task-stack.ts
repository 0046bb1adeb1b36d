import { describe, describeFunction } from '../internal/describe.ts';
import type { CallStack, Frame } from './engine/roles.ts';

/** The coroutines of a call stack that have not ended, each called by the one before it: the outermost first. */
export function framesOf(stack: CallStack): Frame[] {
  const { _parents: parents, _frame: frame, _following: following, _task: task } = stack;
  // A task keeps the coroutine that it was made of: as a parent while its lines end, where nothing runs on top of it,
  // and when it is done.
  const hasEnded = frame === null ? following === null : stack === task && task.done();
  if (hasEnded) return [];
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
