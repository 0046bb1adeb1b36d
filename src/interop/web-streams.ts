/** The parts of web streams that this library uses; the platform's own types are compatible. */

/** The part of a `ReadableStream` that this library uses. */
export interface ReadableStreamLike<T> {
  readonly locked: boolean;
  getReader(): ReaderLike<T>;
}

/** The part of a `ReadableStreamDefaultReader` that this library uses. */
export interface ReaderLike<T> {
  read(): PromiseLike<{ readonly done: boolean; readonly value?: T | undefined }>;
  cancel(reason?: unknown): PromiseLike<void>;
  releaseLock(): void;
}

/** The part of a `WritableStream` that this library uses. */
export interface WritableStreamLike<T> {
  readonly locked: boolean;
  getWriter(): WriterLike<T>;
}

/** The part of a `WritableStreamDefaultWriter` that this library uses. */
export interface WriterLike<T> {
  readonly desiredSize: number | null;
  readonly ready: PromiseLike<unknown>;
  readonly closed: PromiseLike<unknown>;
  write(chunk: T): PromiseLike<void>;
  close(): PromiseLike<void>;
  abort(reason?: unknown): PromiseLike<void>;
  releaseLock(): void;
}

/** Whether a value is a readable web stream. */
export function isReadable<T>(value: object): value is ReadableStreamLike<T> {
  return typeof (value as Partial<ReadableStreamLike<T>>).getReader === 'function';
}

/** Whether a value is a writable web stream. */
export function isWritable(value: unknown): value is WritableStreamLike<never> {
  return typeof (value as Partial<WritableStreamLike<never>> | null | undefined)?.getWriter === 'function';
}

/**
 * The chunks of a stream. The stream's own iterator is not used, because ending it means waiting for the chunk that is being read, and the
 * stream may never give one. A reader can be cancelled without waiting.
 */
export function readerIterator<T>(stream: ReadableStreamLike<T>): AsyncIterator<T, undefined> {
  const reader = stream.getReader();
  let isOver = false;
  const end = (): void => {
    isOver = true;
    reader.releaseLock();
  };
  return {
    async next() {
      const { done, value } = await readOr(reader, end);
      if (!done) return { done: false, value: value as T };
      end();
      return { done: true, value: undefined };
    },
    async return() {
      // The stream may have failed with the cancellation itself, as a body of `fetch` does by its signal.
      if (isOver) return { done: true, value: undefined };
      const cancelled = reader.cancel();
      end();
      await cancelled;
      return { done: true, value: undefined };
    },
  };
}

async function readOr<T>(
  reader: ReaderLike<T>,
  onError: () => void,
): Promise<{ readonly done: boolean; readonly value?: T | undefined }> {
  try {
    return await reader.read();
  } catch (error) {
    onError();
    throw error;
  }
}
