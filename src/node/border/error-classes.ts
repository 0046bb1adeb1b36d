import * as errors from '../../errors/index.ts';
import * as osErrors from '../../errors/os-error.ts';
import * as executorErrors from '../executors/errors.ts';
import * as networkErrors from '../net/failures.ts';
import { CalledProcessError } from '../subprocess/called-process-error.ts';
import { ProcessTimeoutError } from '../subprocess/process-timeout-error.ts';
import type { PackedClass } from './packed.ts';

type ErrorClass = abstract new (...args: never[]) => Error;

/** Those of the language; `SuppressedError` is missing in the oldest runtimes. */
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
 * Those of this library. `CancelledError` is none of them: that something was cancelled over there must not be taken for a cancellation
 * of the task that waits here, so it arrives as an error of that name.
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

/** Classes of the library say their names themselves: tools that shorten programs rename them. */
function nameOf(Class: ErrorClass): string {
  return String(Class.prototype.name);
}

/** The class that an error gets here: the nearest of its own which is known here. */
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
