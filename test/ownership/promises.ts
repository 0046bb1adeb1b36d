/** Promises, as ECMAScript has them. */
import type { Engine } from './engine.ts';
import type { Outcome } from './outcome.ts';
import type { Line } from './scopes.ts';

/** The code that will settle a promise. */
export type Source =
  | { readonly kind: 'foreign' }
  | { readonly kind: 'signalled' }
  | { readonly kind: 'library' }
  | { readonly kind: 'line'; readonly line: Line }
  | { readonly kind: 'parts'; readonly parts: readonly Promised[] };

export class Promised {
  readonly source: Source;
  outcome: Outcome | null = null;
  readonly #engine: Engine;
  readonly #reactions: ((outcome: Outcome) => void)[] = [];

  constructor(engine: Engine, source: Source) {
    this.#engine = engine;
    this.source = source;
  }

  settle(outcome: Outcome): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    for (const reaction of this.#reactions) this.#engine.job(false, () => reaction(outcome));
  }

  then(reaction: (outcome: Outcome) => void): void {
    const { outcome } = this;
    if (outcome === null) this.#reactions.push(reaction);
    else this.#engine.job(false, () => reaction(outcome));
  }
}
