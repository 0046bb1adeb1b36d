import { isCancelledError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { getRunningLoop } from '../kernel/lowlevel.ts';
import { Queue } from '../queues/index.ts';
import { foreignCall, LeftBehind } from './foreign-call.ts';
import { TaskIterator } from './task-iterator.ts';
import { isReadable, type ReadableStreamLike, readerIterator } from './web-streams.ts';

/** A source of items: an array, any iterable, an async iterable, or a web stream. */
export type Items<T> = Iterable<T> | AsyncIterable<T> | ReadableStreamLike<T>;

/** A position in a sequence of items, for use by a task. */
export interface Cursor<T> {
  /** The next item. When this throws, the source has already ended. */
  next(): Generator<unknown, IteratorResult<T, unknown>, unknown>;
  /** Ends the source of the items. */
  close(): Generator<unknown, void, unknown>;
}

/** Checks that a value is a source of items. */
export function checkItems(name: string, items: unknown): void {
  const isObject = typeof items === 'object' && items !== null;
  if (typeof items === 'string') return;
  if (isObject && (Symbol.asyncIterator in items || isReadable(items))) return;
  // Awaitables have an iterator too, but it does not give items.
  if (isObject && Symbol.iterator in items && !('then' in items)) return;
  throw typeError(
    `${name}: an iterable, async iterable or readable stream is required, got ${describe(items)}`,
    'NOT_ITERABLE',
  );
}

/** Begins the iteration. Does not ask for an item yet. */
export function cursorOf<T>(items: Items<T>): Cursor<T> {
  if (typeof items !== 'object') return new SyncCursor<T>((items as Iterable<T>)[Symbol.iterator]());
  if (items instanceof TaskIterator) return new TaskCursor<T>(items);
  if (items instanceof Queue) return new QueueCursor<T>(items);
  if (isReadable<T>(items)) return new AsyncCursor<T>(readerIterator(items), true);
  if (Symbol.asyncIterator in items) return cursorOfIterator(items[Symbol.asyncIterator]());
  return new SyncCursor<T>(items[Symbol.iterator]());
}

/** For sources with a `TaskIterator`, such as a stream of bytes, which need no promises. */
function cursorOfIterator<T>(iterator: AsyncIterator<T>): Cursor<T> {
  return iterator instanceof TaskIterator ? new TaskCursor<T>(iterator) : new AsyncCursor<T>(iterator, false);
}

class TaskCursor<T> implements Cursor<T> {
  readonly #iterator: TaskIterator<T>;

  constructor(iterator: TaskIterator<T>) {
    this.#iterator = iterator;
  }

  next(): Generator<unknown, IteratorResult<T, unknown>, unknown> {
    return this.#iterator.pull();
  }

  close(): Generator<unknown, void, unknown> {
    return this.#iterator.close();
  }
}

/** For a queue. The queue does not change when the iteration ends. */
class QueueCursor<T> implements Cursor<T> {
  readonly #iterator: ReturnType<Queue<T>[typeof Symbol.asyncIterator]>;

  constructor(queue: Queue<T>) {
    this.#iterator = queue[Symbol.asyncIterator]();
  }

  *next(): Generator<unknown, IteratorResult<T, unknown>, unknown> {
    return yield* this.#iterator.next();
  }

  *close(): Generator<unknown, void, unknown> {}
}

class SyncCursor<T> implements Cursor<T> {
  readonly #iterator: Iterator<T>;

  constructor(iterator: Iterator<T>) {
    this.#iterator = iterator;
  }

  *next(): Generator<unknown, IteratorResult<T, unknown>, unknown> {
    return this.#iterator.next();
  }

  *close(): Generator<unknown, void, unknown> {
    this.#iterator.return?.();
  }
}

/** For an iterator that gives promises. */
class AsyncCursor<T> implements Cursor<T> {
  readonly #iterator: AsyncIterator<T>;
  /** Whether `return()` ends a waiting `next()`. With an async generator, `return()` waits for that `next()` instead. */
  readonly #isEndable: boolean;

  constructor(iterator: AsyncIterator<T>, isEndable: boolean) {
    this.#iterator = iterator;
    this.#isEndable = isEndable;
  }

  *next(): Generator<unknown, IteratorResult<T, unknown>, unknown> {
    let result: unknown;
    try {
      result = yield* foreignCall(() => this.#iterator.next());
    } catch (error) {
      const cancellation = error instanceof LeftBehind ? error.cancellation : error;
      if (error instanceof LeftBehind && !this.#isEndable) this.#leave();
      // An iterator that fails has ended itself; but when the task was cancelled, the iterator may not know.
      else if (isCancelledError(cancellation)) yield* this.close();
      throw cancellation;
    }
    if (typeof result !== 'object' || result === null)
      throw typeError(`Iterator result ${describe(result)} is not an object`, 'NOT_AN_ITERATOR_RESULT');
    return result as IteratorResult<T, unknown>;
  }

  *close(): Generator<unknown, void, unknown> {
    if (this.#iterator.return === undefined) return;
    let isCalled = false;
    try {
      yield* foreignCall<unknown>(() => {
        isCalled = true;
        return this.#iterator.return?.();
      });
    } catch (error) {
      if (!isCalled) this.#leave();
      throw error instanceof LeftBehind ? error.cancellation : error;
    }
  }

  /** It may wait for a promise that never settles, so this does not wait for its end; errors of it are reported. */
  #leave(): void {
    const loop = getRunningLoop();
    const report = (exception: unknown): void => {
      loop.callExceptionHandler({
        message: `return() of ${describe(this.#iterator)} failed after a cancellation`,
        exception,
      });
    };
    try {
      Promise.resolve(this.#iterator.return?.()).then(undefined, report);
    } catch (error) {
      report(error);
    }
  }
}

/** Ends the source because of an error, and throws that error. If ending the source fails as well, that is reported. */
export function* closeAfter(
  cursor: Pick<Cursor<unknown>, 'close'>,
  error: unknown,
): Generator<unknown, never, unknown> {
  try {
    yield* cursor.close();
  } catch (exception) {
    // But a cancellation must not be lost.
    if (isCancelledError(exception)) throw exception;
    getRunningLoop().callExceptionHandler({
      message: `Closing ${describe(cursor)} after another error failed`,
      exception,
    });
  }
  throw error;
}
