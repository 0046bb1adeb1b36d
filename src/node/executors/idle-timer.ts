/** In milliseconds: what timers of the runtime can do. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Ends a worker that has had nothing to do for long. Keeps no program alive. */
export class IdleTimer {
  #timer: ReturnType<typeof setTimeout> | null = null;

  start(seconds: number, end: () => void): void {
    if (seconds === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(end, Math.min(seconds * 1_000, LONGEST_TIMEOUT));
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
  }
}
