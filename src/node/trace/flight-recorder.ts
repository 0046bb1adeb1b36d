import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { isMainThread, threadId } from 'node:worker_threads';
import { type FlightRecorder, startFlightRecorder } from '../../inspect/index.ts';
import { titlesOf } from '../../internal/describe.ts';
import { checkOptions } from '../../internal/options.ts';
import { listenToSignal, logger } from '../../kernel/lowlevel.ts';

/** Options of `flightRecorder`. */
export interface ProcessFlightRecorderOptions {
  /** How many events are remembered. Default: 10,000, which take about half a megabyte. */
  readonly events?: number;
  /** The file to write. Default: `asyncio-flight-PID.json` in the current folder, and `asyncio-flight-PID-THREAD.json` in a worker thread. */
  readonly file?: string;
  /** The signal on which it is written; `null` for none. Default: `SIGUSR2` in the main thread, where the system has it; workers get no signals. */
  readonly signal?: NodeJS.Signals | null;
}

/** What `flightRecorder` returns. */
export interface ProcessFlightRecorder {
  /** Where it is written to, as an absolute path. */
  readonly file: string;
  /**
   * Writes what is remembered, in place of what was written before.
   *
   * @param reason the file says it
   * @throws the system's error when the file cannot be written
   */
  write(reason?: string): void;
  /** Ends the recording, and listens to nothing any more. */
  stop(): void;
  /** As `stop()`. */
  [Symbol.dispose](): void;
}

/**
 * Remembers the last events of all loops of this thread, as `startFlightRecorder` does, and writes them to a file when there is something to
 * explain: when a signal comes (`kill -USR2 PID`), when an error ends the process, and when the process ends while tasks are pending.
 * `asyncio trace FILE` shows the file.
 *
 * Each file replaces the one before as a whole. A file that cannot be written then is reported, and nothing else.
 *
 * @throws {TypeError} when an option is unknown or of a wrong type
 * @throws {ValueError} when `events` is not a whole number from 1 to 10,000,000, or the system has no such signal
 * @throws {RuntimeError} when the signal cannot be caught, or this is a worker thread
 * @example
 * const recorder = flightRecorder({ file: '/tmp/flight.json' });
 * await sleep(0.001);
 * recorder.stop(); // a server leaves it on
 */
export function flightRecorder(options: ProcessFlightRecorderOptions = {}): ProcessFlightRecorder {
  checkOptions('flightRecorder', options, ['events', 'file', 'signal']);
  return new RecorderOfProcess(options);
}

class RecorderOfProcess implements ProcessFlightRecorder {
  readonly file: string;
  readonly #recorder: FlightRecorder;
  readonly #removeSignal: (() => void) | null;
  readonly #onCrash = (error: unknown): void => this.#tryToWrite(`uncaught: ${titlesOf([error])}`);
  readonly #onExit = (): void => {
    const count = this.#recorder.pending();
    if (count > 0 && !this.#hasCrashed) this.#tryToWrite(`the process ends, and ${count} of its tasks are pending`);
  };
  #hasCrashed = false;

  constructor({ events, file, signal = defaultSignal() }: ProcessFlightRecorderOptions) {
    this.file = path.resolve(file ?? `asyncio-flight-${process.pid}${isMainThread ? '' : `-${threadId}`}.json`);
    this.#recorder = startFlightRecorder(events === undefined ? {} : { events });
    try {
      this.#removeSignal = signal === null ? null : listenToSignal(signal, () => this.#tryToWrite(signal), false);
    } catch (error) {
      this.#recorder.stop();
      throw error;
    }
    // It changes nothing of what happens, unlike a listener for uncaught exceptions.
    process.on('uncaughtExceptionMonitor', this.#onCrash);
    process.on('exit', this.#onExit);
  }

  write(reason?: string): void {
    const text = JSON.stringify(this.#recorder.dump(reason));
    const half = `${this.file}.${process.pid}.tmp`;
    writeFileSync(half, text);
    renameSync(half, this.file);
  }

  stop(): void {
    this.#recorder.stop();
    this.#removeSignal?.();
    process.off('uncaughtExceptionMonitor', this.#onCrash);
    process.off('exit', this.#onExit);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #tryToWrite(reason: string): void {
    if (reason.startsWith('uncaught')) this.#hasCrashed = true;
    try {
      this.write(reason);
      logger.warn(`flight recorder: ${reason}; wrote ${this.file}; to look at it write asyncio trace ${this.file}`);
    } catch (error) {
      logger.error(`flight recorder: ${reason}; ${this.file} cannot be written: ${titlesOf([error])}`);
    }
  }
}

/** Windows has no such signal. */
function defaultSignal(): NodeJS.Signals | null {
  return isMainThread && process.platform !== 'win32' ? 'SIGUSR2' : null;
}
