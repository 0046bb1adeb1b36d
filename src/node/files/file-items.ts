import { OVER, TaskIterator } from '../../interop/task-iterator.ts';
import type { AwaitableCoroutine } from '../../kernel/lowlevel.ts';

/** A file as far as items are read from it. */
interface Readable<T> {
  readline(): AwaitableCoroutine<T>;
  read(count: number): AwaitableCoroutine<T>;
}

/** The lines of a file. The file stays open when they are over. */
export class FileLines<T extends { readonly length: number }> extends TaskIterator<T> {
  readonly #file: Readable<T>;

  constructor(file: Readable<T>) {
    super();
    this.#file = file;
  }

  override *pull(): Generator<unknown, IteratorResult<T, undefined>, unknown> {
    const value = yield* this.#file.readline();
    return value.length === 0 ? OVER : { done: false, value };
  }

  override *close(): Generator<unknown, void, unknown> {}
}

/** The content of a file in pieces of one size. The file stays open when they are over. */
export class FileChunks<T extends { readonly length: number }> extends TaskIterator<T> {
  readonly #file: Readable<T>;
  readonly #size: number;

  constructor(file: Readable<T>, size: number) {
    super();
    this.#file = file;
    this.#size = size;
  }

  override *pull(): Generator<unknown, IteratorResult<T, undefined>, unknown> {
    const value = yield* this.#file.read(this.#size);
    return value.length === 0 ? OVER : { done: false, value };
  }

  override *close(): Generator<unknown, void, unknown> {}
}
