import { isCancelledError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { getRunningLoop } from '../kernel/lowlevel.ts';
import { Queue } from '../queues/index.ts';
import { foreignCall, LeftBehind } from './foreign-call.ts';
import { TaskIterator } from './task-iterator.ts';
import { isReadable, type ReadableStreamLike, readerIterator } from './web-streams.ts';

/** What items can be taken from: an array, any iterable, an async iterable, or a web stream. */
export type Items<T> = Iterable<T> | AsyncIterable<T> | ReadableStreamLike<T>;

/** A place in items that come one after the other, as a task sees it. */
export interface Cursor<T> {
  /** The next item. What throws has ended itself. */
  next(): Generator<unknown, IteratorResult<T, unknown>, unknown>;
  /** Ends what the items come from. */
  close(): Generator<unknown, void, unknown>;
}

/** Checks what items are to be taken from. */
export function checkItems(name: string, items: unknown): void {
  const isObject = typeof items === 'object' && items !== null;
  if (typeof items === 'string') return;
  if (isObject && (Symbol.asyncIterator in items || isReadable(items))) return;
  // What can be awaited has an iterator too, but it gives no items.
  if (isObject && Symbol.iterator in items && !('then' in items)) return;
  throw typeError(
    `${name}: an iterable, async iterable or readable stream is required, got ${describe(items)}`,
    'NOT_ITERABLE',
  );
}

/** Begins to take items. Asks for nothing yet. */
export function cursorOf<T>(items: Items<T>): Cursor<T> {
  if (typeof items !== 'object') return new SyncCursor<T>((items as Iterable<T>)[Symbol.iterator]());
  if (items instanceof TaskIterator) return new TaskCursor<T>(items);
  if (items instanceof Queue) return new QueueCursor<T>(items);
  if (isReadable<T>(items)) return new AsyncCursor<T>(readerIterator(items), true);
  if (Symbol.asyncIterator in items) return cursorOfIterator(items[Symbol.asyncIterator]());
  return new SyncCursor<T>(items[Symbol.iterator]());
}

/** What is iterated by a `TaskIterator`, such as a stream of bytes, needs no promises. */
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

/** A queue stays as it is when nobody takes from it any more. */
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

/** An iterator that gives promises. */
class AsyncCursor<T> implements Cursor<T> {
  readonly #iterator: AsyncIterator<T>;
  /** Whether `return()` ends a `next()` that waits. That of an async generator waits for it instead. */
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
      // An iterator that fails has ended itself; one that the task was cancelled in may know nothing of it.
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

  /** It may wait for a promise that never settles, so nobody waits for its end; what goes wrong there is reported. */
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

/** Ends what items come from because of an error, and throws that. Another one that this brings about is reported. */
export function* closeAfter(
  cursor: Pick<Cursor<unknown>, 'close'>,
  error: unknown,
): Generator<unknown, never, unknown> {
  try {
    yield* cursor.close();
  } catch (exception) {
    // A cancellation must not get lost, though.
    if (isCancelledError(exception)) throw exception;
    getRunningLoop().callExceptionHandler({
      message: `Closing ${describe(cursor)} after another error failed`,
      exception,
    });
  }
  throw error;
}
