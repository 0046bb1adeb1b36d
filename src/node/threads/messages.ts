import type { Packed } from '../border/packed.ts';

/** What the thread without the loop asks for. `args` is of the array of arguments. */
export type Request =
  | { readonly type: 'call'; readonly name: string; readonly args: Packed }
  | { readonly type: 'run'; readonly id: number; readonly name: string; readonly args: Packed }
  | { readonly type: 'cancel'; readonly id: number };

/** What the loop's thread answers. */
export type Response =
  | { readonly type: 'result'; readonly id: number; readonly value: Packed }
  | { readonly type: 'error'; readonly id: number; readonly error: Packed }
  | { readonly type: 'cancelled'; readonly id: number }
  | { readonly type: 'closed' };

/** What a loop lets other threads call, by name. */
export type LoopFunctions = Readonly<Record<string, (...args: never[]) => unknown>>;

/** The program has the ports in its hands, and may send messages of its own through them: those are nobody's. */
const MARK = 'asyncio-ts loop';

export function marked<M extends Request | Response>(message: M): object {
  return { [MARK]: message };
}

/** The message; `undefined` when it comes from somebody else. */
export function unmarked<M extends Request | Response>(message: unknown): M | undefined {
  return ((message ?? {}) as { readonly [MARK]?: M })[MARK];
}
