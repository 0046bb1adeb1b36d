import { builtinModule } from '../kernel/lowlevel.ts';

/** A place in a file. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface Entry {
  readonly originalSource?: string;
  readonly originalLine?: number;
  readonly originalColumn?: number;
}

interface SourceMap {
  findEntry(line: number, column: number): Entry;
}

interface Modules {
  findSourceMap?(file: string): SourceMap | undefined;
  SourceMap?: new (payload: object) => SourceMap;
}

const maps = new Map<string, SourceMap | null>();

/**
 * The place in the source that a place of a compiled file comes from, where the file names a source map, and where the runtime reads such
 * maps; otherwise the place itself. Lines and columns count from one.
 *
 * The stacks of errors need no mapping: where the program runs with `--enable-source-maps`, the runtime has mapped them.
 */
export function mapped(url: string, line: number, column: number): Origin {
  let map = maps.get(url);
  if (map === undefined) {
    map = mapOf(url);
    maps.set(url, map);
  }
  const { originalSource, originalLine, originalColumn } = map?.findEntry(line - 1, column - 1) ?? {};
  if (originalSource === undefined || originalLine === undefined) return { file: url, line, column };
  return { file: resolved(originalSource, url), line: originalLine + 1, column: (originalColumn ?? 0) + 1 };
}

function mapOf(url: string): SourceMap | null {
  const modules = builtinModule('node:module') as Modules | undefined;
  const known = modules?.findSourceMap?.(url);
  if (known !== undefined) return known;
  const files = builtinModule('node:fs') as { readFileSync?(file: string, encoding: string): string } | undefined;
  if (modules?.SourceMap === undefined || files?.readFileSync === undefined) return null;
  const read = (file: string): string => files.readFileSync!(file.startsWith('file:') ? fileUrl(file) : file, 'utf8');
  try {
    const reference = [...read(url).matchAll(/^\/\/[#@] sourceMappingURL=(\S+)\s*$/gm)].at(-1)?.[1];
    if (reference === undefined) return null;
    const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/.exec(reference);
    const text = inline === null ? read(resolved(reference, url)) : decoded(inline[2]!, inline[1] !== undefined);
    return new modules.SourceMap(JSON.parse(text) as object);
  } catch {
    return null; // no file, or no map
  }
}

function decoded(data: string, isBase64: boolean): string {
  if (!isBase64) return decodeURIComponent(data);
  const buffers = builtinModule('node:buffer') as { Buffer: { from(data: string, encoding: string): object } };
  return String(buffers.Buffer.from(data, 'base64'));
}

function fileUrl(url: string): string {
  const urls = builtinModule('node:url') as { fileURLToPath(url: string): string };
  return urls.fileURLToPath(url);
}

/** A reference of a file or URL, resolved against it. */
function resolved(reference: string, base: string): string {
  if (/^[a-z]+:/.test(reference) || reference.startsWith('/')) return reference;
  const parts = base.split('/').slice(0, -1);
  for (const part of reference.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}
