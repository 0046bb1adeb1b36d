import { RuntimeError } from '../errors/errors.ts';
import { copyContext } from './engine/context.ts';
import type { EventLoop } from './event-loop.ts';
import type { Callback } from './handle.ts';

/**
 * The handlers of a loop for signals of the operating system. Invariant: the host listens to exactly those in the map.
 */
export class SignalHandlers {
  readonly #stops = new Map<string, () => void>();

  add<A extends unknown[]>(loop: EventLoop, signal: string, callback: Callback<A>, args: A): void {
    const context = copyContext();
    const stop = loop._onSignal(signal, () => loop.callSoonIn(context, callback, ...args));
    if (stop === null) {
      throw new RuntimeError(`${signal} cannot be handled: there are no signals here`, { code: 'NO_SIGNALS' });
    }
    // The earlier handler is removed last: if there were no handler for a moment, a signal would end the process.
    this.remove(signal);
    this.#stops.set(signal, stop);
  }

  has(signal: string): boolean {
    return this.#stops.has(signal);
  }

  remove(signal: string): boolean {
    this.#stops.get(signal)?.();
    return this.#stops.delete(signal);
  }

  clear(): void {
    for (const signal of this.#stops.keys()) this.remove(signal);
  }
}
