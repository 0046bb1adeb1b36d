import * as executorErrors from '../../errors/executor-errors.ts';
import * as errors from '../../errors/index.ts';
import * as osErrors from '../../errors/os-error.ts';
import * as networkErrors from '../net/failures.ts';
import { CalledProcessError } from '../subprocess/called-process-error.ts';
import { ProcessTimeoutError } from '../subprocess/process-timeout-error.ts';
import type { PackedClass } from './packed.ts';

type ErrorClass = abstract new (...args: never[]) => Error;

/** The classes of JavaScript; `SuppressedError` is missing in the oldest runtimes. */
const OF_LANGUAGE = classesIn([
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
  typeof SuppressedError === 'undefined' ? null : SuppressedError,
]);

/**
 * The classes of this library, except `CancelledError`: a cancellation on the other side must not look like a cancellation
 * of the task that waits here, so it arrives as an ordinary error with that name.
 */
const OF_LIBRARY = classesIn(
  [errors, osErrors, executorErrors, networkErrors]
    .flatMap((module): unknown[] => Object.values(module))
    .concat(CalledProcessError, ProcessTimeoutError)
    .filter((value) => value !== errors.CancelledError),
);

function classesIn(values: readonly unknown[]): ReadonlyMap<string, ErrorClass> {
  return new Map(values.filter(isErrorClass).map((Class) => [nameOf(Class), Class]));
}

function isErrorClass(value: unknown): value is ErrorClass {
  return value === Error || (typeof value === 'function' && value.prototype instanceof Error);
}

/** Classes of the library have a getter for their names, because minifiers rename classes. */
function nameOf(Class: ErrorClass): string {
  return String(Class.prototype.name);
}

/** The class that an error gets here: the nearest of its classes that is known here. */
export function knownClass(classes: readonly PackedClass[]): ErrorClass {
  for (const [i, { name, hasNameGetter }] of classes.entries()) {
    const Class = hasNameGetter ? OF_LIBRARY.get(name) : OF_LANGUAGE.get(name);
    if (Class !== undefined && (!hasNameGetter || isSameLine(Class, classes.slice(i)))) return Class;
  }
  return Error;
}

/** Whether a class of the library extends the same classes here as there: a program's class may have its name, too. */
function isSameLine(Class: ErrorClass, classes: readonly PackedClass[]): boolean {
  let prototype: { readonly name?: unknown } = Class.prototype;
  for (const { name } of classes) {
    if (prototype.name !== name) return false;
    prototype = Object.getPrototypeOf(prototype);
  }
  return prototype === Object.prototype;
}
