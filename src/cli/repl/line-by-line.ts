import { Readable } from 'node:stream';

/**
 * Input that is no terminal, given one line at a time: the next one when the one before has been run. All at once, code would run while
 * the code before it still awaits.
 */
export class LineByLine extends Readable {
  readonly #lines: AsyncIterator<string>;
  #isWanted = false;
  #isReady = true;
  #isStopped = false;

  constructor(lines: AsyncIterable<string>) {
    super({ encoding: 'utf8' });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** The line before has been run. */
  next(): void {
    this.#isReady = true;
    this.#give();
  }

  /** The lines that are left are not run. */
  stop(): void {
    this.#isStopped = true;
  }

  override _read(): void {
    this.#isWanted = true;
    this.#give();
  }

  #give(): void {
    if (!this.#isWanted || !this.#isReady || this.#isStopped) return;
    this.#isWanted = false;
    this.#isReady = false;
    this.#lines.next().then(
      ({ done, value }) => this.push(done === true ? null : `${value}\n`),
      (error: Error) => this.destroy(error),
    );
  }
}
