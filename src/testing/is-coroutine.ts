import { iscoroutine } from '../index.ts';
import type { Coroutine } from '../kernel/lowlevel.ts';

/**
 * Whether a callback of a program has given a coroutine. It may have given anything: the assertions of some test libraries throw when they are
 * asked for a property that they do not have.
 */
export function isCoroutine(value: unknown): value is Coroutine<unknown> {
  try {
    return iscoroutine(value);
  } catch {
    return false;
  }
}
