import { globals } from './platform.ts';

/** Told of each use of a global that differs from run to run. `call` is what the program has called in its place. */
export type UseListener = (what: string, call: Trap) => void;

/** A function on the stack, after which the stack of the program begins. */
export type Trap = (...args: never[]) => unknown;

const listeners: Set<UseListener> = /* @__PURE__ */ new Set();
/** Put back what was replaced; empty while nobody listens. */
let restore: (() => void)[] = [];

/**
 * Replaces the clocks, random numbers, timers and `fetch` of the platform by ones that tell of their use and do the same. For as long as
 * somebody listens: afterwards the globals are what they were.
 *
 * @returns ends it
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

/** A date of the present moment; those of a given moment are the same in each run. */
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
    // Somebody else has put something in its place meanwhile, such as fake timers: what is theirs stays.
    if ((object as Record<string, unknown>)[name] !== value) return;
    if (before === undefined) Reflect.deleteProperty(object, name);
    else Reflect.defineProperty(object, name, before);
  });
}

function tell(what: string, call: Trap): void {
  for (const listener of listeners) listener(what, call);
}
