import type { Context } from '@opentelemetry/api';

type Listener = (...args: unknown[]) => unknown;
type Method = (event: unknown, listener: Listener) => unknown;

/** An event emitter, as far as one is bound. */
export type Emitter = { [M in (typeof ADDING)[number] | (typeof REMOVING)[number]]?: Method };

const ADDING = ['addListener', 'on', 'prependListener', 'once', 'prependOnceListener'] as const;
const REMOVING = ['removeListener', 'off'] as const;

/** Whether a value is an event emitter. */
export function isEmitter(value: unknown): value is Emitter & object {
  if (typeof value !== 'object' || value === null) return false;
  const { on, removeListener } = value as Emitter;
  return typeof on === 'function' && typeof removeListener === 'function';
}

/** Binds emitters: listeners that are added to one from then on are called with a context. */
export class EmitterBinding {
  readonly #bindListener: (context: Context, listener: Listener) => Listener;
  readonly #contexts = new WeakMap<object, Context>();
  /** Of each emitter: by listener, what was added for it. */
  readonly #added = new WeakMap<object, WeakMap<Listener, Listener>>();

  constructor(bindListener: (context: Context, listener: Listener) => Listener) {
    this.#bindListener = bindListener;
  }

  /** Changes the emitter itself, and returns it. Bound again, it takes the new context. */
  bind<T>(context: Context, emitter: T & Emitter & object): T {
    const isBound = this.#contexts.has(emitter);
    this.#contexts.set(emitter, context);
    if (isBound) return emitter;
    const added = new WeakMap<Listener, Listener>();
    this.#added.set(emitter, added);
    /** Emitters add listeners by their own methods: what is added inside of a call is bound already. */
    let depth = 0;
    const replace = (name: keyof Emitter, choose: (listener: Listener) => Listener): void => {
      const original = emitter[name];
      if (typeof original !== 'function') return;
      const method = (event: unknown, listener: Listener): unknown => {
        const chosen = depth === 0 && typeof listener === 'function' ? choose(listener) : listener;
        depth++;
        try {
          return Reflect.apply(original, emitter, [event, chosen]);
        } finally {
          depth--;
        }
      };
      Object.defineProperty(emitter, name, { value: method, configurable: true, writable: true, enumerable: false });
    };
    for (const name of ADDING) {
      replace(name, (listener) => {
        const bound = added.get(listener) ?? this.#bindListener(this.#contexts.get(emitter)!, listener);
        added.set(listener, bound);
        return bound;
      });
    }
    for (const name of REMOVING) replace(name, (listener) => added.get(listener) ?? listener);
    return emitter;
  }
}
