/** What a check may claim. Each function throws an error that shows what it found. */

type ErrorClass<E> = abstract new (...args: never[]) => E;

export function ok(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`expected ${what}`);
}

/** Arrays, sets and plain objects are compared by what they hold, everything else as `Object.is` does. */
export function equal(actual: unknown, expected: unknown, what = ''): void {
  if (isSame(actual, expected)) return;
  throw new Error(`${what === '' ? '' : `${what}: `}expected ${show(expected)}, got ${show(actual)}`);
}

/** The error that a function throws, which must be of a class and match a pattern. */
export function throws<E>(fn: () => unknown, expected: ErrorClass<E>, message?: RegExp): E {
  let result: unknown;
  try {
    result = fn();
  } catch (error) {
    return checked(error, expected, message);
  }
  throw new Error(`expected ${expected.name} to be thrown, got the result ${show(result)}`);
}

/** As `throws`, of a promise: what it rejects with. */
export async function rejects<E>(promise: PromiseLike<unknown>, expected: ErrorClass<E>, message?: RegExp): Promise<E> {
  let result: unknown;
  try {
    result = await promise;
  } catch (error) {
    return checked(error, expected, message);
  }
  throw new Error(`expected a rejection with ${expected.name}, got the result ${show(result)}`);
}

/** The error itself, when it is of a class and matches a pattern. */
export function checked<E>(error: unknown, expected: ErrorClass<E>, message = /(?:)/): E {
  if (!(error instanceof expected)) throw new Error(`expected ${expected.name}, got ${show(error)}`, { cause: error });
  const text = error instanceof Error ? error.message : String(error);
  if (!message.test(text)) throw new Error(`expected a message like ${message}, got ${show(text)}`, { cause: error });
  return error;
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  if (a instanceof Set && b instanceof Set) return isSame([...a], [...b]);
  return isPlain(a) && isPlain(b) && isSame(Object.entries(a), Object.entries(b));
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** As much of a text as one wants to read. */
const SHOWN = 300;

export function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length <= SHOWN ? value : `${value.slice(0, SHOWN)}… (${value.length})`);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (value instanceof Set) return `Set ${show([...value])}`;
  if (isPlain(value)) return `{ ${Object.entries(value).map(([key, item]) => `${key}: ${show(item)}`)} }`;
  return String(value);
}
