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
