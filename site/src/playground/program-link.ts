/** A link that carries a program: compressed, in the part of the address that is never sent to a server. */

/** More than this is no program that somebody wrote. */
const LONGEST = 200_000;

/** The part of the address that carries a program. */
export async function carrying(code: string): Promise<string> {
  const stream = new Blob([code]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return `#code=${text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}

/** What an address carries: a program, nothing, or something that cannot be read. */
export type Carried =
  | { readonly kind: 'program'; readonly code: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'damaged'; readonly why: string };

/** Reads a program from an address. */
export async function carriedBy(hash: string): Promise<Carried> {
  const [, text] = hash.match(/^#code=(.*)$/) ?? [];
  if (text === undefined) return { kind: 'nothing' };
  if (!/^[\w-]+$/.test(text)) return { kind: 'damaged', why: 'it has characters that such a link never has' };
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return { kind: 'program', code: await inflated(bytes) };
  } catch (error) {
    return { kind: 'damaged', why: error instanceof RangeError ? error.message : 'a part of it is missing or changed' };
  }
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > LONGEST) {
      await reader.cancel();
      throw new RangeError(`the program in it is longer than ${LONGEST / 1_000} kB`);
    }
    parts.push(value);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(await new Blob(parts).arrayBuffer());
}
