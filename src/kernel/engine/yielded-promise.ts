/**
 * `yield* promise` is a common mistake: a promise cannot be iterated, and the runtime's error ("object is not
 * iterable") does not say what to write. The runtime throws it inside the coroutine. When it leaves a frame, a second
 * sentence is added to it.
 *
 * The error does not tell what was iterated, so the sentence begins with "if".
 */

/** The messages for `yield* p` and `yield* f()` in V8, and in JavaScriptCore. */
const NOT_ITERABLE =
  /^(?:object is not iterable \(cannot read property Symbol\(Symbol\.iterator\)\)|yield\* .* is not (?:iterable|a function.*)|undefined is not a function \(near '\.\.\.yield\*.*)$/s;

const HINT = '; if it is a promise: a generator coroutine waits for one with `yield* wrapPromise(promise)`';

/** Adds the second sentence to an error that a frame has thrown, if it is the runtime's error of `yield*`. */
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
