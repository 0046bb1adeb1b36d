import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { SharedListener } from '../internal/shared-listener.ts';

/** Called with an event, or with the arguments that an emitter emits. */
type Listener = (...args: unknown[]) => void;

/** Options of listeners to an `EventTarget`. */
export interface EventTargetOptions {
  /** Listens on the way down to the target, before its own listeners. */
  readonly capture?: boolean | undefined;
  /** Promises not to call `preventDefault()`. */
  readonly passive?: boolean | undefined;
}

/** The part of an `EventTarget` that this library uses. */
export interface EventTargetLike {
  addEventListener(
    type: string,
    listener: () => void,
    /** `once` is never set. It stands here for targets that know no other option, as those of `ws`. */
    options?: { capture?: boolean; passive?: boolean; once?: boolean },
  ): void;
  removeEventListener(type: string, listener: () => void, options?: { capture?: boolean }): void;
}

/** The part of Node's `EventEmitter` that this library uses. */
export interface EventEmitterLike {
  on(type: string, listener: () => void): unknown;
  off(type: string, listener: () => void): unknown;
}

/** A source of events. */
export type EventSource = EventTargetLike | EventEmitterLike;

/** The event with which an emitter reports its failure. */
const ERROR = 'error';

/** Checks that a value is a source of events. */
export function checkEventSource(name: string, source: unknown): void {
  if (isEventTarget(source) || isEmitter(source)) return;
  throw typeError(
    `${name}: an EventTarget or an EventEmitter is required, got ${describe(source)}`,
    'NOT_AN_EVENT_SOURCE',
  );
}

function isEventTarget(source: unknown): source is EventTargetLike {
  return typeof (source as Partial<EventTargetLike> | null | undefined)?.addEventListener === 'function';
}

function isEmitter(source: unknown): source is EventEmitterLike {
  const { on, off } = (source ?? {}) as Partial<EventEmitterLike>;
  return typeof on === 'function' && typeof off === 'function';
}

/** The functions to call when something happens. */
export interface EventObserver {
  /** An event, or the arguments of one that was emitted. */
  event(what: unknown): void;
  /** The emitter has failed. */
  failed(error: unknown): void;
  /** One of the events that end the listening. */
  ended(): void;
}

/**
 * Listens until the function that it returns is called. An object that is both a target and an emitter (Node's `MessagePort`) is used as a
 * target, so that the same program gets the same events in every runtime.
 */
export function listen(
  source: EventSource,
  type: string | symbol,
  observer: EventObserver,
  options: EventTargetOptions & { readonly close?: readonly string[] | undefined } = {},
): () => void {
  const removals: (() => void)[] = [];
  const add = (name: string | symbol, listener: Listener): void => {
    removals.push(addListener(source, name, options, listener));
  };
  const removeAll = (): void => {
    for (const remove of removals.splice(0)) remove();
  };
  try {
    if (isEventTarget(source)) {
      add(type, (event) => observer.event(event));
    } else {
      add(type, (...args) => observer.event(args));
      // A program that listens to `'error'` itself gets errors as events.
      if (type !== ERROR) add(ERROR, (error) => observer.failed(error));
    }
    for (const name of options.close ?? []) add(name, () => observer.ended());
  } catch (error) {
    removeAll();
    throw error;
  }
  return removeAll;
}

/** So many waits for one event of one source have a listener each. */
const FEW = 32;

/**
 * The listeners of this library to one event of one source. An `EventTarget` walks through its listeners for each one that is added, and an
 * `EventEmitter` for each one that is removed, so that thousands of waits for one event would cost quadratic time. Therefore only the first
 * few waits have a listener each; those that begin while so many have one share a listener, at the place of the first that shares it.
 *
 * Invariant: whoever shares the listener has begun to wait after all who have their own. So as long as anyone shares it, all who come do,
 * and all are told in the order in which they came.
 */
class Listeners {
  readonly #source: EventSource;
  readonly #name: string;
  readonly #options: EventTargetOptions;
  #own = 0;
  #shared: SharedListener<Listener> | null = null;

  constructor(source: EventSource, name: string, options: EventTargetOptions) {
    this.#source = source;
    this.#name = name;
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#own === 0 && this.#shared === null;
  }

  /** Returns a function that removes the listener; it is called once. */
  add(listener: Listener): () => void {
    if (this.#shared !== null || this.#own >= FEW) return this.#addToShared(listener);
    this.#attach(listener, true);
    this.#own++;
    return () => {
      this.#own--;
      this.#attach(listener, false);
    };
  }

  #addToShared(listener: Listener): () => void {
    const known = this.#shared;
    const shared = known !== null && this.#isThere(known.tell) ? known : this.#newShared();
    const remove = shared.add(listener);
    this.#shared = shared;
    return remove;
  }

  #newShared(): SharedListener<Listener> {
    const shared = new SharedListener<Listener>((tell, isAdded) => {
      if (!isAdded && this.#shared === shared) this.#shared = null;
      this.#attach(tell, isAdded);
    });
    return shared;
  }

  /** Adds a listener to the source, or removes it. */
  #attach(listener: Listener, isAdded: boolean): void {
    const source = this.#source;
    const name = this.#name;
    if (isEventTarget(source)) {
      const { capture = false, passive } = this.#options;
      if (!isAdded) source.removeEventListener(name, listener, { capture });
      // Without `passive` a browser decides by itself whether `touchmove` is passive.
      else source.addEventListener(name, listener, passive === undefined ? { capture } : { capture, passive });
    } else if (isAdded) source.on(name, listener);
    else source.off(name, listener);
  }

  /** Whether a listener that was added is still there, or is again: a program may have called `removeAllListeners()`. */
  #isThere(listener: Listener): boolean {
    const source = this.#source;
    if (isEventTarget(source)) {
      // Node's `MessagePort`. Adding a listener has no effect where it is there already.
      if ('removeAllListeners' in source) this.#attach(listener, true);
      return true;
    }
    const { listeners } = source as { listeners?: (name: string) => readonly unknown[] };
    return typeof listeners !== 'function' || listeners.call(source, this.#name).includes(listener);
  }
}

type ListenersByName = WeakMap<EventSource, Map<string | symbol, Listeners>>;

const withoutOptions: ListenersByName = new WeakMap();
/** Here the options are part of the names. */
const withOptions: ListenersByName = new WeakMap();

/** Adds a listener to one event of a source; returns a function that removes it, which is called once. */
function addListener(
  source: EventSource,
  name: string | symbol,
  options: EventTargetOptions,
  listener: Listener,
): () => void {
  const { capture, passive } = options;
  const hasOptions = isEventTarget(source) && (capture !== undefined || passive !== undefined);
  const known = hasOptions ? withOptions : withoutOptions;
  const key = hasOptions ? `${capture} ${passive} ${String(name)}` : name;
  let ofSource = known.get(source);
  if (ofSource === undefined) {
    ofSource = new Map();
    known.set(source, ofSource);
  }
  let listeners = ofSource.get(key);
  if (listeners === undefined) {
    listeners = new Listeners(source, name as string, options);
    ofSource.set(key, listeners);
  }
  const remove = listeners.add(listener);
  return () => {
    remove();
    if (listeners.isEmpty) ofSource.delete(key);
  };
}
