import type { Packed } from '../border/packed.ts';

/** The requests of the thread without the loop. `args` is the packed array of arguments. */
export type Request =
  | { readonly type: 'call'; readonly name: string; readonly args: Packed }
  | { readonly type: 'run'; readonly id: number; readonly name: string; readonly args: Packed }
  | { readonly type: 'cancel'; readonly id: number };

/** The answers of the loop's thread. */
export type Response =
  | { readonly type: 'result'; readonly id: number; readonly value: Packed }
  | { readonly type: 'error'; readonly id: number; readonly error: Packed }
  | { readonly type: 'cancelled'; readonly id: number }
  | { readonly type: 'closed' };

/** The functions that other threads may call on a loop, by name. */
export type LoopFunctions = Readonly<Record<string, (...args: never[]) => unknown>>;

/** The program has the ports and may send its own messages through them; these are ignored. */
const MARK = 'asyncio-ts loop';

export function marked<M extends Request | Response>(message: M): object {
  return { [MARK]: message };
}

/** The message; `undefined` when it is not one of the library's. */
export function unmarked<M extends Request | Response>(message: unknown): M | undefined {
  return ((message ?? {}) as { readonly [MARK]?: M })[MARK];
}
