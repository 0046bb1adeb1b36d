import { typeError } from '../errors/type-error.ts';

/**
 * In Python a method that is passed as a value keeps its object: `signal(SIGTERM, stop.set)`. In JavaScript it loses it. So the few methods
 * that Python programs often pass as callbacks are accessors here, which return a bound function each time they are read.
 *
 * A bound function for each read costs about 10 ns, but no memory in the object. So this is only for methods that are not called often;
 * others throw an error that says what to write (`unbound`).
 *
 * @param prototype of the class, whose own methods are replaced by accessors. Subclasses may override them, and a program may replace them
 */
export function bindWhenRead<T extends object>(prototype: T, ...names: readonly (keyof T & string)[]): void {
  const type = prototype.constructor as new () => T;
  for (const name of names) {
    const method = prototype[name] as (...args: unknown[]) => unknown;
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: T | undefined) {
        // When it is read from the class itself: for comparisons, and for tools that call only the getter.
        if (this === undefined || this === prototype) return method;
        // When the returned function is called on an object of the class, it works as any method: read from a subclass's prototype, for
        // example.
        const self: T = this;
        return function (this: unknown, ...args: unknown[]): unknown {
          return method.apply(this instanceof type ? this : self, args);
        };
      },
      set(this: T, value: unknown) {
        Object.defineProperty(this, name, { value, writable: true, configurable: true });
      },
    });
  }
}

/** Whether an object's method is the one of the class, not overridden by a subclass; also for methods that are bound when they are read. */
export function inherits(object: object, name: string, prototype: object): boolean {
  let at: object | null = object;
  while (at !== null && !Object.hasOwn(at, name)) at = Object.getPrototypeOf(at) as object | null;
  return at === prototype;
}

/**
 * The error of a method that was called without its object.
 *
 * @param method as `Lock.release`
 */
export function unbound(method: string): TypeError {
  const [type, name] = method.split('.') as [string, string];
  const object = type.charAt(0).toLowerCase() + type.slice(1);
  return typeError(
    `${method} was called without its ${object}, because the method was passed on without it; ` +
      `write () => ${object}.${name}(), or ${object}.${name}.bind(${object}), instead of ${object}.${name}`,
    'UNBOUND_METHOD',
  );
}
