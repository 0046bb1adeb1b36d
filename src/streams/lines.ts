import { ValueError } from '../errors/index.ts';
import { OVER, TaskIterator } from '../interop/task-iterator.ts';
import { type AwaitableCoroutine, newTextDecoder, type TextDecoderLike } from '../kernel/lowlevel.ts';

/** What lines are read from. */
export interface LineSource {
  readline(): AwaitableCoroutine<Uint8Array>;
}

/** Options of lines as text. */
export interface LinesOptions {
  /** The encoding, as `TextDecoder` knows it; UTF-8 when absent. */
  readonly encoding?: string | undefined;
  /** Leaves the line ends on the lines. */
  readonly keepEnds?: boolean | undefined;
}

/** The lines of a stream, as bytes with their ends. */
export class ByteLines extends TaskIterator<Uint8Array> {
  readonly #source: LineSource;

  constructor(source: LineSource) {
    super();
    this.#source = source;
  }

  override *pull(): Generator<unknown, IteratorResult<Uint8Array, undefined>, unknown> {
    const line = yield* this.#source.readline();
    return line.length === 0 ? OVER : { done: false, value: line };
  }

  /** The rest stays to be read. */
  override *close(): Generator<unknown, void, unknown> {}
}

/** The lines of a stream, as text. */
export class TextLines extends TaskIterator<string> {
  readonly #source: LineSource;
  readonly #decoder: TextDecoderLike;
  readonly #keepEnds: boolean;

  constructor(source: LineSource, { encoding = 'utf-8', keepEnds = false }: LinesOptions) {
    super();
    this.#source = source;
    this.#decoder = newTextDecoder(encoding);
    // Bytes are cut into lines before they are decoded.
    if (this.#decoder.encoding.startsWith('utf-16'))
      throw new ValueError(
        `lines: a line of ${this.#decoder.encoding} does not end with one byte; decode read() instead`,
        {
          code: 'NO_LINES',
        },
      );
    this.#keepEnds = keepEnds;
  }

  override *pull(): Generator<unknown, IteratorResult<string, undefined>, unknown> {
    const line = yield* this.#source.readline();
    if (line.length === 0) return OVER;
    const text = this.#decoder.decode(line);
    return { done: false, value: this.#keepEnds ? text : withoutEnd(text) };
  }

  override *close(): Generator<unknown, void, unknown> {}
}

function withoutEnd(line: string): string {
  if (!line.endsWith('\n')) return line;
  return line.slice(0, line.endsWith('\r\n') ? -2 : -1);
}
