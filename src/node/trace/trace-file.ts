import { closeSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { startTracing, type TraceEvent } from '../../inspect/index.ts';
import { traceDocument } from '../../inspect/trace/events.ts';
import { titlesOf } from '../../internal/describe.ts';
import { checkOptions } from '../../internal/options.ts';
import { logger } from '../../kernel/lowlevel.ts';

/** Options of `traceToFile`. */
export interface TraceFileOptions {
  /** Whether events say where in the program tasks were made and waits begun. It makes each wait several times as slow. Default: true. */
  readonly places?: boolean;
}

/** A trace that is being written. */
export interface TraceFile {
  /** Ends the trace, and the file. Without it that happens when the process ends. */
  stop(): void;
  /** As `stop()`. */
  [Symbol.dispose](): void;
}

/** So much text is collected before it is written. */
const CHUNK = 64 * 1024;

/**
 * Records what all loops of this thread do from now on into a file, which `asyncio trace` makes a page of. The memory that it takes does not
 * grow; the file grows by about 100 bytes for each event. When it cannot be written any more, that is reported, and the program goes on.
 *
 * @param file is replaced if it is there
 * @throws the system's error when the file cannot be opened, or not be written at all
 * @example
 * const trace = traceToFile('/tmp/trace.json'); // asyncio trace /tmp/trace.json
 * await sleep(0.001);
 * trace.stop();
 */
export function traceToFile(file: string, options: TraceFileOptions = {}): TraceFile {
  checkOptions('traceToFile', options, ['places']);
  return new Writer(file, options.places ?? true);
}

class Writer implements TraceFile {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #tracing: { stop(): void };
  readonly #end = (): void => this.stop();
  #text = '';
  #isFirst = true;
  #hasFailed = false;
  #isOver = false;

  constructor(file: string, places: boolean) {
    this.#file = file;
    this.#descriptor = openSync(file, 'w');
    // Everything of an empty trace but its end.
    writeSync(this.#descriptor, `${JSON.stringify(traceDocument([])).slice(0, -2)}\n`);
    this.#tracing = startTracing({ places, onEvents: (events) => this.#add(events) });
    process.on('exit', this.#end);
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    process.off('exit', this.#end);
    this.#tracing.stop();
    this.#text += '\n]}\n';
    this.#write();
    closeSync(this.#descriptor);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #add(events: readonly TraceEvent[]): void {
    for (const event of events) {
      this.#text += this.#isFirst ? JSON.stringify(event) : `,\n${JSON.stringify(event)}`;
      this.#isFirst = false;
    }
    if (this.#text.length >= CHUNK) this.#write();
  }

  #write(): void {
    const text = this.#text;
    this.#text = '';
    if (this.#hasFailed) return;
    try {
      writeSync(this.#descriptor, text);
    } catch (error) {
      // A program is not to end because nobody can write down what it does.
      this.#hasFailed = true;
      logger.error(
        `traceToFile: ${this.#file} cannot be written any more, and ends in the middle: ${titlesOf([error])}`,
      );
    }
  }
}
