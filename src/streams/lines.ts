import { ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { OVER, TaskIterator } from '../interop/task-iterator.ts';
import { type Decoder, type DecodingOptions, decoderOf } from './text.ts';

/** The source of lines. */
export interface LineSource {
  /**
   * Waits for a line; nothing at the end.
   *
   * @param isWanted called before a line is taken; when it returns false, the line stays in the source
   */
  nextLine(isWanted: () => boolean): Iterable<unknown, Uint8Array, unknown>;
  /** Makes a wait for a line check again whether the line is still wanted. */
  wake(): void;
}

/** Options of lines as text. */
export interface LinesOptions extends DecodingOptions {
  /** Leaves the line ends on the lines. */
  readonly keepEnds?: boolean | undefined;
}

/** The lines of a stream. When the iteration is left, the rest can still be read, also the line for which a `next()` was waiting. */
abstract class Lines<T> extends TaskIterator<T> {
  readonly #source: LineSource;
  /** How often the iteration was left: this ends earlier calls of `next()`, while new calls are still possible. */
  #ends = 0;

  constructor(source: LineSource) {
    super();
    this.#source = source;
  }

  override *pull(): Generator<unknown, IteratorResult<T, undefined>, unknown> {
    const begun = this.#ends;
    const line = yield* this.#source.nextLine(() => this.#ends === begun);
    return line.length === 0 ? OVER : { done: false, value: this.made(line) };
  }

  override *close(): Generator<unknown, void, unknown> {
    this.#ends++;
    this.#source.wake();
  }

  protected abstract made(line: Uint8Array): T;
}

/** The lines of a stream, as bytes with their ends. */
export class ByteLines extends Lines<Uint8Array> {
  protected override made(line: Uint8Array): Uint8Array {
    return line;
  }
}

/** The lines of a stream, as text. */
export class TextLines extends Lines<string> {
  readonly #decoder: Decoder;
  readonly #keepEnds: boolean;

  constructor(source: LineSource, options: LinesOptions) {
    super(source);
    if (typeof options !== 'object' || options === null) {
      const meant = typeof options === 'string' ? options : 'utf-8';
      throw typeError(`lines: options are one object, got ${describe(options)}; write lines({ encoding: '${meant}' })`);
    }
    this.#decoder = decoderOf('lines', options);
    // Bytes are cut into lines before they are decoded.
    if (this.#decoder.encoding.startsWith('utf-16'))
      throw new ValueError(
        `lines: a line of ${this.#decoder.encoding} does not end with one byte; decode read() instead`,
        {
          code: 'NO_LINES',
        },
      );
    this.#keepEnds = options.keepEnds ?? false;
  }

  protected override made(line: Uint8Array): string {
    const text = this.#decoder.decode(line);
    return this.#keepEnds ? text : withoutEnd(text);
  }
}

function withoutEnd(line: string): string {
  if (!line.endsWith('\n')) return line;
  return line.slice(0, line.endsWith('\r\n') ? -2 : -1);
}
