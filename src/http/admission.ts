import { RingBuffer } from '../internal/ring-buffer.ts';
import { type EventLoop, type Future, newWait, release } from '../kernel/lowlevel.ts';

/** Lets so many requests run at the same time, and so many more wait. */
export class Admission {
  readonly #limit: number;
  readonly #queue: number;
  #running = 0;
  readonly #waiting = new RingBuffer<Future<void>>();
  /** Of those, how many still wait: some may have left. */
  #live = 0;

  constructor(limit: number, queue: number) {
    this.#limit = limit;
    this.#queue = queue;
  }

  /** Whether one more may run now, or wait. */
  get hasRoom(): boolean {
    return this.#running < this.#limit || this.#live < this.#queue;
  }

  /** Takes a place at once; otherwise gives the wait for one, which has to be ended with `left` if it is cancelled. */
  enter(loop: EventLoop): Future<void> | null {
    if (this.#running < this.#limit) {
      this.#running++;
      return null;
    }
    const wait = newWait(loop, { operation: 'turn of a request', object: null });
    this.#waiting.push(wait);
    this.#live++;
    wait.addDoneCallback(() => {
      this.#live--;
    });
    return wait;
  }

  /** Gives a place to the one that has waited longest. */
  leave(): void {
    while (this.#waiting.length > 0) {
      const next = this.#waiting.shift();
      if (next.done()) continue; // it was cancelled
      release(next);
      return;
    }
    this.#running--;
  }
}
