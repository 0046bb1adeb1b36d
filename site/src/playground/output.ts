import type { Line } from './messages.ts';

/** How many lines are kept; of a program that prints a million, the first ones. */
export const MOST_LINES = 2_000;

const BATCH = 200;
const AT_ONCE = 100;
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
    if (this.#count >= MOST_LINES && line.kind !== 'note') {
      this.#dropped++;
    } else {
      this.#count++;
      this.#batch.push(line);
    }
    // The first lines at once: a program that then never gives way has shown how far it came. Reading the clock for each of a million
    // lines would cost more than counting them.
    if (this.#count <= AT_ONCE || this.#batch.length >= BATCH) this.flush();
    else if ((this.#count + this.#dropped) % BATCH === 0 && this.#now() - this.#sent >= MILLISECONDS) this.flush();
  }

  flush(): void {
    this.#sent = this.#now();
    if (this.#batch.length === 0 && this.#dropped === this.#told) return;
    this.#send(this.#batch, this.#dropped);
    this.#batch = [];
    this.#told = this.#dropped;
  }
}
