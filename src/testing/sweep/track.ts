import { typeError } from '../../errors/type-error.ts';
import { Future, isfuture } from '../../index.ts';
import { describe } from '../../internal/describe.ts';
import { libraryCoroutine } from '../../kernel/lowlevel.ts';
import { isCoroutine } from '../is-coroutine.ts';

/** The names of the methods of a tracked resource. */
export interface TrackOptions {
  /** The method that gives one of the things that have to be given back; `acquire` when absent. */
  readonly acquire?: string | undefined;
  /** The method that takes it back; `release` when absent. A thing that has a `release`, `close` or dispose method of its own may use that. */
  readonly release?: string | undefined;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** The methods with which a thing that was acquired gives itself back. */
const ENDS: readonly PropertyKey[] = ['release', 'close', 'end', 'destroy', Symbol.dispose, Symbol.asyncDispose];

/** The resources that are in use in one run. */
export class Tracker {
  /** What is in use, described. */
  readonly #inUse = new Map<object, string>();
  readonly #undo: (() => void)[] = [];
  readonly #tracked = new Set<object>();

  /** What is in use and was not given back. */
  get left(): string[] {
    return [...this.#inUse.values()];
  }

  /** Makes the objects what they were before. */
  close(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
    this.#tracked.clear();
  }

  add(resource: object, { acquire = 'acquire', release = 'release' }: TrackOptions = {}): void {
    checkResource(resource);
    if (this.#tracked.has(resource)) return;
    if (methodOf(resource, acquire) !== null) this.#addPool(resource, acquire, release);
    else if (!this.#addThing(resource, `${describe(resource)} is still in use`, {})) {
      throw typeError(
        `track: ${describe(resource)} has neither ${acquire}() and ${release}() nor a method that ends it; ` +
          "write track(resource, { acquire: '…', release: '…' }) with the names that it has",
        'NOT_A_RESOURCE',
      );
    }
    this.#tracked.add(resource);
  }

  /** Something that gives things out and takes them back. */
  #addPool(pool: object, acquire: string, release: string): void {
    const taken: { readonly key: object; readonly value: unknown }[] = [];
    const giveBack = (at: number): void => {
      const [one] = taken.splice(at, 1);
      if (one !== undefined) this.#inUse.delete(one.key);
    };
    const took = (value: unknown): void => {
      const one = { key: {}, value };
      taken.push(one);
      this.#inUse.set(one.key, `${describe(pool)}: what ${acquire}() has given was not given back`);
      if (typeof value !== 'object' || value === null) return;
      for (const end of ENDS) {
        if (methodOf(value, end) === null) continue;
        this.#replace(value, end, (original, self, args) => {
          const at = taken.indexOf(one);
          if (at >= 0) giveBack(at);
          return original.apply(self, args);
        });
      }
    };
    this.#replace(pool, acquire, (original, self, args) => whenGiven(original.apply(self, args), took));
    if (methodOf(pool, release) === null) return;
    this.#replace(pool, release, (original, self, args) => {
      const at = taken.findIndex(({ value }) => value === args[0]);
      giveBack(at >= 0 ? at : 0);
      return original.apply(self, args);
    });
  }

  /** Something that is in use until one of its methods is called. */
  #addThing(thing: object, text: string, key: object): boolean {
    const ends = ENDS.filter((end) => methodOf(thing, end) !== null);
    if (ends.length === 0) return false;
    this.#inUse.set(key, text);
    for (const end of ends) {
      this.#replace(thing, end, (original, self, args) => {
        this.#inUse.delete(key);
        return original.apply(self, args);
      });
    }
    return true;
  }

  #replace(
    object: object,
    name: PropertyKey,
    call: (original: Method, self: unknown, args: unknown[]) => unknown,
  ): void {
    const own = Object.getOwnPropertyDescriptor(object, name);
    const original = methodOf(object, name)!;
    const replaced = Reflect.defineProperty(object, name, {
      configurable: true,
      writable: true,
      enumerable: own?.enumerable ?? false,
      value(this: unknown, ...args: unknown[]) {
        return call(original, this, args);
      },
    });
    if (!replaced) {
      throw typeError(
        `track: ${describe(object)} is frozen, so that nothing can be noted of it; track a wrapper`,
        'NOT_A_RESOURCE',
      );
    }
    this.#undo.push(() => {
      if (own === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, own);
    });
  }
}

function checkResource(resource: unknown): void {
  if (Object(resource) === resource) return;
  throw typeError(`track: an object is required, got ${describe(resource)}; write track(pool)`, 'NOT_A_RESOURCE');
}

function methodOf(object: object, name: PropertyKey): Method | null {
  const value: unknown = Reflect.get(object, name);
  return typeof value === 'function' ? (value as Method) : null;
}

/** Has a function told of what a call gives, when it gives it. What the call returns is awaited as before. */
function whenGiven(returned: unknown, took: (value: unknown) => void): unknown {
  if (isCoroutine(returned)) return noting(returned as Iterable<unknown>, took);
  if (returned instanceof Future || isfuture(returned)) {
    (returned as Future<unknown>).addDoneCallback((future) => {
      if (!future.cancelled() && future.exception() === null) took(future.result());
    });
    return returned;
  }
  if (typeof (returned as PromiseLike<unknown> | null)?.then === 'function') {
    (returned as PromiseLike<unknown>).then(took, () => {});
    return returned;
  }
  took(returned);
  return returned;
}

const noting = /* @__PURE__ */ libraryCoroutine(function* acquire(
  coroutine: Iterable<unknown>,
  took: (value: unknown) => void,
): Generator<unknown, unknown, unknown> {
  const value = yield* coroutine as Iterable<unknown> & { [Symbol.iterator](): Iterator<unknown, unknown, unknown> };
  took(value);
  return value;
});

let tracker: Tracker | null = null;

/** Has `track` note resources in one tracker, until it is called with the one before. */
export function switchTracker(next: Tracker | null): Tracker | null {
  const before = tracker;
  tracker = next;
  return before;
}

/**
 * Has a sweep check that a resource is given back: a pool, of which each thing that `acquire()` gives has to be released; or a thing that is
 * in use until it is released, closed or disposed of. Outside a sweep it does nothing, so that programs may call it always.
 *
 * Its methods are replaced by ones that count, for the time of the run.
 *
 * @param resource the pool or thing
 * @param options the names of its methods, where they are not `acquire` and `release`
 * @returns the resource itself
 * @throws {TypeError} in a sweep, when it has no such methods, or is frozen
 * @example
 * const pool = track({ acquire: () => ({ query: () => sleep(1) }), release: (_client: object) => {} });
 * const report = await sweep(async () => {
 *   const client = pool.acquire();
 *   try {
 *     await client.query();
 *   } finally {
 *     pool.release(client);
 *   }
 * }, { resources: [pool] });
 */
export function track<R extends object>(resource: R, options: TrackOptions = {}): R {
  checkResource(resource);
  tracker?.add(resource, options);
  return resource;
}
