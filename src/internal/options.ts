import { typeError } from '../errors/type-error.ts';
import { describe } from './describe.ts';

/**
 * Checks the options of a call: Python's keyword arguments become one object at the end. When a call is written as in Python
 * instead, the error says what to write: for a value by position (`wait(tasks, 5)`), and for a name in Python's spelling (`{ return_when: …
 * }`).
 *
 * @param call the function that was called, for messages
 * @param options what it was given; `undefined` is none
 * @param names the options that there are; the first one is what a value by position is taken to mean
 * @throws {TypeError} when it is no object, one of a class that has none of the names, or has one of the names in Python's spelling
 */
export function checkOptions(call: string, options: unknown, names: readonly string[]): void {
  if (options === undefined) return;
  const isObject = typeof options === 'object' && options !== null;
  if (!isObject || !(isPlain(options) || names.some((name) => name in options))) {
    const shown = describe(options);
    const written = isObject ? names.join(', ') : `${names[0]}: ${shown}`;
    throw typeError(`${call}: options are one object at the end, got ${shown}; write { ${written} }`);
  }
  checkSpelling(call, options, names);
}

/**
 * Answers a name as Python spells it with how it is spelled here.
 *
 * @param names the options that there are; any when absent
 * @throws {TypeError} `{ return_when: … }`
 */
export function checkSpelling(call: string, options: object, names?: readonly string[]): void {
  for (const key of Object.keys(options)) {
    const name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (name !== key && (names?.includes(name) ?? true))
      throw typeError(`${call}: there is no option ${key}; write { ${name}: … }`);
  }
}

/**
 * A parameter that Python takes by position and by name: `new Queue(5)` and `new Queue({ maxsize: 5 })` are the same call.
 *
 * @param call the function that was called, for messages
 * @param names the names that may be in the object; the first one is the parameter's
 * @param given what the call was given in its place
 * @param otherwise the value where none is given
 * @returns the value; anything that is neither a value nor an object with names is returned unchanged, so that the caller, who knows the
 * type, can refuse it
 * @throws {TypeError} when the object has other names
 */
export function byNameOrPosition<T>(
  call: string,
  names: readonly [string, ...string[]],
  given: unknown,
  otherwise: T,
): T {
  if (given === undefined) return otherwise;
  const keys = isPlain(given) ? Object.keys(given) : [];
  if (!isPlain(given) || keys.length === 0) return given as T;
  const wrong = keys.find((key) => !names.includes(key));
  if (wrong === undefined) return given[names[0]] === undefined ? otherwise : (given[names[0]] as T);
  throw typeError(
    `${call}: there is no option ${describe(wrong)}; write ${call}({ ${names[0]}: ${describe(given[wrong])} })`,
  );
}

/**
 * A parameter that takes any value, by position or by name: `cancel('late')` and `cancel({ msg: 'late' })` are the same call. An object is
 * taken for names only when it has the parameter's and no other, so that all other objects are values.
 */
export function anyByName<T>(name: string, given: T | Readonly<Record<string, T>>): T {
  try {
    if (isPlain(given) && Object.keys(given).join() === name) return given[name] as T;
  } catch {
    // a proxy that throws: a value as any other
  }
  return given as T;
}

/** Whether a value is an object of names, and not one that a parameter may be. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
