import { ValueError } from '../../errors/index.ts';
import { describe } from '../../internal/describe.ts';
import { type Decoder, type DecodingOptions, decoderOf } from '../../streams/text.ts';
import { flag } from './request.ts';

/** Options for decoding the output of a process. */
export interface TextOutputOptions extends DecodingOptions {
  /** Decodes the output, as UTF-8 unless an encoding is given. */
  readonly text?: boolean | undefined;
}

/** Options with which the output is text. */
export type AsText = { readonly encoding: string } | { readonly text: true };

export const TEXT_OPTIONS: readonly string[] = ['encoding', 'errors', 'text'];

/**
 * The decoder for the output of a process, `null` when it stays bytes.
 *
 * @throws {RangeError} when the encoding is unknown
 * @throws {ValueError} when `text: false` contradicts an encoding
 * @throws {TypeError} when `text` is not a boolean
 */
export function outputDecoderOf(name: string, options: TextOutputOptions): Decoder | null {
  const isText = flag(name, options, 'text');
  const { encoding, errors, text } = options;
  if (encoding === undefined || encoding === null) return isText ? decoderOf(name, { errors }) : null;
  if (text === false)
    throw new ValueError(
      `${name}: text is false, but an encoding is given: ${describe(encoding)}; leave one of them out`,
    );
  return decoderOf(name, { encoding, errors });
}
