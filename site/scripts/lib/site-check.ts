import { gzipSync } from 'node:zlib';

/** Checks of the built pages that need no browser. Each gives sentences about what is wrong. */

/** A built page. */
export interface BuiltPage {
  /** Its path in the site: `api/core/tasks/`; empty for the first page. */
  readonly path: string;
  readonly html: string;
}

/** What the built site holds beside its pages. */
export interface Assets {
  /** Whether there is a file at a path of the site. */
  has(path: string): boolean;
  read(path: string): Uint8Array;
}

/** A page with all that it loads at once may have so many bytes, compressed. */
export const HEAVIEST = 150_000;

const attribute = (html: string, tag: string, name: string): string[] =>
  [...html.matchAll(new RegExp(`<${tag}\\b[^>]*?\\s${name}="([^"]*)"`, 'g'))].map(([, value]) => unescaped(value!));

const idsOf = (html: string): Set<string> =>
  new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => unescaped(id!)));

function unescaped(text: string): string {
  return text
    .replaceAll(/&#(?:x([0-9a-f]+)|(\d+));/gi, (_, hex: string | undefined, decimal: string) =>
      String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
    )
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

/** Links to pages, files and anchors of the site that are not there. */
export function deadLinks(pages: readonly BuiltPage[], base: string, assets: Assets): string[] {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const ids = new Map(pages.map(({ path, html }) => [path, idsOf(html)]));
  const problems: string[] = [];
  for (const { path, html } of pages) {
    const links = [
      ...attribute(html, 'a', 'href'),
      ...attribute(html, 'link', 'href'),
      ...attribute(html, 'script', 'src'),
      ...attribute(html, 'img', 'src'),
    ];
    for (const link of new Set(links)) {
      if (/^(https?:|mailto:|data:)/.test(link)) continue;
      const [place = '', anchor = ''] = link.split('#');
      if (place !== '' && !place.startsWith(`${base}/`)) {
        problems.push(`${path}: ${link} leads out of the site, or is relative; it should begin with ${base}/`);
        continue;
      }
      const target = place === '' ? path : decodeURIComponent(place.slice(base.length + 1).split('?')[0]!);
      if (!byPath.has(target)) {
        if (!assets.has(target) || target === '' || target.endsWith('/'))
          problems.push(`${path}: ${link} leads to no page`);
        continue;
      }
      // What the playground reads from the address is no anchor.
      if (anchor === '' || anchor.startsWith('code=')) continue;
      if (!ids.get(target)!.has(decodeURIComponent(anchor))) problems.push(`${path}: ${link} leads to no heading`);
    }
  }
  return problems;
}

/** Names in the reference that are the library's own business. */
export function internalNames({ path, html }: BuiltPage): string[] {
  const headings = [...html.matchAll(/<h[23][^>]*>(.*?)<\/h[23]>/gs)].map(([, text]) => text!);
  const signatures = [...html.matchAll(/<pre class="signature[^>]*>(.*?)<\/pre>/gs)].map(([, text]) => text!);
  const text = unescaped([...headings, ...signatures].join('\n').replaceAll(/<[^>]*>/g, ''));
  const names = new Set(text.match(/(?<![\w$])(?:_\w+|#\w+|__\w+)/g));
  const problems = [...names].map((name) => `${path}: ${name} is an internal name: mark it @internal`);
  if (/@internal\b/.test(unescaped(html))) problems.push(`${path}: it mentions @internal`);
  return problems;
}

/** Exported names without a heading in the reference. */
export function missingNames(pages: readonly BuiltPage[], exported: readonly string[]): string[] {
  const headings = pages.flatMap(({ html }) =>
    [...html.matchAll(/<h2[^>]*>(.*?)<\/h2>/gs)].map(([, text]) => unescaped(text!.replaceAll(/<[^>]*>/g, ''))),
  );
  const explained = new Set(headings);
  return [...new Set(exported)]
    .filter((name) => !explained.has(name))
    .map((name) => `api: ${name} is exported and not explained`);
}

/** Examples of doc comments that the reference does not show, by their lines of code. */
export function missingExamples(
  pages: readonly BuiltPage[],
  examples: readonly { readonly place: string; readonly code: string }[],
): string[] {
  // Expressive Code keeps the whole text for its copy button.
  const shown = pages.flatMap(({ html }) =>
    attribute(html, 'button', 'data-code').map((code) => normal(code.replaceAll('\u007f', '\n'))),
  );
  const all = new Set(shown);
  return examples
    .filter(({ code }) => !all.has(normal(code)))
    .map(({ place }) => `api: the example in ${place} is not shown`);
}

const normal = (code: string): string => code.replaceAll(/\s+/g, ' ').trim();

/** What a page weighs with the styles and scripts that it loads at once, compressed. */
export function weightOf({ html }: BuiltPage, base: string, assets: Assets): number {
  const files = new Set<string>();
  const add = (link: string): void => {
    if (!link.startsWith(`${base}/`)) return;
    const path = link.slice(base.length + 1);
    if (files.has(path) || !assets.has(path)) return;
    files.add(path);
    if (!path.endsWith('.js')) return;
    const folder = link.slice(0, link.lastIndexOf('/') + 1);
    for (const [, next] of Buffer.from(assets.read(path))
      .toString()
      .matchAll(/(?:^|[;}\s])(?:import|from)\s*["'](\.[^"']+)["']/g)) {
      add(new URL(next!, `http://site${folder}`).pathname);
    }
  };
  for (const link of attribute(html, 'link', 'href')) if (/\.(css|js)$/.test(link)) add(link);
  for (const link of attribute(html, 'script', 'src')) add(link);
  return [...files].reduce((sum, path) => sum + gzipSync(assets.read(path)).length, gzipSync(html).length);
}

/** Placeholders for what is not known yet may only stand where the manifest has them: in addresses of the repository. */
export function placeholders({ path, html }: BuiltPage, repository: string): string[] {
  const rest = html.replaceAll(repository, '');
  return /\bOWNER\b/.test(rest) ? [`${path}: it says OWNER outside of an address of the repository`] : [];
}
