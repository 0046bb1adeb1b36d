import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { type EventLoop, implicitLoop } from '../kernel/lowlevel.ts';
import { Queue } from '../queues/index.ts';

/** The underlying sink of a `WritableStream` whose chunks go into a queue. */
export class WritableSink<T> {
  readonly #queue: Queue<T>;
  readonly #loop: EventLoop;

  /** @internal */
  constructor(queue: Queue<T>) {
    this.#queue = queue;
    this.#loop = implicitLoop();
  }

  /** Called by the stream: puts a chunk when there is room for it. */
  write(chunk: T): Promise<void> {
    return this.#loop.createTask(this.#queue.put(chunk)).then(() => {});
  }

  /** Called by the stream at its end: items in the queue can still be taken. */
  close(): void {
    this.#queue.shutdown();
  }

  /** Called by the stream when it is aborted: drops the items in the queue. */
  abort(): void {
    this.#queue.shutdown({ immediate: true });
  }

  toString(): string {
    return `<WritableSink into ${this.#queue}>`;
  }
}

/**
 * A sink for `new WritableStream(…)` that puts the chunks into a queue. While the queue is full, the stream accepts no more chunks, so
 * slow consumers of the queue slow down the writer. Closing the stream shuts the queue down; aborting it also drops the items in it.
 *
 * **Order**: that of the chunks.
 *
 * @param queue a queue with a size; a queue without one is never full
 * @throws {TypeError} at once, when it is not a queue
 * @example
 * const queue = new Queue<string>(10);
 * void response.body.pipeThrough(new TextDecoderStream()).pipeTo(new WritableStream(writableSink(queue)));
 * for await (const text of queue) console.log(text);
 */
export function writableSink<T>(queue: Queue<T>): WritableSink<T> {
  if (!(queue instanceof Queue))
    throw typeError(`writableSink: a queue is required, got ${describe(queue)}`, 'NOT_A_QUEUE');
  return new WritableSink(queue);
}
