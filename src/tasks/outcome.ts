import type { Future } from '../kernel/lowlevel.ts';

/** The error of a done future: also the `CancelledError` of a cancelled one; `null` for a result. */
export function errorOf(future: Future<unknown>): unknown {
  try {
    return future.exception();
  } catch (cancelled) {
    return cancelled;
  }
}
