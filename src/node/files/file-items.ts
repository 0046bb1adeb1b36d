import { OVER, TaskIterator } from '../../interop/task-iterator.ts';

/** The methods of a file for reading items. When an item is not wanted any more, the read returns and consumes nothing. */
export interface ItemSource<T> {
  nextLine(isWanted: () => boolean): Generator<unknown, T, unknown>;
  nextChunk(size: number, isWanted: () => boolean): Generator<unknown, T, unknown>;
}

/** Items of a file. The file stays open at the end; when the loop is left, the rest can still be read. */
abstract class FileItems<T extends { readonly length: number }> extends TaskIterator<T> {
  /** How often the iteration was left: this ends earlier calls of `next()`, while new calls are still possible. */
  #ends = 0;

  override *pull(): Generator<unknown, IteratorResult<T, undefined>, unknown> {
    const begun = this.#ends;
    const value = yield* this.take(() => this.#ends === begun);
    return value.length === 0 ? OVER : { done: false, value };
  }

  override *close(): Generator<unknown, void, unknown> {
    this.#ends++;
  }

  protected abstract take(isWanted: () => boolean): Generator<unknown, T, unknown>;
}

/** The lines of a file. */
export class FileLines<T extends { readonly length: number }> extends FileItems<T> {
  readonly #file: ItemSource<T>;

  constructor(file: ItemSource<T>) {
    super();
    this.#file = file;
  }

  protected override take(isWanted: () => boolean): Generator<unknown, T, unknown> {
    return this.#file.nextLine(isWanted);
  }
}

/** The content of a file in pieces of one size. */
export class FileChunks<T extends { readonly length: number }> extends FileItems<T> {
  readonly #file: ItemSource<T>;
  readonly #size: number;

  constructor(file: ItemSource<T>, size: number) {
    super();
    this.#file = file;
    this.#size = size;
  }

  protected override take(isWanted: () => boolean): Generator<unknown, T, unknown> {
    return this.#file.nextChunk(this.#size, isWanted);
  }
}
