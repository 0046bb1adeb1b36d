import {
  type EventLoop,
  Future,
  implicitLoop,
  libraryCoroutine,
  noteWait,
  subscribe,
  type Task,
} from '../kernel/lowlevel.ts';
import { wait } from '../tasks/index.ts';
import { checkItems, closeAfter, type Items } from './cursor.ts';
import { Iteration } from './iterate.ts';
import { storedError } from './stored-error.ts';

/** The part of a `ReadableStreamDefaultController` that this library uses. */
export interface ReadableControllerLike<T> {
  enqueue(chunk: T): void;
  close(): void;
  error(reason: unknown): void;
}

/** The underlying source of a `ReadableStream` whose chunks are the items of another source. */
export class ReadableSource<T> {
  readonly #items: Iteration<T>;
  readonly #loop: EventLoop;
  /** The task that passes the items to the stream; `null` until the stream asks for the first one. */
  #task: Task<void> | null = null;
  /** Ends the current `pull`. */
  #pulled = (): void => {};
  /** The task waits on it until the stream asks for the next item. */
  #wanted: Future<void> | null = null;

  /** @internal */
  constructor(items: Items<T>) {
    this.#items = new Iteration(items);
    this.#loop = implicitLoop();
  }

  /** Called by the stream when it has room for a chunk. */
  pull(controller: ReadableControllerLike<T>): Promise<void> {
    return new Promise((resolve) => {
      this.#pulled = resolve;
      if (this.#task === null) this.#start(controller);
      else this.#wanted?.setResult();
    });
  }

  #start(controller: ReadableControllerLike<T>): void {
    const give = (item: T): Future<void> => this.#give(controller, item);
    this.#task = this.#loop.createTask(() => feed(this.#items, give as (item: unknown) => Future<void>));
    subscribe(this.#task, (task) => this.#ended(task, controller), null);
  }

  /** Passes an item to the stream; returns a future to wait on before the next one. */
  #give(controller: ReadableControllerLike<T>, item: T): Future<void> {
    controller.enqueue(item);
    const wanted = new Future<void>({ loop: this.#loop });
    noteWait(wanted, { operation: 'pull', object: this });
    this.#wanted = wanted;
    this.#pulled();
    return wanted;
  }

  #ended(task: Future<void>, controller: ReadableControllerLike<T>): void {
    try {
      task.result();
      controller.close();
    } catch (error) {
      controller.error(storedError(error, 'the task that fills it')); // has no effect on a stream that was cancelled
    }
    this.#pulled();
  }

  /** Called by the stream when it is cancelled. */
  cancel(): Promise<void> {
    const task = this.#task;
    task?.cancel();
    return this.#loop.createTask(() => endFeed(task, this.#items)).then(() => {});
  }

  toString(): string {
    return `<ReadableSource of ${this.#items}>`;
  }
}

const feed = /* @__PURE__ */ libraryCoroutine(function* feed(
  items: Iteration<unknown>,
  give: (item: unknown) => Future<void>,
): Generator<unknown, void, unknown> {
  try {
    for (;;) {
      const { done, value } = yield* items.pull();
      if (done === true) return;
      yield* give(value);
    }
  } catch (error) {
    yield* closeAfter(items, error);
  }
});

const endFeed = /* @__PURE__ */ libraryCoroutine(function* endFeed(
  task: Task<void> | null,
  items: Iteration<unknown>,
): Generator<unknown, void, unknown> {
  if (task !== null) yield* wait([task]);
  yield* items.close(); // the task may not have begun
});

/**
 * A source for `new ReadableStream(…)` whose chunks are the items of a queue, an async iterable or an iterable. An item is taken
 * when the stream asks for one, so a slow reader slows down the source. When the items are over, the
 * stream is closed; when the source fails, the stream fails with the error.
 *
 * The items are taken by a task of the running loop, or of the thread's.
 *
 * **Cancellation**: when the stream is cancelled, so is the task, and `return()` of the source is called, as with
 * `iterate`; the promise of `stream.cancel()` waits for it. When the task is cancelled, the stream fails with a
 * `RuntimeError` whose cause is the `CancelledError`: tasks that read it are not cancelled themselves.
 *
 * **Order**: that of the items.
 *
 * @param items an array, an iterable, an async iterable such as a queue, or a readable web stream
 * @throws {TypeError} at once, when it is not a source of items
 * @example
 * const stream = new ReadableStream(readableSource(queue), { highWaterMark: 4 });
 * return new Response(stream.pipeThrough(new TextEncoderStream()));
 */
export function readableSource<T>(items: Iterable<T> | AsyncIterable<T>): ReadableSource<T>;
export function readableSource<T>(items: Items<T>): ReadableSource<T>;
export function readableSource<T>(items: Items<T>): ReadableSource<T> {
  checkItems('readableSource', items);
  return new ReadableSource(items);
}
