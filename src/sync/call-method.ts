import { iterableOf } from '../kernel/lowlevel.ts';

/**
 * Calls a method that may be overridden, by an async function as well: `yield*` takes no promise, and a cancellation has to reach what the
 * function waits for.
 *
 * @param own the library's own method, whose result can be iterated
 */
export function callMethod<N extends string>(
  object: { readonly [K in N]: () => unknown },
  name: N,
  own: unknown,
): { [Symbol.iterator](): Iterator<unknown, unknown, unknown> } {
  const method: unknown = object[name];
  if (method === own) return object[name]() as ReturnType<typeof iterableOf>;
  return iterableOf(() => object[name]() as PromiseLike<unknown>);
}
