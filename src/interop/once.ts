import { checkOptions } from '../internal/options.ts';
import { Future, failWith, isLoopClosed, noteWait } from '../kernel/lowlevel.ts';
import {
  checkEventSource,
  type EventEmitterLike,
  type EventSource,
  type EventTargetLike,
  type EventTargetOptions,
  listen,
} from './event-sources.ts';

/** The next event: a future that stops listening when it is done, cancelled, or left as a `using` resource. */
export class EventFuture<T> extends Future<T> implements Disposable {
  readonly #stop: () => void;

  /** @internal */
  constructor(source: EventSource, type: string | symbol, options: EventTargetOptions | undefined) {
    super();
    noteWait(this, { operation: `event ${String(type)}`, object: source });
    const settle = (how: () => void): void => {
      if (isLoopClosed(this.getLoop())) this.#stop();
      else if (!this.done()) how();
    };
    const observer = {
      event: (what: unknown) => settle(() => this.setResult(what as T)),
      failed: (error: unknown) =>
        settle(() => {
          this.#stop();
          failWith(this, error);
        }),
      ended: () => {},
    };
    this.#stop = listen(source, type, observer, options);
  }

  override setResult(result: T): void {
    this.#stop();
    super.setResult(result);
  }

  override setException(error: unknown): void {
    this.#stop();
    super.setException(error);
  }

  override cancel(message?: unknown): boolean {
    this.#stop();
    return super.cancel(message);
  }

  /** Stops listening; a task that still waits gets a `CancelledError`. Has no effect when it is done. */
  [Symbol.dispose](): void {
    this.#stop();
    if (!this.done()) this.cancel();
  }
}

/**
 * The next event. Listens from the call on, so that it can be called before the code that causes the event; with `using`, the listener
 * is also removed when something else fails before the future is awaited.
 *
 * If the emitter emits `'error'` first, the future fails with that error, unless `'error'` is the event that was asked for.
 *
 * **Cancellation**: the listener is removed. It is removed also once the event has come, or the error.
 *
 * **Order**: several futures of one event are done in the order in which they were made. If more than 32 wait for one event of one source,
 * those after the first 32 share one listener, so that thousands of waits cost linear time.
 *
 * @param type the name of the event
 * @returns a future of the event of a target, or of the arguments of an emitter
 * @throws {TypeError} at once, when the first argument is not a source of events
 * @throws the error that the emitter emits
 * @example
 * const [code] = await once<[number]>(child, 'exit');
 * const event = await once<MessageEvent>(socket, 'message');
 *
 * using ready = once(server, 'listening');
 * server.listen(8080);
 * await ready;
 */
export function once<E = unknown>(target: EventTargetLike, type: string, options?: EventTargetOptions): EventFuture<E>;
export function once<A extends unknown[] = unknown[]>(emitter: EventEmitterLike, type: string | symbol): EventFuture<A>;
export function once(source: EventSource, type: string | symbol, options?: EventTargetOptions): EventFuture<unknown> {
  checkEventSource('once', source);
  checkOptions('once', options, ['capture', 'passive']);
  return new EventFuture(source, type, options);
}
