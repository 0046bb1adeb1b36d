import { blocksOf } from '../../scripts/lib/markdown.ts';

/** Finds statements of documents that something is not there, so that a test can look whether it is. */

/** A statement that names are missing. */
export interface Absence {
  readonly line: number;
  /** What is said to be missing: names as they are called here, and commands as `asyncio NAME`. */
  readonly names: readonly string[];
}

const ABSENT =
  /\bnot yet\b|\bnot implemented\b|\bdoes not exist\b|\bdo not exist\b|\bis missing\b|\bno counterpart\b|\bthere is no `/i;

/** The statements of a document, in tables and in sentences. Code is none. */
export function absencesOf(markdown: string): Absence[] {
  return blocksOf(markdown).flatMap((block) => {
    if (block.kind === 'code') return [];
    return block.text.split('\n').flatMap((text, at) => {
      const statements = text.startsWith('|') ? rowsOf(text) : sentencesOf(text);
      return statements
        .map((statement) => ({ line: block.line + at, names: namesOf(statement) }))
        .filter(({ names }) => names.length > 0);
    });
  });
}

/** The first cell of a row whose second cell is a dash, or of which another one begins with such words; further on they are about something else. */
function rowsOf(row: string): string[] {
  const [, first = '', second = '', ...rest] = row.split('|').map((cell) => cell.trim());
  return second === '–' || [second, ...rest].some((cell) => cell.search(ABSENT) === 0) ? [first] : [];
}

function sentencesOf(line: string): string[] {
  return line.split(/(?<=[.:;!?])\s+/).filter((sentence) => ABSENT.test(sentence));
}

function namesOf(text: string): string[] {
  const commands = /`python -m asyncio( \w+)?`/.test(text);
  return [...text.matchAll(/`([^`]+)`([^`|]*)/g)].flatMap(([, code, after]) => {
    const [, command] = code!.match(/^python -m asyncio(?: (\w+))?$/) ?? [];
    if (command !== undefined) return [`asyncio ${command}`];
    if (code === 'python -m asyncio') return /REPL/.test(after!) ? ['asyncio repl'] : [];
    const [, name] = code!.match(/^(?:\w+\.)*(\w+)(?:\(.*\))?$/) ?? [];
    if (name === undefined) return [];
    return commands ? [`asyncio ${name}`] : [camelCase(name)];
  });
}

/** As Python's names are translated: `create_task` → `createTask`. */
function camelCase(name: string): string {
  return /^[A-Z_]/.test(name) ? name : name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
