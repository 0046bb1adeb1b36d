import { type AsyncFrame, type AsyncStorage, newAsyncFrame, withAsyncStorage } from './platform.ts';

/**
 * Async contexts that are kept to call functions in them later (`AsyncResource`), without the library's own value where
 * possible. Node keeps the values of all `AsyncLocalStorage`s in one map, and copies it for each `enterWith`: 30 ns for
 * an empty map, 90 ns and twice the memory for a map with one entry. Nearly always that entry is the library's own,
 * which is replaced as soon as the context is entered. So the empty context is kept instead where there is no other
 * entry.
 *
 * Node does not document where it keeps the map. So the map is searched for by a value that was put into it, it is only
 * read, and if it is not found, the contexts are kept as they are, which is only slower.
 */

/** The key under which an `AsyncResource` has its map; `null` if it has none, `undefined` before the first search. */
let mapKey: symbol | null | undefined;

/**
 * An empty async context, once there was one. Before the key is known, a context that may be empty, such as that of the
 * first loop.
 */
let emptyFrame: AsyncFrame | null = null;

/**
 * The last map that held only the library's value: code that makes many tasks makes them in one context. Forgotten at
 * the end of the turn.
 */
let bareMap: unknown = null;

/** A turn of a loop is over: `bareMap` must not keep its values alive any longer. */
export function forgetAsyncContext(): void {
  bareMap = null;
}

/** Drops `emptyFrame` if it turns out not to be empty, which can be told only with the key. Returns the key. */
function checked(key: symbol | null): symbol | null {
  if (key === null || emptyFrame?.[key] !== undefined) emptyFrame = null;
  return key;
}

/**
 * Searches for the key, if it was not searched for yet. Otherwise this happens with the library's first
 * `AsyncLocalStorage`, which is too late for contexts that were kept before, many of them and for long.
 */
export function lookIntoContexts(): void {
  if (mapKey === undefined) mapKey = checked(withAsyncStorage(findMapKey));
}

/**
 * Keeps the async context of the caller: without the library's value, if that is its only value; otherwise as it is.
 *
 * @param storage the library's own; `null` if there is none yet
 * @returns `null` where the runtime has no async contexts
 */
export function newFrameWithout(storage: AsyncStorage | null): AsyncFrame | null {
  const frame = newAsyncFrame();
  if (frame === null || mapKey === null) return frame;
  if (mapKey === undefined) {
    if (storage === null) {
      emptyFrame ??= frame;
      return frame;
    }
    mapKey = checked(findMapKey(storage));
    if (mapKey === null) return frame;
  }
  const values = frame[mapKey] as ReadonlyMap<unknown, unknown> | undefined;
  if (values === bareMap && emptyFrame !== null) return emptyFrame;
  if (values === undefined) {
    emptyFrame ??= frame;
    return emptyFrame;
  }
  if (emptyFrame === null || storage === null || values.size !== 1 || !values.has(storage)) return frame;
  bareMap = values;
  return emptyFrame;
}

/** Whether an async context is the empty one, of which there is only one object. */
export function isEmptyFrame(frame: AsyncFrame | null): boolean {
  return frame !== null && frame === emptyFrame;
}

/** The empty async context; `null` if it is not known. */
export function knownEmptyFrame(): AsyncFrame | null {
  return emptyFrame;
}

/** Finds the key: puts an object into the store that nobody else has, and looks which map of a resource holds it. */
function findMapKey(storage: AsyncStorage): symbol | null {
  const probe = {};
  const found = newAsyncFrame()!.runInAsyncScope(() => {
    storage.enterWith(probe);
    const frame = newAsyncFrame()!;
    return Object.getOwnPropertySymbols(frame).find((key) => {
      const values = frame[key];
      return isMap(values) && values.get(storage) === probe;
    });
  }, undefined);
  return found ?? null;
}

/** `instanceof Map` is false for the maps of Node: their prototypes do not include that of `Map`. */
function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  const { get, has, size } = (typeof value === 'object' && value !== null ? value : {}) as Partial<
    Map<unknown, unknown>
  >;
  return typeof get === 'function' && typeof has === 'function' && typeof size === 'number';
}
