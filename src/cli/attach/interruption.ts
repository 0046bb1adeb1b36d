import { constants } from 'node:os';
import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The command was told to end by a signal, as by Ctrl-C. Nothing is printed about it. */
export class Interrupted extends Error {
  /** What a shell shows for a program that the signal has ended. */
  readonly code: number;

  constructor(signal: (typeof SIGNALS)[number]) {
    super(`interrupted by ${signal}`);
    this.code = 128 + constants.signals[signal];
  }

  override get name(): string {
    return 'Interrupted';
  }
}

/**
 * Takes the first signal that would end the command, so that what it has opened in another process can be closed. The second one ends the
 * command at once.
 */
export class Interruption {
  readonly #abort = new AbortController();
  readonly #take = (signal: NodeJS.Signals): void => {
    this.end();
    this.#abort.abort(new Interrupted(signal as (typeof SIGNALS)[number]));
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#take);
  }

  /** Aborted by the signal, with an `Interrupted`. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** From now on a signal ends the process again. */
  end(): void {
    for (const signal of SIGNALS) process.removeListener(signal, this.#take);
  }
}

/**
 * The outcome of some work, which a signal makes fail at once.
 *
 * @throws {Interrupted} when the signal comes first
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
  work.catch(() => {}); // it may fail later, because it was given up
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
