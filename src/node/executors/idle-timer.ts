/** In milliseconds: the longest time of a runtime's timer. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Ends a worker that was idle for a time. Does not keep the program alive. */
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
