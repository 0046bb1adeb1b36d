import { typeError } from '../errors/type-error.ts';

/** A function that was read from an object, before it is known whether it is called at once or passed on. */
interface Read {
  readonly self: object;
  /** The functions of this method that were passed on, by their objects; as of the first one. */
  readonly method: { passedOn: WeakMap<object, unknown> | null };
  bound: unknown;
}

/** The latest read that has not been followed by its call; it keeps its object alive until the next one. */
let uncalled: Read | null = null;

/**
 * In Python a method that is passed on takes its object along: `signal(SIGTERM, stop.set)`. In JavaScript it loses it. So the few methods
 * that programs of Python pass on give, when they are read, a function that is bound: as handlers and callbacks they work.
 *
 * What was passed on stays one function for each object, so that `process.off('SIGTERM', stop.set)` finds what was given to `on`. A read
 * that was not followed by its call before the next read has been passed on. What is only called is not kept: that costs about 10 ns a
 * call, and no memory of the object. So this is for methods that are not called in a hurry; others say what to write (`unbound`).
 *
 * @param prototype of the class, whose own methods are replaced by accessors. Subclasses may override them, and a program may set others
 */
export function bindWhenRead<T extends object>(prototype: T, ...names: readonly (keyof T & string)[]): void {
  const type = prototype.constructor as new () => T;
  for (const name of names) {
    const call = prototype[name] as (...args: unknown[]) => unknown;
    const method: Read['method'] = { passedOn: null };
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: T | undefined) {
        // Of the class itself, for comparisons; and for tools that call the getter alone.
        if (this === undefined || this === prototype) return call;
        if (uncalled !== null) {
          uncalled.method.passedOn ??= new WeakMap();
          uncalled.method.passedOn.set(uncalled.self, uncalled.bound);
          uncalled = null;
        }
        const kept = method.passedOn?.get(this);
        if (kept !== undefined) return kept;
        const self: T = this;
        const read: Read = { self, method, bound: null };
        uncalled = read;
        read.bound = function (this: unknown, ...args: unknown[]): unknown {
          if (uncalled === read && this === self) uncalled = null;
          // Called on an object of the class it is a method as any other: read from the prototype of a subclass, for instance.
          return call.apply(this instanceof type ? this : self, args);
        };
        return read.bound;
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
