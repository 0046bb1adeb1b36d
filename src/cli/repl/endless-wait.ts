import process from 'node:process';

/** So often it is looked whether anything is left in the process. */
const INTERVAL_MS = 100;

/**
 * Notices that nothing in the process can end the wait of a statement any more. Node would end then, with a warning about a line of this
 * command.
 *
 * `beforeExit` tells of that, and nothing else does: the list of active resources lacks workers and much else. But a `run()` looks for it
 * too, and does not where somebody else listens. So it is listened to only while no timer is active, such as the one with which a `run()`
 * keeps the process alive.
 */
export class EndlessWait {
  readonly #onNoticed: (code: string) => void;
  #timer: NodeJS.Timeout | null = null;
  #code = '';

  /** @param onNoticed gets the code of the statement */
  constructor(onNoticed: (code: string) => void) {
    this.#onNoticed = onNoticed;
  }

  /** A statement begins. */
  begin(code: string): void {
    this.#code = code;
    this.#timer ??= setInterval(this.#look, INTERVAL_MS);
  }

  /** It has ended. */
  end(): void {
    process.removeListener('beforeExit', this.#notice);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  readonly #look = (): void => {
    const timer = this.#timer;
    if (timer === null) return;
    process.removeListener('beforeExit', this.#notice);
    timer.unref();
    if (process.getActiveResourcesInfo().includes('Timeout')) timer.ref();
    else process.on('beforeExit', this.#notice);
  };

  readonly #notice = (): void => {
    this.end();
    this.#onNoticed(this.#code);
  };
}
