import { types } from 'node:util';
import { typeError } from '../errors/type-error.ts';
import type { Packed } from '../node/border/packed.ts';

/**
 * Values as JSON, so that client and worker may be of different runtimes and versions, and a person can read them in the store. What JSON has
 * is written as it is; anything more as a list of nodes that refer to each other by their places:
 *
 *     { p: ["a.png", 200] }
 *     { g: [["o", "at", 1, "self", 0], ["d", 1700000000000]] }
 */
export type Coded = { readonly p: unknown } | { readonly g: readonly Node[] };

/** A primitive of JSON, or `[tag, …]`. */
type Node = string | number | boolean | null | readonly [tag: string, ...parts: unknown[]];

/** Deeper values are written as nodes, because JSON of the runtime is recursive. */
const DEEPEST_PLAIN = 200;

export function encode(packed: Packed): Coded {
  const { value, errors } = packed;
  return errors === undefined && isPlain(value, 0, new Set()) ? { p: value } : { g: new Writer().write(packed) };
}

/** @throws {TypeError} when it is not what `encode` gives */
export function decode(coded: unknown): Packed {
  if (typeof coded === 'object' && coded !== null) {
    if ('p' in coded) return { value: coded.p };
    if ('g' in coded && Array.isArray(coded.g)) return new Reader(coded.g as Node[]).read() as Packed;
  }
  throw typeError(`a value of another format was received: ${JSON.stringify(coded)?.slice(0, 100)}`, 'BAD_ENVELOPE');
}

/** Whether JSON gives back the same, with each object once. */
function isPlain(value: unknown, depth: number, seen: Set<object>): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth > DEEPEST_PLAIN || seen.has(value)) return false;
  seen.add(value);
  if (Array.isArray(value)) {
    if (Object.keys(value).length !== value.length) return false; // holes, or properties besides the items
    return value.every((item) => isPlain(item, depth + 1, seen));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  if ('toJSON' in value) return false;
  return Object.values(value).every((item) => isPlain(item, depth + 1, seen));
}

const TYPED_ARRAYS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const;

/** Without recursion: values may be as deep as memory allows. */
class Writer {
  readonly #nodes: Node[] = [];
  readonly #places = new Map<unknown, number>();
  /** Objects whose nodes are not written yet, with their places. */
  readonly #left: [object, number][] = [];

  write(root: unknown): readonly Node[] {
    this.#ref(root);
    for (let next = this.#left.pop(); next !== undefined; next = this.#left.pop())
      this.#nodes[next[1]] = this.#object(next[0]);
    return this.#nodes;
  }

  #ref(value: unknown): number {
    const known = Object.is(value, -0) ? undefined : this.#places.get(value);
    if (known !== undefined) return known;
    const place = this.#nodes.length;
    if (!Object.is(value, -0)) this.#places.set(value, place);
    if (typeof value === 'object' && value !== null) {
      this.#nodes.push(null);
      this.#left.push([value, place]);
    } else this.#nodes.push(primitive(value));
    return place;
  }

