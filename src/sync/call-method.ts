import { iterableOf } from '../kernel/lowlevel.ts';

/**
 * Calls a method that a subclass may have overridden, perhaps by an async function. `yield*` cannot take the promise of one, so it is called
 * as code of the task; a cancellation then reaches what it waits for.
 *
 * @param own the library's own method, whose result `yield*` takes as it is; `null` when the method counts as overridden
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
