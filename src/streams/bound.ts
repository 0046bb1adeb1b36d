/**
 * Binds methods that programs pass around by themselves, as in `loop.addSignalHandler('SIGTERM', server.close)`: Python binds them all. The
 * bound ones are the object's own, and are not listed when it is printed or compared. Methods of derived classes are bound as well.
 */
export function bindMethods<T extends object>(object: T, ...names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const method: unknown = object[name];
    if (typeof method !== 'function') continue;
    Object.defineProperty(object, name, { value: method.bind(object), writable: true, configurable: true });
  }
}
