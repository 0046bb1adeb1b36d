/** The promises that async functions return. */

let enginePromise: unknown;
let enginesThen: unknown;

/** Whether an async function has returned what they all return. A proxy of one may return anything. */
export function isPromiseOfEngine(value: unknown): value is Promise<unknown> {
  enginePromise ??= (async () => {})().constructor;
  return (value as { readonly constructor?: unknown } | null | undefined)?.constructor === enginePromise;
}

/**
 * The `then` of a promise when it is the engine's: it calls one of its two functions, once, from a job of its own, in the async context of
 * the call of `then`. Of another function (the promise's own, or what a tool has put into `Promise.prototype`) nothing is known.
 *
 * @returns `null` when it is another one
 */
export function enginesThenOf(promise: Promise<unknown>): typeof promise.then | null {
  enginesThen ??= findEnginesThen();
  const { then } = promise;
  return then === enginesThen ? then : null;
}

const THEN = /^function then\(\) \{\s*\[native code\]\s*\}$/;

/** A tool may have replaced it before this library was loaded. Then there is none, and no promise has it. */
function findEnginesThen(): unknown {
  const { then } = Object.getPrototypeOf((async () => {})()) as Promise<unknown>;
  return THEN.test(Function.prototype.toString.call(then)) ? then : Symbol('none');
}
