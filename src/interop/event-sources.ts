import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';

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
  addEventListener(type: string, listener: () => void, options?: { capture?: boolean; passive?: boolean }): void;
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
    removals.push(
      isEventTarget(source) ? addToTarget(source, name, listener, options) : addToEmitter(source, name, listener),
    );
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

function addToTarget(
  target: EventTargetLike,
  type: string | symbol,
  listener: Listener,
  { capture = false, passive }: EventTargetOptions,
): () => void {
  // Without this option a browser decides by itself whether `touchmove` is passive.
  target.addEventListener(type as string, listener, passive === undefined ? { capture } : { capture, passive });
  return () => target.removeEventListener(type as string, listener, { capture });
}

function addToEmitter(emitter: EventEmitterLike, type: string | symbol, listener: Listener): () => void {
  emitter.on(type as string, listener);
  return () => emitter.off(type as string, listener);
}
