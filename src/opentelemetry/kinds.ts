/** What a function has returned decides when what it does is over. */

type AnyGenerator = Generator<unknown, unknown, unknown>;

export function isGenerator(value: unknown): value is AnyGenerator {
  return Object.prototype.toString.call(value) === '[object Generator]';
}

/** Reading `then` of something of this library would count as the begin of an await, so it is only looked for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
