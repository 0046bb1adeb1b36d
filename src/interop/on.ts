import { QueueShutDown } from '../errors/index.ts';
import { checkOptions } from '../internal/options.ts';
import { Queue } from '../queues/index.ts';
import {
  checkEventSource,
  type EventEmitterLike,
  type EventSource,
  type EventTargetLike,
  type EventTargetOptions,
  listen,
} from './event-sources.ts';
import { OVER, TaskIterator } from './task-iterator.ts';

/** Options of `on`. */
export interface OnOptions extends EventTargetOptions {
  /** Names of events that end the iteration, such as `'close'`; events that came before are given first. */
  readonly close?: readonly string[] | undefined;
}

/** Gives events as they come. It listens until the iteration ends, for whatever reason. */
export class EventIterator<T> extends TaskIterator<T> implements Disposable {
  readonly #events = new Queue<T>();
  readonly #stop: () => void;
  /** The error of the emitter, until it is thrown. */
  #failure: { readonly error: unknown } | null = null;

  /** @internal */
  constructor(source: EventSource, type: string | symbol, options: OnOptions | undefined) {
    super();
    const observer = {
      event: (what: unknown) => this.#events.putNowait(what as T),
      failed: (error: unknown) => {
        this.#failure = { error };
        this.#end();
      },
      ended: () => this.#end(),
    };
    this.#stop = listen(source, type, observer, options);
  }

  /** Accepts no more events; those that have come can still be taken. */
  #end(): void {
    this.#stop();
    this.#events.shutdown();
  }

  /** How many events have come and were not taken yet. */
  get size(): number {
    return this.#events.qsize();
  }

  /** @internal */
  *pull(): Generator<unknown, IteratorResult<T, undefined>, unknown> {
    try {
      return { done: false, value: yield* this.#events.get() };
    } catch (error) {
      if (!(error instanceof QueueShutDown)) {
        this[Symbol.dispose]();
        throw error;
      }
    }
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure.error;
    return OVER;
  }

  /** @internal */
  *close(): Generator<unknown, void, unknown> {
    this[Symbol.dispose]();
  }

  /** Stops listening, and drops events that were not taken. Has no effect when it has already stopped. */
  [Symbol.dispose](): void {
    this.#stop();
    this.#failure = null;
    this.#events.shutdown({ immediate: true });
  }

  override toString(): string {
    return `<EventIterator size=${this.size}>`;
  }
}

/**
 * Events as they come, one after the other. Listens from the call on, and keeps the events that come while no task waits. An emitter
 * that emits `'error'` fails the iteration, after the events that came before, unless `'error'` is the event that was asked for.
 *
 * The listeners are removed when the loop ends: normally, by an error, `break` or a cancellation. A generator coroutine uses
 * `forEach`, or `using`.
 *
 * **Cancellation**: cancelling the wait for the next event ends the iteration; events that were not taken are dropped.
 *
 * **Order**: as the events came. When several tasks take from it, those that wait are served in the order in which they came.
 *
 * @param type the name of the event
 * @returns an async iterable of the events of a target, or of the arguments of an emitter
 * @throws {TypeError} at once, when the first argument is not a source of events
 * @throws the error that the emitter emits, where the next event is waited for
 * @example
 * for await (const [line] of on<[string]>(lines, 'line', { close: ['close'] })) console.log(line);
 *
 * yield* forEach(on<MessageEvent>(port, 'message', { close: ['close'] }), function* (event) {
 *   yield* queue.put(event.data);
 * });
 */
export function on<E = unknown>(target: EventTargetLike, type: string, options?: OnOptions): EventIterator<E>;
export function on<A extends unknown[] = unknown[]>(
  emitter: EventEmitterLike,
  type: string | symbol,
  options?: OnOptions,
): EventIterator<A>;
export function on(source: EventSource, type: string | symbol, options?: OnOptions): EventIterator<unknown> {
  checkEventSource('on', source);
  checkOptions('on', options, ['close', 'capture', 'passive'], false);
  return new EventIterator(source, type, options);
}
