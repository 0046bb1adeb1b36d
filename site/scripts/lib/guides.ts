import { existsSync } from 'node:fs';
import path from 'node:path';
import { blocksOf, fenced } from '../../../scripts/lib/markdown.ts';
import { addressOf, BASE, filesLike, ROOT, textOf } from './repository.ts';
import { isRunnable, runLink } from './runnable.ts';

/** Makes pages of the documents of the repository, which are written to be read there too. */

/** A page of the site. */
export interface Page {
  /** Its path in the site, without slashes at the ends. */
  readonly slug: string;
  readonly title: string;
  readonly description: string;
  /** Its Markdown, without the title. */
  readonly body: string;
  /** The text of its entry in the sidebar, where that is not the title. */
  readonly label?: string;
}

/** A group of the sidebar. */
export interface Group {
  readonly label: string;
  readonly entries: readonly { readonly label: string; readonly slug: string; readonly description: string }[];
}

const INDEX = 'docs/README.md';

/** The path in the site of a document or of a folder of documents, `null` for what is no page. */
export function slugOf(file: string): string | null {
  if (file === INDEX || file === 'docs') return 'guides';
  if (file === 'CHANGELOG.md') return 'changelog';
  const [, folder] = file.match(/^docs\/([\w-]+)(?:\/README\.md)?$/) ?? [];
  if (folder !== undefined) return existsSync(path.join(ROOT, 'docs', folder)) ? folder : null;
  const [, slug] = file.match(/^docs\/((?:[\w-]+\/)?[\w-]+)\.md$/) ?? [];
  return slug ?? null;
}

/** Where a link of a document leads in the site. */
export function targetOf(file: string, link: string): string {
  if (/^[a-z]+:/.test(link) || link.startsWith('#')) return link;
  const [place = '', anchor] = link.split('#');
  const target = path.posix.join(path.posix.dirname(file), place).replace(/\/$/, '');
  const slug = slugOf(target);
  const address = slug === null ? addressOf(target) : `${BASE}/${slug}/`;
  return anchor === undefined ? address : `${address}#${anchor}`;
}

/** Rewrites what leads elsewhere in the site, and adds a link to the playground after what runs there. */
export function bodyOf(file: string, markdown: string): string {
  const parts = blocksOf(markdown, file).map((block) => {
    if (block.kind === 'prose') {
      return block.text.replaceAll(/\]\(([^)\s]+)\)/g, (_, link: string) => `](${targetOf(file, link)})`);
    }
    const code = fenced({ ...block, info: block.info === '' ? 'text' : block.info });
    return isRunnable(block.info, block.text) ? `${code}\n\n${block.indent}${runLink(block.text)}\n` : code;
  });
  return parts.join('\n');
}

/** A document as a page. */
export function pageOf(file: string): Page {
  const slug = slugOf(file);
  if (slug === null) throw new Error(`${file} has no place in the site: guides are docs/*.md and docs/decisions/*.md`);
  const [, title, rest] = textOf(file).match(/^(?:<!--[\s\S]*?-->\s*)?# (.+)\n([\s\S]*)$/) ?? [];
  if (title === undefined || rest === undefined) throw new Error(`${file} must begin with a title: # …`);
  return { slug, title: plain(title), description: descriptionOf(rest), body: bodyOf(file, rest.trim()) };
}

/** The first paragraph, without marks. */
export function descriptionOf(markdown: string): string {
  const paragraph = markdown
    .split(/\n{2,}/)
    .map((part) => part.trim())
    .find((part) => /^[\p{L}*`["]/u.test(part) && !part.startsWith('```') && !/^Status:/.test(part));
  const text = plain(paragraph ?? '').replaceAll(/\s+/g, ' ');
  return text.length <= 180 ? text : `${text.slice(0, text.lastIndexOf(' ', 177))} …`;
}

/** Text without the marks of Markdown. */
export function plain(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '');
}

/** The groups of the sidebar: the sections of the index of the guides, in its order. */
export function groups(): Group[] {
  return textOf(INDEX)
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const rows = [...section.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \| (.+?) \|$/gm)];
      const entries = rows.flatMap(([, label, link, description]) => {
        const slug = slugOf(path.posix.join('docs', link!).replace(/\/$/, ''));
        if (slug === 'decisions') return []; // a group of its own
        if (slug === null) throw new Error(`${INDEX}: ${link} is no page of the site`);
        return [{ label: plain(label!), slug, description: plain(description!) }];
      });
      return { label: section.split('\n')[0]!, entries };
    });
}

/** The guides, in the order of their index, which must have them all. */
export function guides(): Page[] {
  const listed = new Map(groups().flatMap(({ entries }) => entries.map((entry) => [entry.slug, entry] as const)));
  const missing = filesLike('docs/*.md').filter((file) => file !== INDEX && !listed.has(slugOf(file)!));
  if (missing.length > 0) throw new Error(`${INDEX} does not list ${missing.join(', ')}: add a row for each`);
  return [...listed].map(([slug, { label, description }]) => ({
    ...pageOf(`docs/${slug}.md`),
    label,
    description: `${description[0]!.toUpperCase()}${description.slice(1)}`,
  }));
}

/** A folder of guides with an index of its own, such as that of the recipes. */
export interface Folder {
  readonly label: string;
  readonly pages: readonly Page[];
}

/** The folders of guides: the index first, then the pages in its order. */
export function folders(): Folder[] {
  return filesLike('docs/*/README.md').map((file) => {
    const index = pageOf(file);
    const folder = path.posix.dirname(file);
    const text = textOf(file);
    const place = (page: string) => text.indexOf(`](${path.posix.basename(page)}`);
    const rest = filesLike(`${folder}/*.md`).filter((page) => page !== file);
    const unlisted = rest.filter((page) => place(page) < 0);
    if (unlisted.length > 0) throw new Error(`${file} does not link to ${unlisted.join(', ')}: add a row for each`);
    const pages = rest.sort((one, other) => place(one) - place(other)).map(pageOf);
    return { label: index.title, pages: [{ ...index, label: `All ${index.title.toLowerCase()}` }, ...pages] };
  });
}

/** The design decisions, and the page that lists them. */
export function decisions(): Page[] {
  const pages = filesLike('docs/decisions/*.md').map(pageOf);
  const rows = pages.map(({ slug, title }) => `- [${title}](${BASE}/${slug}/)`);
  const index = {
    slug: 'decisions',
    title: 'Decisions',
    description: 'Why asyncio-ts is as it is: context, alternatives and consequences of each design decision.',
    body: `Each page gives the context of a decision, the alternatives, and the consequences.\n\n${rows.join('\n')}`,
    label: 'All decisions',
  };
  return [index, ...pages];
}

/** The page of the guides' index. */
export function guidesIndex(): Page {
  return { ...pageOf(INDEX), description: 'All guides to asyncio-ts, each with one sentence about what it is for.' };
}
