import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { blocksOf } from '../../scripts/lib/markdown.ts';

/** Where the examples are: in the blocks of the documents, and in the docstrings of the sources. */

/** The root of the repository; all names of files here begin there. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** An example, and its place in the file. */
export interface Example {
  /** From the root of the repository. */
  readonly file: string;
  /** The line of its first line of code. */
  readonly line: number;
  readonly code: string;
}

/** The text of a file. */
export function textOf(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** The files that match a pattern, in order. */
export function filesLike(pattern: string): string[] {
  return globSync(pattern, { cwd: ROOT })
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
}

/** The documents whose examples must run. */
export function documents(): string[] {
  return ['README.md', ...filesLike('docs/**/*.md')];
}

/** A block of a document that stands in a file of the examples, which a test runs. */
export interface Excerpt extends Example {
  /** The file of the examples. */
  readonly of: string;
}

/** The TypeScript blocks of a document: each is a module of its own. Those with JSX (`tsx`) have to be of a file. */
export function examplesOfDocument(file: string): Example[] {
  return typeScriptOf(file).filter(({ of }) => of === null);
}

/** The blocks of a document that begin with ```` ```ts file=examples/… ````: what needs a test runner cannot run by itself. */
export function excerptsOfDocument(file: string): Excerpt[] {
  return typeScriptOf(file).flatMap(({ of, ...example }) => (of === null ? [] : { ...example, of }));
}

function typeScriptOf(file: string): (Example & { readonly of: string | null })[] {
  return blocksOf(textOf(file), file).flatMap((block) => {
    if (block.kind !== 'code') return [];
    const [isTypeScript, of = null] = block.info.match(/^(?:tsx?|typescript)\b(?: file=(\S+))?/) ?? [];
    return isTypeScript === undefined ? [] : [{ file, line: block.line, code: block.text, of }];
  });
}

/** The files whose docstrings have examples. */
export function sources(): string[] {
  return filesLike('src/**/*.ts').filter((file) => textOf(file).includes('@example'));
}

/** The `@example`s of a file's docstrings. */
export function examplesOfSource(file: string): Example[] {
  const lines = textOf(file).split('\n');
  const examples: Example[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!/^\s*\* @example\s*$/.test(lines[at]!)) continue;
    const code: string[] = [];
    for (let next = at + 1; !/^\s*\*(\/| @)/.test(lines[next]!); next++)
      code.push(lines[next]!.replace(/^\s*\* ?/, ''));
    examples.push({ file, line: at + 2, code: code.join('\n') });
  }
  return examples;
}
