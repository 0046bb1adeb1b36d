import { VirtualHost } from 'asyncio-ts/testing';

/** A host in simulated time whose Ctrl-C is a method. */
export class InterruptibleHost extends VirtualHost {
  readonly #listeners = new Set<() => void>();

  onInterrupt(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether there is a listener. */
  get isListenedTo(): boolean {
    return this.#listeners.size > 0;
  }

  /** Ctrl-C. */
  interrupt(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
