/** The best that plain promises do for a fair lock: a promise only for who really has to wait. */
export class PromiseLock {
  #locked = false;
  // Resolved ones are skipped instead of shifted out, which moves the whole array.
  #waiters: (() => void)[] = [];
  #next = 0;

  /** A promise only when it is locked: `await undefined` costs no more than it must. */
  acquire(): Promise<void> | undefined {
    if (!this.#locked) {
      this.#locked = true;
      return undefined;
    }
    return new Promise<void>((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  release(): void {
    const wake = this.#waiters[this.#next];
    if (wake === undefined) {
      this.#waiters = [];
      this.#next = 0;
      this.#locked = false;
    } else {
      this.#next++;
      wake();
    }
  }
}
