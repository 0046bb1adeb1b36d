import { Semaphore, wrapPromise } from 'asyncio-ts';

/**
 * Workers of a page that answer each message with one message. As many work at the same time as the pool has places; further calls wait for
 * theirs in the order in which they came.
 */
export class WorkerPool<Question, Answer> {
  readonly #places: Semaphore;
  readonly #make: () => Worker;
  readonly #idle: Worker[] = [];

  constructor(make: () => Worker, size = navigator.hardwareConcurrency) {
    this.#make = make;
    this.#places = new Semaphore(size);
  }

  async ask(question: Question): Promise<Answer> {
    using _ = await this.#places.acquire();
    const worker = this.#idle.pop() ?? this.#make();
    let isIdle = false;
    try {
      const answer = new Promise<Answer>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
      worker.postMessage(question);
      const data = await wrapPromise(answer);
      isIdle = true;
      return data;
    } finally {
      // A computation cannot be interrupted, so a worker whose answer nobody waits for any more is ended.
      if (isIdle) this.#idle.push(worker);
      else worker.terminate();
    }
  }

  /** Ends the workers that have nothing to do. */
  close(): void {
    for (const worker of this.#idle.splice(0)) worker.terminate();
  }
}
