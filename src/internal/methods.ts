import { typeError } from '../errors/type-error.ts';

/**
 * In Python a method that is passed on takes its object along: `signal(SIGTERM, stop.set)`. In JavaScript it loses it. So the few methods
 * that programs of Python pass on give, each time they are read, a function that is bound: as handlers and callbacks they work.
 *
 * A bound function for each read costs about 10 ns and no memory of the object. So this is for methods that are not called in a hurry;
 * others say what to write (`unbound`).
 *
 * @param prototype of the class, whose own methods are replaced by accessors. Subclasses may override them, and a program may set others
 */
export function bindWhenRead<T extends object>(prototype: T, ...names: readonly (keyof T & string)[]): void {
  const type = prototype.constructor as new () => T;
  for (const name of names) {
    const method = prototype[name] as (...args: unknown[]) => unknown;
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: T | undefined) {
        // Of the class itself, for comparisons; and for tools that call the getter alone.
        if (this === undefined || this === prototype) return method;
        // Called on an object of the class it is a method as any other: read from the prototype of a subclass, for instance.
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

/** Whether an object has a method from a class itself, and not from a subclass of it: also where it is bound when it is read. */
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
    `${method} was called without its ${object}, as a method is that was passed on by itself; ` +
      `write () => ${object}.${name}(), or ${object}.${name}.bind(${object}), instead of ${object}.${name}`,
    'UNBOUND_METHOD',
  );
}
