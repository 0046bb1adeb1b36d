import { knownClass } from './error-classes.ts';
import type { Packed, PackedClass, PackedError } from './packed.ts';

/**
 * Restores a value that was packed on the other side. Errors of JavaScript's and this library's classes keep their class; others get the
 * nearest of these classes, with their own name. The value must be a clone, because errors are put into it.
 */
export function unpack({ value, errors }: Packed): unknown {
  if (errors === undefined || errors.length === 0) return value;
  const revived = new Map<unknown, Error>(withoutStacks(() => errors.map((error) => [error.place, emptyError(error)])));
  const placing = new Placing(revived);
  for (const { place, fields } of errors) {
    const error = revived.get(place)!;
    for (const [key, field, enumerable] of fields) define(error, key, placing.placed(field), enumerable);
  }
  return placing.placed(value);
}

/** Capturing a stack costs more than everything else about an error, and each error already has its own. */
function withoutStacks<T>(make: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Made without the constructor of its class, which would need arguments. It still has the internal state of an error. */
function emptyError({ classes, name, message, stack }: PackedError): Error {
  const error = classes.some(isDomException)
    ? new DOMException(message, name)
    : (Reflect.construct(Error, [message], knownClass(classes)) as Error);
  if (error.name !== name) define(error, 'name', name, false);
  define(error, 'stack', stack, false);
  return error;
}

function isDomException({ name, hasNameGetter }: PackedClass): boolean {
  return name === 'DOMException' && !hasNameGetter;
}

/** Puts the errors into a value, in place. Without recursion. */
class Placing {
  readonly #errors: ReadonlyMap<unknown, Error>;
  readonly #seen = new Set<object>();

  constructor(errors: ReadonlyMap<unknown, Error>) {
    this.#errors = errors;
  }

  placed(root: unknown): unknown {
    const left: object[] = [];
    const next = (value: unknown): unknown => {
      const error = this.#errors.get(value);
      if (error !== undefined) return error;
      if (typeof value === 'object' && value !== null && !this.#seen.has(value)) {
        this.#seen.add(value);
        left.push(value);
      }
      return value;
    };
    const placed = next(root);
    for (let value = left.pop(); value !== undefined; value = left.pop()) fill(value, next);
    return placed;
  }
}

/** Replaces the content of an object. */
function fill(value: object, next: (item: unknown) => unknown): void {
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => [next(key), next(item)] as const);
    value.clear();
    for (const [key, item] of entries) value.set(key, item);
  } else if (value instanceof Set) {
    const items = [...value].map(next);
    value.clear();
    for (const item of items) value.add(item);
  } else if (!ArrayBuffer.isView(value)) {
    for (const [key, item] of Object.entries(value)) {
      const placed = next(item);
      if (placed !== item) define(value, key, placed, true);
    }
  }
}

/** Not by assignment: `__proto__` is a key like others here, and classes have getters. */
function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, configurable: true, writable: true, enumerable });
}
