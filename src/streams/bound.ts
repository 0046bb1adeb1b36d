/**
 * Binds methods that programs pass as callbacks, as in `loop.addSignalHandler('SIGTERM', server.close)`; Python binds all methods. The
 * bound methods are own properties of the object, and are not listed when it is printed or compared. Methods of derived classes are bound
 * as well.
 */
export function bindMethods<T extends object>(object: T, ...names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const method: unknown = object[name];
    if (typeof method !== 'function') continue;
    Object.defineProperty(object, name, { value: method.bind(object), writable: true, configurable: true });
  }
}

/** The bound methods of one object: those that were read from it. */
export class BoundMethods {
  write: unknown = null;
  close: unknown = null;
  abort: unknown = null;
}

/**
 * As `bindMethods`, for classes of which programs have many objects: a method is bound when it is first read from an object. Methods of
 * derived classes are not bound by this.
 *
 * `bindWhenRead` would keep nothing in the object, but these methods are called again and again for as long as the object lives, and it would
 * make a new function for most calls.
 *
 * @param boundOf what an object keeps, made if need be; `null` for what is no object of the class itself, such as its prototype
 */
export function bindOnFirstRead<T extends object>(
  prototype: T,
  names: readonly (keyof BoundMethods & keyof T)[],
  boundOf: (object: T) => BoundMethods | null,
): void {
  for (const name of names) {
    const method = prototype[name] as (...args: never[]) => unknown;
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: T): unknown {
        const bound = boundOf(this);
        if (bound === null) return method;
        bound[name] ??= method.bind(this);
        return bound[name];
      },
      set(this: T, value: unknown) {
        Object.defineProperty(this, name, { value, writable: true, configurable: true });
      },
    });
  }
}