  #object(value: object): Node {
    if (Array.isArray(value)) return this.#array(value);
    if (types.isMap(value)) return ['m', ...[...value].flatMap(([key, item]) => [this.#ref(key), this.#ref(item)])];
    if (types.isSet(value)) return ['s', ...[...value].map((item) => this.#ref(item))];
    if (types.isDate(value)) return ['d', Number.isNaN(value.getTime()) ? null : value.getTime()];
    if (types.isRegExp(value)) return ['r', value.source, value.flags];
    if (types.isBoxedPrimitive(value)) return ['x', this.#ref(value.valueOf())];
    if (types.isAnyArrayBuffer(value)) return ['y', 'ArrayBuffer', base64(new Uint8Array(value))];
    if (ArrayBuffer.isView(value)) {
      return ['y', viewName(value), base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))];
    }
    if (Object.keys(value).length === 0 && !isObjectLike(value)) throw notCarried(value);
    return ['o', ...this.#properties(value, Object.keys(value))];
  }

  /** `["a", length, place, -1 for a hole, …]`; properties besides the items are a second list. */
  #array(value: readonly unknown[]): Node {
    const keys = Object.keys(value);
    if (
      keys.length === value.length && keys.length > 0
        ? keys.at(-1) === String(value.length - 1)
        : keys.length === 0 && value.length === 0
    ) {
      return ['a', ...value.map((item) => this.#ref(item))];
    }
    return ['h', value.length, ...this.#properties(value, keys)]; // by its keys: it may be billions long and have two items
  }

  #properties(value: object, keys: readonly string[]): unknown[] {
    return keys.flatMap((key) => [key, this.#ref((value as Readonly<Record<string, unknown>>)[key])]);
  }
}

function isObjectLike(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Object]';
}

function notCarried(value: object): TypeError {
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return typeError(`a ${name} cannot be sent to another machine`, 'NOT_CARRIED');
}

function viewName(view: ArrayBufferView): string {
  for (const [name, View] of Object.entries(TYPED_ARRAYS)) if (view instanceof View) return name;
  if (types.isDataView(view)) return 'DataView';
  throw notCarried(view);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function primitive(value: unknown): Node {
  switch (typeof value) {
    case 'undefined':
      return ['u'];
    case 'bigint':
      return ['b', String(value)];
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : ['n', Object.is(value, -0) ? '-0' : String(value)];
    default:
      return value as string | boolean | null;
  }
}

/** Makes empty objects first, and fills them when all exist, so that they may refer to each other. */
class Reader {
  readonly #nodes: readonly Node[];
  readonly #values: unknown[];

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
    this.#values = nodes.map((node) => (Array.isArray(node) ? empty(node) : node));
    for (const [place, node] of nodes.entries()) {
      if (Array.isArray(node) && node[0] === 'x') this.#values[place] = Object(this.#at(node[1]));
    }
  }

  read(): unknown {
    for (const [place, node] of this.#nodes.entries()) {
      if (Array.isArray(node)) this.#fill(this.#values[place], node as readonly [string, ...unknown[]]);
    }
    return this.#at(0);
  }

  #fill(value: unknown, [tag, ...parts]: readonly [string, ...unknown[]]): void {
    switch (tag) {
      case 'a':
        for (const [i, part] of parts.entries()) (value as unknown[])[i] = this.#at(part);
        break;
      case 'm':
        for (let i = 0; i < parts.length; i += 2)
          (value as Map<unknown, unknown>).set(this.#at(parts[i]), this.#at(parts[i + 1]));
        break;
      case 's':
        for (const part of parts) (value as Set<unknown>).add(this.#at(part));
        break;
      case 'o':
        this.#define(value as object, parts);
        break;
      case 'h':
        (value as unknown[]).length = parts[0] as number;
        this.#define(value as object, parts.slice(1));
        break;
    }
  }

  /** Not by assignment: `__proto__` is a key like others here. */
  #define(object: object, parts: readonly unknown[]): void {
    for (let i = 0; i < parts.length; i += 2) {
      const value = this.#at(parts[i + 1]);
      Object.defineProperty(object, parts[i] as string, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
  }

  #at(place: unknown): unknown {
    if (typeof place !== 'number' || !(place in this.#values)) {
      throw typeError(`a value with a part that is missing was received: ${String(place)}`, 'BAD_ENVELOPE');
    }
    return this.#values[place];
  }
}

function empty([tag, first, second]: readonly unknown[]): unknown {
  switch (tag) {
    case 'u':
      return undefined;
    case 'n':
      return Number(first);
    case 'b':
      return BigInt(first as string);
    case 'd':
      return new Date(first === null ? Number.NaN : (first as number));
    case 'r':
      return new RegExp(first as string, second as string);
    case 'y':
      return bytesAs(first as string, second as string);
    case 'a':
    case 'h':
      return [];
    case 'm':
      return new Map();
    case 's':
      return new Set();
    case 'o':
      return {};
    case 'x':
      return null;
    default:
      throw typeError(`a value of an unknown kind was received: ${String(tag)}`, 'BAD_ENVELOPE');
  }
}

function bytesAs(name: string, text: string): unknown {
  // A buffer of its own: a small one of Node is a part of a larger one.
  const { buffer } = new Uint8Array(Buffer.from(text, 'base64'));
  if (name === 'ArrayBuffer') return buffer;
  if (name === 'DataView') return new DataView(buffer);
  const View = Object.hasOwn(TYPED_ARRAYS, name) ? TYPED_ARRAYS[name as keyof typeof TYPED_ARRAYS] : undefined;
  if (View === undefined) throw typeError(`bytes of an unknown kind were received: ${name}`, 'BAD_ENVELOPE');
  return new View(buffer);
}
