import type { PortableError } from '../portable-error.ts';

/** What the thread without the loop asks for. */
export type Request =
  | { readonly type: 'call'; readonly name: string; readonly args: readonly unknown[] }
  | { readonly type: 'run'; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly type: 'cancel'; readonly id: number };

/** What the loop's thread answers. */
export type Response =
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: PortableError }
  | { readonly type: 'cancelled'; readonly id: number }
  | { readonly type: 'closed' };

/** What a loop lets other threads call, by name. */
export type LoopFunctions = Readonly<Record<string, (...args: never[]) => unknown>>;
