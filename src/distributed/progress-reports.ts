import { type EventLoop, type Future, getRunningLoop, newWait, release } from '../kernel/lowlevel.ts';

/** The reports that no reader has read stay in its list up to this number; then the oldest go. */
const MOST = 1_000;

/** The reports of one job, for any number of readers. */
export class ProgressReports {
  #last = 0;
  #latest: { readonly value: unknown } | null = null;
  #isOver = false;
  readonly #readers = new Set<Reader>();

  /** @param number reports of a lower number than an earlier one are late copies, and dropped */
  add(number: number, value: unknown): void {
    if (this.#isOver || number <= this.#last) return;
    this.#last = number;
    this.#latest = { value };
    for (const reader of this.#readers) reader.put(value);
  }

  end(): void {
    this.#isOver = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  read(): AsyncIterableIterator<unknown> {
    const reader = new Reader(() => this.#readers.delete(reader));
    if (this.#latest !== null) reader.put(this.#latest.value);
    if (this.#isOver) reader.end();
    else this.#readers.add(reader);
    return reader;
  }
}

class Reader implements AsyncIterableIterator<unknown> {
  readonly #values: unknown[] = [];
  readonly #leave: () => void;
  #isOver = false;
  #wait: Future<void> | null = null;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  put(value: unknown): void {
    if (this.#values.length >= MOST) this.#values.shift();
    this.#values.push(value);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  #wake(): void {
    if (this.#wait !== null) release(this.#wait);
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (this.#values.length === 0) {
      if (this.#isOver) return { done: true, value: undefined };
      const loop: EventLoop = getRunningLoop();
      this.#wait ??= newWait(loop, { operation: 'progress', object: this });
      try {
        await this.#wait;
      } finally {
        this.#wait = null;
      }
    }
    return { done: false, value: this.#values.shift() };
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#leave();
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
