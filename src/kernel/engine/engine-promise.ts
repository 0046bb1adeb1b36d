import { enginePromise, RESOLVED } from '../runtime/platform.ts';

/** Promises that async functions return, and their `then`. "The engine" is the JavaScript engine here. */

let enginesThen: unknown;

/**
 * Whether a value is a promise such as async functions return. What seems to be an async function may return something
 * else: a proxy of one, for example.
 */
export function isPromiseOfEngine(value: unknown): value is Promise<unknown> {
  return (value as { readonly constructor?: unknown } | null | undefined)?.constructor === enginePromise();
}

/**
 * The `then` of a promise, if it is that of the engine: it calls one of its two functions, once, in a microtask, and in
 * the async context of the call of `then`. Another function (of the promise itself, or one that a tool has put into
 * `Promise.prototype`) may do anything.
 *
 * @returns `null` if it is another function
 */
export function enginesThenOf(promise: Promise<unknown>): typeof promise.then | null {
  enginesThen ??= findEnginesThen();
  const { then } = promise;
  return then === enginesThen ? then : null;
}

const THEN = /^function then\(\) \{\s*\[native code\]\s*\}$/;

/** If a tool has replaced it before this library was loaded, returns a symbol, which no `then` is equal to. */
function findEnginesThen(): unknown {
  const { then } = Object.getPrototypeOf(RESOLVED) as Promise<unknown>;
  return THEN.test(Function.prototype.toString.call(then)) ? then : Symbol('none');
}
