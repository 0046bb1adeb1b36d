import process from 'node:process';

/** How often it looks whether anything else is left in the process. */
const INTERVAL_MS = 100;

/**
 * Notices that nothing in the process can end the wait of a statement any more. Without it Node would end the process, with a warning about a
 * line of this command.
 *
 * Only the event `beforeExit` says so: the list of active resources lacks workers and other things. But `run()` uses the same event for its
 * own report, which it leaves out when there is another listener. So this class listens only while no timer is active, because `run()` keeps
 * the process alive with a timer.
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
