import { type Kind, kindOf } from './kinds.ts';
import type { Border, PackedClass, PackedError } from './packed.ts';
import { className, guarded, isError, property, shown } from './reading.ts';

/** How many objects are copied with an error at most, because its fields may refer to all objects of a program. */
const MOST_OBJECTS = 10_000;

/** The largest depth: the runtime's clone is recursive, so deeper objects in the fields of an error are left out. */
const DEEPEST = 200;

/** A limit for the number of base classes, because a proxy may pretend to have any number. */
const MOST_CLASSES = 50;

/** An object whose copy is empty so far. */
interface Site {
  readonly from: object;
  readonly to: object;
  readonly depth: number;
}

/**
 * Copies values, puts a place in place of each error, and collects the errors. Copies are plain data without getters; a value that cannot
 * be sent becomes a short text, but methods are left out, because an object whose `toString` is a text could not be printed.
 * Without recursion, each object once.
 */
export class Copier {
  readonly errors: PackedError[] = [];
  readonly #border: Border;
  /** How many objects may still be copied. */
  #left: number;
  /** The copy of an object, the place of an error, or the text for a value that cannot be sent. */
  readonly #copies = new Map<object, unknown>();
  readonly #sites: Site[] = [];
  readonly #untold: { readonly error: Error; readonly place: object }[] = [];

  /** @param wasSearched whether the value is known to be cloneable, so that all of it is copied, however large it is */
  constructor(border: Border, wasSearched: boolean) {
    this.#border = border;
    this.#left = wasSearched ? Number.POSITIVE_INFINITY : MOST_OBJECTS;
  }

  /** To be called once. */
  copy(value: unknown): unknown {
    const copy = this.#copyOf(value, 0);
    this.#fillAll();
    this.#left = Math.min(this.#left, MOST_OBJECTS); // the errors were not checked
    for (let i = 0; i < this.#untold.length; i++) {
      const { error, place } = this.#untold[i]!;
      this.errors.push(this.#told(error, place));
      this.#fillAll();
    }
    return copy;
  }

  /** The copy, which is filled later. */
  #copyOf(value: unknown, depth: number): unknown {
    if (typeof value === 'function' || typeof value === 'symbol') return shown(value);
    if (typeof value !== 'object' || value === null) return value;
    if (!this.#copies.has(value)) this.#copies.set(value, this.#newCopy(value, depth));
    return this.#copies.get(value);
  }

  #newCopy(from: object, depth: number): unknown {
    if (isError(from)) {
      const place = {};
      this.#untold.push({ error: from, place });
      return place;
    }
    const kind = guarded<Kind>(() => kindOf(from, this.#border), { refused: '' });
    if (kind === 'leaf') return from;
    const isTooMuch = this.#left <= 0 || (depth > DEEPEST && this.#left < Number.POSITIVE_INFINITY);
    if (typeof kind === 'object' || isTooMuch) return shown(from);
    this.#left--;
    const to = kind === 'array' ? [] : kind === 'map' ? new Map() : kind === 'set' ? new Set() : {};
    this.#sites.push({ from, to, depth: depth + 1 });
    return to;
  }

  #fillAll(): void {
    for (let site = this.#sites.pop(); site !== undefined; site = this.#sites.pop()) this.#fill(site);
  }

  #fill({ from, to, depth }: Site): void {
    if (to instanceof Map) {
      for (const [key, value] of from as ReadonlyMap<unknown, unknown>)
        to.set(this.#copyOf(key, depth), this.#copyOf(value, depth));
      return;
    }
    if (to instanceof Set) {
      for (const value of from as ReadonlySet<unknown>) to.add(this.#copyOf(value, depth));
      return;
    }
    if (Array.isArray(to)) to.length = (from as readonly unknown[]).length;
    for (const key of guarded(() => Object.keys(from), [])) {
      const value = property(from, key);
      if (typeof value === 'function' && !Array.isArray(to)) continue;
      Object.defineProperty(to, key, { ...DATA, value: this.#copyOf(value, depth) });
    }
  }

  #told(error: Error, place: object): PackedError {
    const name = textOf(property(error, 'name'), 'Error');
    const message = textOf(property(error, 'message'), '');
    const stack = textOf(property(error, 'stack'), message === '' ? name : `${name}: ${message}`);
    return { place, classes: classesOf(error), name, message, stack, fields: this.#fieldsOf(error) };
  }

  #fieldsOf(error: Error): PackedError['fields'] {
    const fields: [string, unknown, boolean][] = [];
    for (const key of guarded(() => Reflect.ownKeys(error), [])) {
      if (typeof key !== 'string' || key === 'stack') continue;
      const value = property(error, key);
      if (typeof value === 'function' || (key === 'message' && typeof value === 'string')) continue;
      const enumerable = guarded(() => Object.prototype.propertyIsEnumerable.call(error, key), false);
      fields.push([key, this.#copyOf(value, 0), enumerable]);
    }
    return fields;
  }
}

const DATA = { configurable: true, enumerable: true, writable: true };

const OF_RUNTIME: PackedClass = { name: 'DOMException', hasNameGetter: false };

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function classesOf(error: Error): PackedClass[] {
  const classes: PackedClass[] = [];
  const next = (of: object): object | null => guarded(() => Object.getPrototypeOf(of) as object | null, null);
  for (let at = next(error); at !== null && classes.length < MOST_CLASSES; at = next(at)) {
    if (at === Object.prototype) break;
    const prototype = at;
    if (typeof DOMException === 'function' && prototype === DOMException.prototype) {
      classes.push(OF_RUNTIME); // its getter is for instances only
      continue;
    }
    const hasNameGetter = guarded(() => Object.getOwnPropertyDescriptor(prototype, 'name')?.get !== undefined, false);
    // The name from the getter if there is one, because minifiers rename classes.
    const name = hasNameGetter ? textOf(property(prototype, 'name'), '') : className(prototype);
    classes.push({ name, hasNameGetter });
  }
  return classes;
}
