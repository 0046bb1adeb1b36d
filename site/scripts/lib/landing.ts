import { blocksOf, type Code } from '../../../scripts/lib/markdown.ts';
import { bodyOf, plain, targetOf } from './guides.ts';
import { textOf } from './repository.ts';

/** The parts of the README that the first page of the site shows too, so that both always say the same. */

export interface Landing {
  /** What it is, in a sentence or two. */
  readonly tagline: string;
  /** The first program, and what it prints. */
  readonly program: string;
  readonly output: string;
  /** The paragraph after the output, as Markdown. */
  readonly explanation: string;
  /** Why one can rely on it: a title and Markdown for each. */
  readonly proofs: readonly { readonly title: string; readonly body: string }[];
}

const README = 'README.md';

export function landing(): Landing {
  const text = textOf(README);
  const blocks = blocksOf(text);
  const at = blocks.findIndex((block) => block.kind === 'code' && block.info === 'ts');
  const program = blocks[at] as Code | undefined;
  const output = blocks.slice(at + 1).find((block): block is Code => block.kind === 'code');
  const after = blocks.slice(at + 1).find((block) => block.kind === 'prose' && /^\s*With/.test(block.text));
  const [, tagline] = text.match(/^# .+\n\n(.+)\n/) ?? [];
  const [, reasons] = text.match(/^## Why you can rely on it\n([\s\S]+?)^## /m) ?? [];
  if (program === undefined || output === undefined || after === undefined || tagline === undefined || !reasons)
    throw new Error(
      `${README}: the first page of the site needs a tagline, a program, its output, a paragraph and the reasons`,
    );
  const proofs = reasons
    .trim()
    .split(/^- /m)
    .slice(1)
    .map((item) => {
      const [, title, body] = item.match(/^\*\*(.+?)\.\*\*\s*([\s\S]*)$/) ?? [];
      if (title === undefined || body === undefined) throw new Error(`${README}: a reason must begin with **…**`);
      return { title, body: bodyOf(README, body.replaceAll(/^ {2}/gm, '').trim()) };
    });
  return {
    tagline: plain(tagline),
    program: program.text,
    output: output.text,
    explanation: after.text
      .trim()
      .split('\n\n')[0]!
      .replaceAll(/\]\(([^)\s]+)\)/g, (_, link: string) => `](${targetOf(README, link)})`),
    proofs,
  };
}
