import type { Line } from './messages.ts';

/** How many lines are kept; of a program that prints a million, the first ones. */
export const MOST_LINES = 2_000;

const BATCH = 200;
const MILLISECONDS = 50;

/** Gathers the lines that a program prints, and hands them on in batches, also while the program never gives way. */
export class Output {
  readonly #send: (lines: readonly Line[], dropped: number) => void;
  readonly #now: () => number;
  #batch: Line[] = [];
  #count = 0;
  #dropped = 0;
  #told = 0;
  #sent: number;

  constructor(send: (lines: readonly Line[], dropped: number) => void, now: () => number) {
    this.#send = send;
    this.#now = now;
    this.#sent = now();
  }

  add(line: Line): void {
    if (this.#count >= MOST_LINES && line.kind !== 'note') this.#dropped++;
    else {
      this.#count++;
      this.#batch.push(line);
    }
    // Reading the clock for each of a million lines would cost more than printing them.
    if (this.#batch.length >= BATCH || (this.#count + this.#dropped) % BATCH === 1) {
      if (this.#now() - this.#sent >= MILLISECONDS || this.#batch.length >= BATCH) this.flush();
    }
  }

  flush(): void {
    this.#sent = this.#now();
    if (this.#batch.length === 0 && this.#dropped === this.#told) return;
    this.#send(this.#batch, this.#dropped);
    this.#batch = [];
    this.#told = this.#dropped;
  }
}
