/**
 * `yield* promise`, which everybody writes once: a promise cannot be iterated, and what the runtime says of that ("object is not iterable")
 * tells nobody what to write. The error is the runtime's own, thrown in the coroutine; when it leaves a frame, it gets a second sentence.
 *
 * It cannot be seen what was iterated, so that the sentence begins with "if".
 */

/** V8: of `yield* p` and of `yield* f()`; JavaScriptCore: the same. */
const NOT_ITERABLE =
  /^(?:object is not iterable \(cannot read property Symbol\(Symbol\.iterator\)\)|yield\* .* is not (?:iterable|a function.*)|undefined is not a function \(near '\.\.\.yield\*.*)$/s;

const HINT = '; if it is a promise: a generator coroutine waits for one with `yield* wrapPromise(promise)`';

/** Completes the message of an error that a frame has thrown, where it is that of a `yield*` of something that cannot be iterated. */
export function explainNotIterable(thrown: unknown): void {
  if (typeof thrown !== 'object' || thrown === null) return;
  try {
    if (!(thrown instanceof TypeError) || !Object.hasOwn(thrown, 'message') || !NOT_ITERABLE.test(thrown.message))
      return;
    const { message, stack } = thrown;
    thrown.message = message + HINT;
    if (stack?.includes(HINT) === false) thrown.stack = stack.replace(message, () => message + HINT);
  } catch {
    // a proxy that throws, or a frozen error
  }
}
