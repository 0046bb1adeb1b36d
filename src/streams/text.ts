import { ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { newTextDecoder, type TextDecoderLike } from '../kernel/lowlevel.ts';

/** What to do with bytes that are not valid in the encoding: throw an error, or put `\ufffd` in their place. */
export type DecodingErrors = 'strict' | 'replace';

/** How bytes are decoded. */
export interface DecodingOptions {
  /** The encoding, as `TextDecoder` knows it (`'utf-8'`, `'utf8'`, `'shift_jis'`), and `'latin1'` as Python knows it. */
  readonly encoding?: string | undefined;
  /** What to do with bytes that are not valid in the encoding; `'strict'` when absent. */
  readonly errors?: DecodingErrors | undefined;
}

/** Decodes bytes without dropping anything: a byte order mark is kept as a character. */
export interface Decoder {
  /** The name of the encoding, as the platform spells it. */
  readonly encoding: string;
  /** @throws {ValueError} when the bytes are not valid in the encoding, unless they are to be replaced */
  decode(bytes: Uint8Array): string;
}

type TextDecoderClass = new (
  encoding: string,
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => TextDecoderLike;

/** Each byte is the character with the same number. The platform decodes these names as windows-1252, which differs from 0x80 to 0x9f. */
const LATIN1 = /^\s*(latin-?1|iso-?8859-1)\s*$/i;

/**
 * The decoder for some options.
 *
 * @param name the function that was called, for messages
 * @throws {RangeError} when the encoding is unknown
 * @throws {ValueError} when `errors` is unknown
 */
export function decoderOf(name: string, { encoding = 'utf-8', errors = 'strict' }: DecodingOptions): Decoder {
  if (typeof encoding !== 'string')
    throw typeError(`${name}: encoding must be a string such as 'utf-8', got ${describe(encoding)}`);
  if (errors !== 'strict' && errors !== 'replace')
    throw new ValueError(`${name}: errors must be 'strict' or 'replace', got ${describe(errors)}`);
  if (LATIN1.test(encoding)) return { encoding: 'iso-8859-1', decode: decodeLatin1 };
  const Decoder = decoderClass(name, encoding);
  const decoder = new Decoder(encoding, { fatal: errors === 'strict', ignoreBOM: true });
  return {
    encoding: decoder.encoding,
    decode(bytes) {
      try {
        return decoder.decode(bytes);
      } catch (cause) {
        throw new ValueError(
          `${name}: '${decoder.encoding}' codec can't decode the bytes read: they are not valid ${decoder.encoding}; ` +
            "with errors: 'replace' what cannot be decoded becomes \\ufffd",
          { code: 'INVALID_ENCODING', cause },
        );
      }
    },
  };
}

function decoderClass(name: string, encoding: string): TextDecoderClass {
  try {
    return newTextDecoder(encoding).constructor as TextDecoderClass;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new RangeError(
      `${name}: unknown encoding ${describe(encoding)}; one that TextDecoder knows is required, such as 'utf-8', 'utf-16le' or 'shift_jis', ` +
        "or 'latin1'",
      { cause },
    );
  }
}

/** The largest number of characters in one call. */
const PIECE = 8_192;

function decodeLatin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return text;
}

/** A lone half of a surrogate pair. */
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * Checks that a string can be written as UTF-8: half of a surrogate pair, which `slice()` can produce, would silently become `\ufffd`.
 *
 * @throws {ValueError} when it cannot
 */
export function checkWellFormed(name: string, text: string): void {
  const known = text as string & { isWellFormed?(): boolean };
  if (known.isWellFormed?.() ?? !LONE_SURROGATE.test(text)) return;
  const at = LONE_SURROGATE.exec(text)?.index ?? 0;
  throw new ValueError(
    `${name}: 'utf-8' codec can't encode character '\\u${text.charCodeAt(at).toString(16)}' in position ${at}: ` +
      'it is half of a surrogate pair; cut the text between characters, or call its toWellFormed()',
    { code: 'INVALID_ENCODING' },
  );
}
