/** Splits Markdown into prose and fenced code, so that what rewrites one leaves the other alone. */

/** A run of lines of prose. */
export interface Prose {
  readonly kind: 'prose';
  readonly text: string;
}

/** A fenced block of code. */
export interface Code {
  readonly kind: 'code';
  readonly indent: string;
  /** What follows the opening fence: `ts file=examples/…`. */
  readonly info: string;
  /** The code, without the indentation of its fence. */
  readonly text: string;
}

/** The parts of a document, in order. */
export function blocksOf(markdown: string): (Prose | Code)[] {
  const lines = markdown.split('\n');
  const blocks: (Prose | Code)[] = [];
  let prose: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, indent, fence, info = ''] = lines[at]!.match(/^( *)(```+)([^`]*)$/) ?? [];
    if (indent === undefined) {
      prose.push(lines[at]!);
      continue;
    }
    const end = lines.indexOf(`${indent}${fence}`, at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: the block of code has no end; close it with ${fence}`);
    if (prose.length > 0) blocks.push({ kind: 'prose', text: prose.join('\n') });
    prose = [];
    const code = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ kind: 'code', indent, info: info.trim(), text: code.join('\n') });
    at = end;
  }
  if (prose.length > 0) blocks.push({ kind: 'prose', text: prose.join('\n') });
  return blocks;
}

/** The Markdown of a block of code. */
export function fenced({ indent, info, text }: Omit<Code, 'kind'>): string {
  const lines = ['```'.concat(info), ...text.split('\n'), '```'];
  return lines.map((line) => (line === '' ? '' : indent + line)).join('\n');
}
