/** A disturbance of a network that lasts until it is ended: `using _ = net.partition('a', 'b')` ends it with its block. */
export interface NetworkDisturbance extends Disposable {
  /** Ends it. Has no effect when it has ended. */
  end(): void;
}

interface Cut {
  readonly one: ReadonlySet<string>;
  /** `null` for all hosts that are not in the first group. */
  readonly other: ReadonlySet<string> | null;
}

/** Which hosts do not reach each other. */
export class Partitions {
  readonly #cuts = new Set<Cut>();

  add(one: readonly string[], other: readonly string[] | null): Cut {
    const cut = { one: new Set(one), other: other === null ? null : new Set(other) };
    this.#cuts.add(cut);
    return cut;
  }

  remove(cut: Cut): void {
    this.#cuts.delete(cut);
  }

  clear(): void {
    this.#cuts.clear();
  }

  /** Whether two hosts do not reach each other. */
  separate(from: string, to: string): boolean {
    if (from === to) return false;
    for (const cut of this.#cuts) if (isBetween(cut, from, to) || isBetween(cut, to, from)) return true;
    return false;
  }
}

function isBetween({ one, other }: Cut, from: string, to: string): boolean {
  return one.has(from) && (other === null ? !one.has(to) : other.has(to));
}
