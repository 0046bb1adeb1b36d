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

/** As above, whether it can be waited for. */
export function isAwaitable(value: unknown): boolean {
  try {
    return isCoroutine(value) || typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
  } catch {
    return false;
  }
}
