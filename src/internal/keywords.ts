import { typeError } from '../errors/type-error.ts';
import { describe } from './describe.ts';
import { checkOptions, isPlain } from './options.ts';

/**
 * The arguments of a call, by name. Python's parameters may be given by position or by name; named ones are given as one object at
 * the end: `f(host, port, { ssl })`, `f(host, { port, ssl })` and `f({ host, port, ssl })` are the same call.
 *
 * @param name the function that was called, for messages
 * @param parameters the names of the parameters that can be given by position
 * @param names the names of the other options
 * @param given the arguments of the call
 * @throws {TypeError} when something is given twice, the options are not an object, or there is no option of a name
 */
export function byName<O extends object>(
  name: string,
  parameters: readonly string[],
  names: readonly string[],
  given: readonly unknown[],
): O {
  const last = given.at(-1);
  const hasOptions = given.length > parameters.length || isPlain(last);
  const options = hasOptions ? (last ?? {}) : {};
  if (!isPlain(options)) {
    throw typeError(
      `${name}: options are one object after the other arguments, got ${describe(options)}; write ${name}(${parameters.join(', ')}, { … })`,
    );
  }
  if (hasOptions) checkOptions(name, options, [...parameters, ...names]);
  const positional = hasOptions ? given.slice(0, -1) : given;
  const all: Record<string, unknown> = { ...options };
  for (const [index, value] of positional.entries()) {
    const parameter = parameters[index] as string;
    if (value === undefined) continue;
    if (all[parameter] !== undefined) {
      throw typeError(
        `${name}: ${parameter} is given twice, by position and by name; write ${name}(${parameters.join(', ')}) or ` +
          `${name}({ ${parameters.join(', ')} })`,
      );
    }
    all[parameter] = value;
  }
  return all as O;
}
