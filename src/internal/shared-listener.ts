/**
 * One listener of a source of events for many: a source walks through its listeners for each one that is added or removed, and Node warns
 * when there are many. It is added to the source with the first, and removed with the last.
 */
export class SharedListener<L extends (...args: never[]) => void> {
  readonly #all = new Set<L>();
  readonly #attach: (listener: L, isAdded: boolean) => void;

  /** @param attach adds a listener to the source, or removes it */
  constructor(attach: (listener: L, isAdded: boolean) => void) {
    this.#attach = attach;
  }

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /**
   * @param listener a function that is not in it
   * @returns a function that removes it
   */
  add(listener: L): () => void {
    if (this.isEmpty) this.#attach(this.tell, true);
    this.#all.add(listener);
    return () => {
      if (this.#all.delete(listener) && this.isEmpty) this.#attach(this.tell, false);
    };
  }

  /** The listener of the source: calls all in the order in which they came, except those that are removed meanwhile. */
  readonly tell = ((...args) => {
    for (const listener of [...this.#all]) if (this.#all.has(listener)) listener(...args);
  }) as L;
}
