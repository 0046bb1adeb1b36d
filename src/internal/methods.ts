import { typeError } from '../errors/type-error.ts';

/**
 * In Python a method that is passed on takes its object along: `signal(SIGTERM, stop.set)`. In JavaScript it loses it. So the few methods
 * that programs of Python pass on give, when they are read, a function that is bound: as handlers and callbacks they work.
 *
 * What was passed on stays one function for each object, so that `process.off('SIGTERM', stop.set)` finds what was given to `on`: a read
 * that was not followed by its call has been passed on. What is only called costs no memory of the object. The latest read is kept, so that
 * calls of one object need no new function each; calls of many objects in turn cost some 20 ns more.
 *
 * @param prototype of the class, whose own methods are replaced by accessors. Subclasses may override them, and a program may set others
 * @param isOfMany that the latest one is not kept either once it was called: because the class has many objects that live for a short time, or
 * because an object of it may keep others alive
 */
export function bindWhenRead<T extends object>(
  prototype: T,
  names: readonly (keyof T & string)[],
  isOfMany = false,
): void {
  const type = prototype.constructor as new () => T;
  for (const name of names) {
    const method = prototype[name] as (argument: unknown) => unknown;
    // What the latest read gave, of which object, and how many reads have not been followed by their call.
    let latest: unknown = null;
    let latestOf: T | null = null;
    let uncalled = 0;
    let passedOn: WeakMap<object, unknown> | null = null;
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: T | undefined) {
        if (latestOf === this) {
          uncalled++;
          return latest;
        }
        // Of the class itself, for comparisons; and for tools that call the getter alone.
        if (this === undefined || this === prototype) return method;
        if (uncalled > 0) {
          passedOn ??= new WeakMap();
          passedOn.set(latestOf!, latest);
        }
        const kept = passedOn?.get(this);
        if (kept !== undefined) return kept;
        const self: T = this;
        // The methods take one argument at the most.
        const bound = function (this: unknown, argument: unknown): unknown {
          // Called on an object of the class it is a method as any other: read from the prototype of a subclass, for instance.
          if (this !== self) return method.call(this instanceof type ? this : self, argument);
          if (latest === bound && --uncalled === 0 && isOfMany) latest = latestOf = null;
          return method.call(self, argument);
        };
        latest = bound;
        latestOf = self;
        uncalled = 1;
        return bound;
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
    `${method} was called without its ${object}, as when passed on; ` +
      `write () => ${object}.${name}(), or ${object}.${name}.bind(${object})`,
    'UNBOUND_METHOD',
  );
}
