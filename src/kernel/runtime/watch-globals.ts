import { globals } from './platform.ts';

/**
 * Called at each use of a global whose results differ from run to run. `call` is the function that the program has
 * called in its place.
 */
export type UseListener = (what: string, call: Trap) => void;

/** The function that stands in for a global: on the call stack, the frames of the program come after it. */
export type Trap = (...args: never[]) => unknown;

const listeners: Set<UseListener> = /* @__PURE__ */ new Set();
/** Functions that put back what was replaced; empty while there are no listeners. */
let restore: (() => void)[] = [];

/**
 * Calls a listener at each use of the platform's clocks, random numbers, timers and `fetch`. They work as before. While
 * there are listeners, the globals are proxies of the originals; afterwards the originals are put back.
 *
 * @returns removes the listener
 */
export function watchGlobals(listener: UseListener): () => void {
  listeners.add(listener);
  if (listeners.size === 1) replaceAll();
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    for (const putBack of restore) putBack();
    restore = [];
  };
}

function replaceAll(): void {
  const all = globals() as object as Record<string, unknown>;
  const { performance, crypto } = all;
  replaceIn(Date, 'now', 'Date.now()');
  replaceIn(Math, 'random', 'Math.random()');
  replaceIn(performance, 'now', 'performance.now()');
  replaceIn(crypto, 'randomUUID', 'crypto.randomUUID()');
  replaceIn(crypto, 'getRandomValues', 'crypto.getRandomValues()');
  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'fetch']) replaceIn(all, name, `${name}()`);
  replace(all, 'Date', new Proxy(Date, DATE));
}

/** Only a `Date` of the present moment is reported: one of a given moment is the same in each run. */
const DATE: ProxyHandler<object> = {
  construct(target, args, newTarget) {
    if (args.length === 0) tell('new Date()', DATE.construct!);
    return Reflect.construct(target as new () => object, args, newTarget) as object;
  },
  apply(target, self, args: unknown[]) {
    tell('Date()', DATE.apply!);
    return Reflect.apply(target as () => unknown, self, args) as unknown;
  },
};

function replaceIn(object: unknown, name: string, what: string): void {
  if ((typeof object !== 'object' || object === null) && typeof object !== 'function') return;
  const original = (object as Record<string, unknown>)[name];
  if (typeof original !== 'function') return;
  const handler: ProxyHandler<object> = {
    apply(target, self, args: unknown[]) {
      tell(what, handler.apply!);
      return Reflect.apply(target as () => unknown, self, args) as unknown;
    },
  };
  replace(object, name, new Proxy(original, handler));
}

function replace(object: object, name: string, value: unknown): void {
  const before = Object.getOwnPropertyDescriptor(object, name);
  const isPossible = Reflect.defineProperty(object, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: before?.enumerable ?? false,
  });
  if (!isPossible) return;
  restore.push(() => {
    // Other code, such as fake timers, has replaced it in the meantime: that replacement stays.
    if ((object as Record<string, unknown>)[name] !== value) return;
    if (before === undefined) Reflect.deleteProperty(object, name);
    else Reflect.defineProperty(object, name, before);
  });
}

function tell(what: string, call: Trap): void {
  for (const listener of listeners) listener(what, call);
}
