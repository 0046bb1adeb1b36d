import { globals } from './platform.ts';

/** Text as bytes, and bytes as text. */

interface Codecs {
  readonly TextEncoder?: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder?: new (encoding: string) => TextDecoderLike;
}

/** A `TextDecoder` as far as this library uses one. */
export interface TextDecoderLike {
  readonly encoding: string;
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}

/** A string as UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  const { TextEncoder } = globals<Codecs>();
  if (TextEncoder === undefined) throw new TypeError('this runtime has no TextEncoder: give bytes instead of strings');
  return new TextEncoder().encode(text);
}

/**
 * A decoder of bytes into text.
 *
 * @throws {RangeError} when the encoding is unknown
 */
export function newTextDecoder(encoding: string): TextDecoderLike {
  const { TextDecoder } = globals<Codecs>();
  if (TextDecoder === undefined) throw new TypeError('this runtime has no TextDecoder');
  return new TextDecoder(encoding);
}
