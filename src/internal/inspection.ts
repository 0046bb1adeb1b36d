/**
 * Makes Node's `util.inspect`, and so `console.log`, show the objects of a class as their `toString()` gives them. For the class's own static
 * block: `static { inspectAsText(Lock.prototype); }`.
 */
export function inspectAsText(prototype: { toString(): string }): void {
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: object): string {
      return this.toString();
    },
    configurable: true,
    writable: true,
  });
}
