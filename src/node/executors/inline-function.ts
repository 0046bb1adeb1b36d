import { Script } from 'node:vm';
import { typeError } from '../../errors/type-error.ts';
import { describeFunction } from '../../internal/describe.ts';
import type { InlineWork } from './work.ts';

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;
const CLASS = /^class\b/;
const GENERATOR = /Generator/;
/** Parts of a source that are not searched for keywords. */
const COMMENTS_AND_STRINGS = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|\$(?!\{)|[^`\\$])*`/g;
const OBJECT_WORDS = /(?<![.\w$])(?:this|super)\b/;

/** The results for sources that were checked before, because parsing takes longer than sending. */
const expressions = new Map<string, string>();
const MOST_EXPRESSIONS = 1_000;

const WAY_OUT = 'write a function that needs nothing from outside, or name one with moduleFunctions()';

/**
 * A function as source text. Captured variables cannot be detected here; functions that certainly cannot run in a worker are refused.
 *
 * @throws {TypeError} for native and bound functions, classes, generator functions, and methods that use their object
 */
export function inlineWork(fn: (...args: never[]) => unknown): InlineWork {
  const source = Function.prototype.toString.call(fn);
  const known = expressions.get(source);
  if (known !== undefined) return { name: fn.name, expression: known };
  const refuse = (what: string, code: string): never => {
    throw typeError(`${describeFunction(fn)} cannot be sent to a worker: ${what}; ${WAY_OUT}`, code);
  };
  if (NATIVE.test(source)) refuse('it is a native or bound function, which has no source', 'FUNCTION_WITHOUT_SOURCE');
  if (CLASS.test(source)) refuse('it is a class', 'NOT_CALLABLE');
  if (GENERATOR.test(Object.prototype.toString.call(fn)))
    refuse('it is a generator function, which cannot be run step by step from this thread', 'GENERATOR_FUNCTION');
  if (isExpression(source)) return remembered(fn.name, source, source);
  // A method in the syntax of objects and classes: the same text inside an object.
  const method = `Object.values({ ${source} })[0]`;
  if (!isExpression(method)) refuse('its source is not a complete function', 'FUNCTION_WITHOUT_SOURCE');
  if (OBJECT_WORDS.test(source.replace(COMMENTS_AND_STRINGS, '')))
    refuse('it is a method that uses its object (this, super)', 'METHOD_WITH_THIS');
  return remembered(fn.name, source, method);
}

function remembered(name: string, source: string, expression: string): InlineWork {
  if (expressions.size >= MOST_EXPRESSIONS) expressions.clear();
  expressions.set(source, expression);
  return { name, expression };
}

function isExpression(text: string): boolean {
  try {
    new Script(`(${text}\n)`);
    return true;
  } catch {
    return false;
  }
}
