import { typeError } from '../errors/type-error.ts';
import { describe } from './describe.ts';

/**
 * Checks what a call was given as its options: keyword arguments of Python are one object at the end. What programmers of Python write
 * instead is answered with what to write: a value by position (`wait(tasks, 5)`), and a name as it is in Python (`{ return_when: … }`).
 *
 * @param call the function that was called, for messages
 * @param options what it was given; `undefined` is none
 * @param names the options that there are; the first one is what a value by position is taken to mean
 * @throws {TypeError} when it is no object, or has one of the names in Python's spelling
 */
export function checkOptions(call: string, options: unknown, names: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw typeError(
      `${call}: options are one object at the end, got ${describe(options)}; write { ${names[0]}: ${describe(options)} }`,
    );
  }
  for (const key of Object.keys(options)) {
    if (!key.includes('_')) continue;
    const name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (names.includes(name)) throw typeError(`${call}: there is no option ${key}; write { ${name}: … }`);
  }
}
