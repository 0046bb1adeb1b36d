// Progress on a terminal: a bar for the whole, and one for each picture that a worker is at. Elsewhere lines.

/** What is written to: `process.stdout`. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR = 24;

/** `[########----------------]` for a share between 0 and 1. */
export function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}]`;
}

/** The state of the work, drawn again whenever it changes. */
export class Bars {
  readonly #output: Output;
  readonly #total: number;
  readonly #running = new Map<string, number>();
  #done = 0;
  #failed = 0;
  /** How many lines stand on the terminal, to be written over. */
  #drawn = 0;

  constructor(output: Output, total: number) {
    this.#output = output;
    this.#total = total;
  }

  /** So much of a picture is done, between 0 and 1. */
  progress(name: string, share: number): void {
    this.#running.set(name, share);
    this.#draw();
  }

  /** A picture is over; with `failure` it could not be made. */
  over(name: string, failure?: string): void {
    this.#running.delete(name);
    if (failure === undefined) this.#done++;
    else this.#failed++;
    if (failure !== undefined) this.say(`${name}: ${failure}`);
    else if (!this.#output.isTTY) this.say(`${this.#done + this.#failed} of ${this.#total}: ${name}`);
    this.#draw();
  }

  /** A line that stays, above the bars. */
  say(text: string): void {
    this.#wipe();
    this.#output.write(`${text}\n`);
    this.#draw();
  }

  /** Takes the bars away. */
  end(): void {
    this.#wipe();
  }

  /** `38 made, 2 failed, 0 left`. */
  get summary(): string {
    return `${this.#done} made, ${this.#failed} failed, ${this.#total - this.#done - this.#failed} left`;
  }

  #draw(): void {
    if (!this.#output.isTTY) return;
    const over = this.#done + this.#failed;
    const lines = [
      `${bar(over / this.#total)} ${over} of ${this.#total}`,
      ...Array.from(this.#running, ([name, share]) => `${bar(share)} ${name}`),
    ];
    this.#wipe();
    const width = this.#output.columns || 80; // a terminal that was given no size says 0
    this.#output.write(lines.map((line) => `${line.slice(0, width - 1)}\n`).join(''));
    this.#drawn = lines.length;
  }

  #wipe(): void {
    if (this.#drawn > 0) this.#output.write(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }
}
