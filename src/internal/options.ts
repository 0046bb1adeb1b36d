import { typeError } from '../errors/type-error.ts';
import { describe } from './describe.ts';

/**
 * Checks the options of a call: Python's keyword arguments become one object at the end. When a call is written as in Python
 * instead, the error says what to write: for a value by position (`wait(tasks, 5)`), and for a name in Python's spelling (`{ return_when: …
 * }`). A misspelt name would have no effect and be noticed late, so it is an error as well.
 *
 * @param call the function that was called, for messages
 * @param options what it was given; `undefined` is none
 * @param names the options that there are; the first one is what a value by position is taken to mean
 * @param isWork whether the call gives something that a task can await, so that `timeout` and `createTask` may be written around it; not so
 * where it gives an iterator, or begins a loop
 * @throws {TypeError} when it is no object, one of a class that has none of the names, or has another name whose value is not `undefined`
 */
export function checkOptions(
  call: string,
  options: unknown,
  names: readonly string[],
  isWork = /^[a-z]\w*$/.test(call),
): void {
  if (options === undefined) return;
  if (!areOptions(options, names)) {
    const shown = describe(options);
    let written = `{ ${names[0]}: ${shown} }`;
    if (typeof options === 'object' && options !== null) written = `{ ${names.join(', ')} }`;
    // No name of a task: an argument for its function, as those write it who know `setTimeout(f, 100, x)`.
    else if (names[0] === 'name' && typeof options !== 'string') written = `${call}(() => f(${shown}))`;
    throw typeError(`${call}: options are one object at the end, got ${shown}; write ${written}`);
  }
  const wrong = unknownOption(options, names);
  if (wrong === undefined) return;
  throw typeError(
    `${call}: there is no option ${describe(wrong)}${adviceFor(call, wrong, names, isWork)}; ${list(names)}`,
    'UNKNOWN_OPTION',
  );
}

function adviceFor(call: string, wrong: string, names: readonly string[], isWork: boolean): string {
  // What functions of others have as options is for whole pieces of work here, so the nearest name would lead astray.
  if (isWork) {
    if (wrong === 'timeout') return `; write timeout(5, () => ${call}(…))`;
    if (wrong === 'signal') return `; write createTask(() => ${call}(…), { signal })`;
  }
  const meant = nearest(wrong, names);
  return meant === undefined ? '' : `; write { ${meant}: … }`;
}

/** An object of names; an object of a class is one when it has one of them. */
function areOptions(options: unknown, names: readonly string[]): options is Readonly<Record<string, unknown>> {
  if (isPlain(options)) return true;
  return typeof options === 'object' && options !== null && names.some((name) => name in options);
}

/** The first name with a value that is none of those that there are. */
export function unknownOption(
  options: Readonly<Record<string, unknown>>,
  names: readonly string[],
): string | undefined {
  for (const key of Object.keys(options)) if (!names.includes(key) && options[key] !== undefined) return key;
  return undefined;
}

function list(names: readonly string[]): string {
  return names.length === 1 ? `its only option is ${names[0]}` : `its options are ${names.join(', ')}`;
}

/** The name that was most likely meant; `undefined` when none is like what was written. */
export function nearest(written: string, names: readonly string[]): string | undefined {
  const plain = (name: string): string => name.replace(/[^a-z0-9]/gi, '').toLowerCase();
  const wanted = plain(written);
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const other = plain(name);
    const isPart = Math.min(wanted.length, other.length) > 2 && (other.includes(wanted) || wanted.includes(other));
    const distance = isPart ? Math.min(1, distanceOf(wanted, other)) : distanceOf(wanted, other);
    if (distance < least && distance <= Math.max(1, Math.ceil(other.length / 3))) {
      best = name;
      least = distance;
    }
  }
  return best;
}

/** How many letters have to be added, left out or changed to make one word of another. */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const changed = row[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, changed));
    }
    row = next;
  }
  return row[other.length]!;
}

/**
 * Checks an option, or another argument, that is to be called later: by then, nobody would know who has given it.
 *
 * @param what the call and the option, for messages
 * @throws {TypeError} when it is neither a function nor absent
 */
export function checkCallback(what: string, callback: unknown): void {
  if (callback === undefined || callback === null || typeof callback === 'function') return;
  throw typeError(`${what} must be a function, got ${describe(callback)}`, 'NOT_CALLABLE');
}

/**
 * A parameter that Python takes by position and by name: `new Queue(5)` and `new Queue({ maxsize: 5 })` are the same call.
 *
 * @param call the call as it is written, up to its arguments: `new Queue`
 * @param names the names that may be in the object; the first one is the parameter's
 * @param given what the call was given in its place
 * @param otherwise the value where none is given
 * @param example what to write as its value; what was given when absent
 * @returns the value; anything that is neither a value nor an object with names is returned unchanged, so that the caller, who knows the
 * type, can refuse it
 * @throws {TypeError} when the object has other names
 */
export function byNameOrPosition<T>(
  call: string,
  names: readonly [string, ...string[]],
  given: unknown,
  otherwise: T,
  example?: string,
): T {
  if (given === undefined) return otherwise;
  if (!isPlain(given) || Object.keys(given).length === 0) return given as T;
  const wrong = unknownOption(given, names);
  if (wrong === undefined) return given[names[0]] === undefined ? otherwise : (given[names[0]] as T);
  throw typeError(
    `${call}: there is no option ${describe(wrong)}; ` +
      `write ${call}({ ${nearest(wrong, names) ?? names[0]}: ${example ?? describe(given[wrong])} }); ${list(names)}`,
    'UNKNOWN_OPTION',
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
  // The prototype of an object of another realm is not ours, but has none itself either.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
