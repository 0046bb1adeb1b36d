import { RingBuffer } from '../internal/ring-buffer.ts';

/** Whatever the loop runs: a task's step, a future's callback, a handle. */
export interface Runnable {
  /** @internal */
  _run(): void;
}

/** What is due, first in first out. */
export class ReadyQueue extends RingBuffer<Runnable> {}
