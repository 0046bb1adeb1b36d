import { isCancelledError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import {
  type AwaitableCoroutine,
  type CoroutineFunction,
  iterableOf,
  libraryCoroutine,
  wrapPromise,
} from '../kernel/lowlevel.ts';
import { checkItems, type Items } from './cursor.ts';
import { forEach } from './iterate.ts';
import { storedError } from './stored-error.ts';
import { isWritable, type WritableStreamLike, type WriterLike } from './web-streams.ts';

/** Writes to a writable web stream, as fast as the stream accepts chunks. `writing` passes one to its body. */
export class WebStreamWriter<T> {
  readonly #writer: WriterLike<T>;

  /** @internal */
  constructor(writer: WriterLike<T>) {
    this.#writer = writer;
  }

  /**
   * Waits until the stream has room, and writes a chunk. Does not wait until the chunk has arrived: if writing it fails, the next
   * `write` throws, or the end of `writing` does.
   *
   * **Cancellation**: the chunk is not written.
   *
   * **Order**: the order of the calls; tasks that wait continue in the order in which they came.
   *
   * @throws the error of the stream
   */
  write(chunk: T): AwaitableCoroutine<void> {
    return write(this as WebStreamWriter<never>, chunk);
  }

  /** Waits for room. If there is room, returns without letting other tasks run. @internal */
  *waitForRoom(): Generator<unknown, void, unknown> {
    // `null` means that the stream has failed; `ready` then rejects with the error.
    if (!((this.#writer.desiredSize ?? 0) > 0)) yield* wrapPromise(this.#writer.ready);
  }

  /** @internal */
  writeNow(chunk: T): void {
    // An error of the sink is an error of the stream too, and every later operation throws it.
    this.#writer.write(chunk).then(undefined, () => {});
  }

  toString(): string {
    return `<WebStreamWriter desiredSize=${this.#writer.desiredSize}>`;
  }
}

const write = /* @__PURE__ */ libraryCoroutine(function* write(
  writer: WebStreamWriter<unknown>,
  chunk: unknown,
): Generator<unknown, void, unknown> {
  yield* writer.waitForRoom();
  writer.writeNow(chunk);
});

/** Options of `writing` and `pipeTo`. */
export interface WritingOptions {
  /** Leaves the stream open at the end. */
  readonly preventClose?: boolean | undefined;
  /** Does not abort the stream after an error or a cancellation. */
  readonly preventAbort?: boolean | undefined;
}

/** The body of `writing`: an async function, or a generator function. */
export type WritingBody<T, R> = CoroutineFunction<R, [writer: WebStreamWriter<T>]>;

/**
 * Runs a body that writes to a writable web stream. At the end the stream is closed, which waits until all chunks have arrived; when the
 * body fails, it is aborted with the error. In both cases its lock is released.
 *
 * **Cancellation**: aborts the stream, even while it is being closed. The stream fails with a `RuntimeError` whose
 * cause is the `CancelledError`: other users of the stream are not cancelled themselves.
 *
 * @param stream a stream that no other code writes to
 * @param body an async function or a generator function, called with the writer; runs in the current task
 * @returns what the body returns
 * @throws {TypeError} at once, when it is not a writable stream, or the body is not a function
 * @throws what the body throws, or the error of the stream
 * @example
 * await writing(stream, async (writer) => {
 *   for (const chunk of chunks) await writer.write(chunk);
 * });
 */
export function writing<T, R>(
  stream: WritableStreamLike<T>,
  body: WritingBody<T, R>,
  options: WritingOptions = {},
): AwaitableCoroutine<R> {
  checkWritable('writing', stream);
  if (typeof body !== 'function')
    throw typeError(
      `writing: the body must be an async function or a generator function, got ${describe(body)}`,
      'NOT_A_COROUTINE',
    );
  checkOptions('writing', options, WRITING_OPTIONS);
  return runWriting(stream, body as WritingBody<never, unknown>, options) as AwaitableCoroutine<R>;
}

const WRITING_OPTIONS = ['preventClose', 'preventAbort'];

function checkWritable(name: string, stream: unknown): void {
  if (!isWritable(stream))
    throw typeError(`${name}: a writable stream is required, got ${describe(stream)}`, 'NOT_A_STREAM');
}

const runWriting = /* @__PURE__ */ libraryCoroutine(function* writing(
  stream: WritableStreamLike<never>,
  body: WritingBody<never, unknown>,
  { preventClose = false, preventAbort = false }: WritingOptions,
): Generator<unknown, unknown, unknown> {
  const writer = stream.getWriter();
  try {
    const result = yield* iterableOf(body, new WebStreamWriter(writer));
    // A stream that is left open may still be writing chunks: if they fail, its next writer gets the error.
    if (!preventClose) yield* close(writer);
    return result;
  } catch (error) {
    if (!preventAbort) yield* abort(writer, error);
    throw error;
  } finally {
    writer.releaseLock();
  }
});

function* close(writer: WriterLike<never>): Generator<unknown, void, unknown> {
  try {
    yield* wrapPromise(writer.close());
  } catch (error) {
    // `close()` of a failed stream only says that it cannot be closed; `closed` has the reason.
    if (!isCancelledError(error)) yield* wrapPromise(writer.closed);
    throw error;
  }
}

/** Aborts a stream because of an error. That error is thrown, even if aborting fails as well. */
function* abort(writer: WriterLike<never>, error: unknown): Generator<unknown, void, unknown> {
  try {
    yield* wrapPromise(writer.abort(storedError(error, 'the task that writes to it')));
  } catch (later) {
    if (isCancelledError(later)) throw later;
  }
}

/**
 * Writes all items to a writable web stream, as fast as both allow, and closes it. When the source of the items fails, the stream is
 * aborted with the error; when the stream fails, `return()` of the source is called.
 *
 * **Cancellation**: aborts the stream, and ends the source as `iterate` does.
 *
 * **Order**: that of the items. The next one is asked for when the stream has room.
 *
 * @param items an array, an iterable, an async iterable such as a queue, or a readable web stream
 * @param stream a stream that no other code writes to
 * @throws {TypeError} at once, when `items` is not a source of items, or `stream` is not a writable stream
 * @throws the error of the source or of the stream
 * @example
 * await pipeTo(queue, new WritableStream({ write: (chunk) => console.log(chunk) }));
 */
export function pipeTo<T>(
  items: Iterable<T> | AsyncIterable<T>,
  stream: WritableStreamLike<T>,
  options?: WritingOptions,
): AwaitableCoroutine<void>;
export function pipeTo<T>(
  items: Items<T>,
  stream: WritableStreamLike<T>,
  options?: WritingOptions,
): AwaitableCoroutine<void>;
export function pipeTo<T>(
  items: Items<T>,
  stream: WritableStreamLike<T>,
  options: WritingOptions = {},
): AwaitableCoroutine<void> {
  checkItems('pipeTo', items);
  checkWritable('pipeTo', stream);
  checkOptions('pipeTo', options, WRITING_OPTIONS);
  return writing(
    stream,
    function* (writer) {
      yield* writer.waitForRoom();
      yield* forEach(items, function* (item) {
        writer.writeNow(item);
        yield* writer.waitForRoom();
      });
    },
    options,
  );
}
