/** Values that no clone is made of. */
const UNCLONEABLE: readonly (abstract new (...args: never[]) => object)[] = [Promise, WeakMap, WeakSet, WeakRef];

/** How many values are looked at: a search through all of a large one takes as long as cloning it. */
const MOST_VALUES = 2_000;

/**
 * Finds what keeps a value from being cloned, where that is easy to find. `null` when it sees nothing.
 *
 * @returns the end of a sentence, such as `.items[2] is a function`
 */
export function uncloneable(value: unknown): string | null {
  try {
    return new Search().find(value, '');
  } catch {
    return null; // a getter that throws; the clone itself will say so
  }
}

class Search {
  readonly #seen = new Set<object>();
  #left = MOST_VALUES;

  find(value: unknown, path: string): string | null {
    if (typeof value === 'function' || typeof value === 'symbol') return `${path} is a ${typeof value}`;
    if (--this.#left < 0 || typeof value !== 'object' || value === null || this.#seen.has(value)) return null;
    if (ArrayBuffer.isView(value) || value instanceof Error) return null; // of errors, only texts are cloned
    this.#seen.add(value);
    if (UNCLONEABLE.some((Class) => value instanceof Class)) return `${path} is a ${value.constructor.name}`;
    if (value instanceof Map) return this.#findIn(value, () => `${path}.get(…)`);
    if (value instanceof Set) return this.#findIn(value.entries(), () => `${path}: one of the set`);
    if (Array.isArray(value)) return this.#findIn(value.entries(), (key) => `${path}[${key}]`);
    return this.#findIn(Object.entries(value), (key) => `${path}.${key}`);
  }

  #findIn(entries: Iterable<readonly [unknown, unknown]>, pathOf: (key: unknown) => string): string | null {
    for (const [key, value] of entries) {
      if (this.#left < 0) return null;
      const found = this.find(value, pathOf(key));
      if (found !== null) return found;
    }
    return null;
  }
}
