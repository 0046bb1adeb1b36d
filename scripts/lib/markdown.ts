/** Splits Markdown into prose and fenced code, so that what looks at one, or rewrites it, leaves the other alone. */

/** A run of lines of prose. */
export interface Prose {
  readonly kind: 'prose';
  /** Where its text begins in the document, from 1. */
  readonly line: number;
  readonly text: string;
}

/** A fenced block of code. */
export interface Code {
  readonly kind: 'code';
  /** Where its text begins in the document, from 1: the line after its fence. */
  readonly line: number;
  readonly indent: string;
  /** What follows the opening fence: `ts file=examples/…`. */
  readonly info: string;
  /** The code, without the indentation of its fence. */
  readonly text: string;
}

/**
 * The parts of a document, in order.
 *
 * @param file its name, for the message
 * @throws {Error} when a block of code has no end
 */
export function blocksOf(markdown: string, file?: string): (Prose | Code)[] {
  const lines = markdown.split('\n');
  const blocks: (Prose | Code)[] = [];
  let prose: string[] = [];
  const endProse = (end: number): void => {
    if (prose.length > 0) blocks.push({ kind: 'prose', line: end - prose.length + 1, text: prose.join('\n') });
    prose = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const [, indent, fence, info = ''] = lines[at]!.match(/^( *)(```+)([^`]*)$/) ?? [];
    if (indent === undefined) {
      prose.push(lines[at]!);
      continue;
    }
    const end = lines.indexOf(`${indent}${fence}`, at + 1);
    if (end < 0) {
      const place = `${file === undefined ? '' : `${file}, `}line ${at + 1}`;
      throw new Error(`${place}: the block of code has no end; close it with ${fence}`);
    }
    endProse(at);
    const code = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ kind: 'code', line: at + 2, indent, info: info.trim(), text: code.join('\n') });
    at = end;
  }
  endProse(lines.length);
  return blocks;
}

/** The Markdown of a block of code. */
export function fenced({ indent, info, text }: Pick<Code, 'indent' | 'info' | 'text'>): string {
  const lines = ['```'.concat(info), ...text.split('\n'), '```'];
  return lines.map((line) => (line === '' ? '' : indent + line)).join('\n');
}
