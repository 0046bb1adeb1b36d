/** What a function has returned decides when what it does is over. */

type AnyGenerator = Generator<unknown, unknown, unknown>;

/** A generator of the program. A coroutine of this library, as of `timeout()`, is called a generator as well, and can be awaited too. */
export function isGenerator(value: unknown): value is AnyGenerator {
  return Object.prototype.toString.call(value) === '[object Generator]' && !isThenable(value);
}

/** Reading `then` of something of this library would count as the begin of an await, so it is only looked for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
