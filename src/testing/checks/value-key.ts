/**
 * A text that is the same for equal values and different for others: numbers, strings and the like by value, lists, plain objects, maps, sets
 * and bytes by what is in them, and everything else by identity.
 */
export class ValueKeys {
  readonly #ids = new Map<unknown, number>();

  of(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value);
      case 'bigint':
        return `${value}n`;
      case 'number':
        return Object.is(value, -0) ? '0' : String(value);
      case 'boolean':
      case 'undefined':
        return String(value);
      case 'object':
        return value === null ? 'null' : this.#ofObject(value);
      default:
        return this.#byIdentity(value);
    }
  }

  #ofObject(value: object): string {
    if (Array.isArray(value)) return `[${value.map((item) => this.of(item)).join()}]`;
    if (value instanceof Uint8Array) return `bytes(${value.join()})`;
    if (value instanceof Map)
      return `map(${this.#sorted([...value].map(([key, item]) => `${this.of(key)}:${this.of(item)}`))})`;
    if (value instanceof Set) return `set(${this.#sorted([...value].map((item) => this.of(item)))})`;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) return this.#byIdentity(value);
    return `{${this.#sorted(Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}:${this.of(item)}`))}}`;
  }

  #sorted(parts: string[]): string {
    return parts.sort().join();
  }

  #byIdentity(value: unknown): string {
    let id = this.#ids.get(value);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(value, id);
    }
    return `#${id}`;
  }
}
