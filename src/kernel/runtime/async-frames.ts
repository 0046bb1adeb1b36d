import { type AsyncFrame, type AsyncStorage, newAsyncFrame, withAsyncStorage } from './platform.ts';

/**
 * What a remembered async context holds, as far as the runtime shows it. Node keeps the values of all `AsyncLocalStorage`s in one map, and
 * copies it for each `enterWith`: 30 ns into an empty map, 90 and twice the memory into one with an entry. The entry is our own nearly
 * always, and is replaced at once, so that the empty context does as well where there is no other.
 *
 * Where Node keeps the map is nobody's promise. So it is looked for by what it holds, only ever read, and not finding it changes nothing
 * but the time that it takes.
 */

/** What an `AsyncResource` keeps its map under; `null` where there is none to be found, `undefined` before anybody has looked. */
let mapKey: symbol | null | undefined;

/** An empty async context, once one was met; until the key is known, what may be one: that of the first loop, say. */
let emptyFrame: AsyncFrame | null = null;

/** The map of ours alone that was met last: one who makes many tasks makes them in one context. Kept until the end of the loop's turn. */
let bareMap: unknown = null;

/** Nothing is kept beyond a turn. */
export function forgetAsyncContext(): void {
  bareMap = null;
}

/** Now that the key is known, so is whether the frame that may be empty is. */
function checked(key: symbol | null): symbol | null {
  if (key === null || emptyFrame?.[key] !== undefined) emptyFrame = null;
  return key;
}

/**
 * Looks how contexts are kept, where nobody has until now. Otherwise the first `AsyncLocalStorage` of the library does: for what is kept for
 * long, and by many, that may be too late.
 */
export function lookIntoContexts(): void {
  if (mapKey === undefined) mapKey = checked(withAsyncStorage(findMapKey));
}

/**
 * The async context of the caller without the value of one store, where that can be told; otherwise with it.
 *
 * @param storage `null` where there is none yet
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

/** Whether an async context is the empty one, which is one for all. */
export function isEmptyFrame(frame: AsyncFrame | null): boolean {
  return frame !== null && frame === emptyFrame;
}

/** The empty async context; `null` where it is not known. */
export function knownEmptyFrame(): AsyncFrame | null {
  return emptyFrame;
}

/** The key under which a resource has a map with a value that nobody else can have put there. */
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

/** Node's is a subclass without `Map` among its prototypes. */
function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  const { get, has, size } = (typeof value === 'object' && value !== null ? value : {}) as Partial<
    Map<unknown, unknown>
  >;
  return typeof get === 'function' && typeof has === 'function' && typeof size === 'number';
}
