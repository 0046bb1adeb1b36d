// Writes what Starlight reads: a page for each guide and decision, the API reference, the sidebar, and the parts of the README that the
// first page shows. All of it is made from the repository and nothing of it is committed.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { apiPages } from './lib/api.ts';
import { decisions, folders, groups, guides, guidesIndex, type Page, pageOf } from './lib/guides.ts';
import { landing } from './lib/landing.ts';
import { PAGES, SITE } from './lib/repository.ts';
import { carrying } from './lib/runnable.ts';

const GENERATED = path.join(SITE, 'src/generated');

const began = performance.now();
const reference = await apiPages();
const reasons = decisions();
const more = folders();
const pages = [
  guidesIndex(),
  ...guides(),
  ...more.flatMap((folder) => folder.pages),
  ...reference,
  ...reasons,
  { ...pageOf('CHANGELOG.md'), title: 'Changes' },
];

rmSync(PAGES, { recursive: true, force: true });
rmSync(GENERATED, { recursive: true, force: true });
for (const page of pages) write(page);
mkdirSync(GENERATED, { recursive: true });
const { explanation, proofs, ...first } = landing();
writeFileSync(
  path.join(GENERATED, 'landing.json'),
  JSON.stringify({ ...first, carrying: carrying(first.program) }, null, 2),
);
writeFileSync(path.join(GENERATED, 'explanation.md'), `${explanation}\n`);
writeFileSync(
  path.join(GENERATED, 'proofs.md'),
  proofs.map(({ title, body }) => `### ${title}\n\n${body}\n`).join('\n'),
);
writeFileSync(path.join(GENERATED, 'sidebar.json'), JSON.stringify(sidebar(), null, 2));
console.log(`${pages.length} pages in ${((performance.now() - began) / 1_000).toFixed(1)} s`);

function write({ slug, title, description, body, label }: Page): void {
  const file = path.join(PAGES, `${slug}.md`);
  mkdirSync(path.dirname(file), { recursive: true });
  const matter = [
    `title: ${JSON.stringify(title)}`,
    `description: ${JSON.stringify(description)}`,
    // The anchors of long pages matter more than the depth of their headings.
    ...(slug.startsWith('api/') ? ['tableOfContents: { minHeadingLevel: 2, maxHeadingLevel: 2 }'] : []),
    ...(label === undefined ? [] : [`sidebar: { label: ${JSON.stringify(label)} }`]),
  ];
  writeFileSync(file, `---\n${matter.join('\n')}\n---\n\n${body}\n`);
}

/** The order for a newcomer: the guides as their index has them, then the playground, the reference and the decisions. */
function sidebar(): object[] {
  const item = ({ slug, label, title }: { slug: string; label?: string; title?: string }) => ({
    slug,
    label: label ?? title,
  });
  const homes = ['core', 'testing', 'http', 'inspect', 'node'];
  const ofHome = (page: Page) => homes.indexOf(page.slug.split('/')[1] ?? '');
  const rank = (page: Page) => (ofHome(page) < 0 ? homes.length : ofHome(page));
  const [all, ...parts] = reference;
  const names = new Set(parts.toSorted((a, b) => rank(a) - rank(b)).map((page) => page.slug.split('/')[1]!));
  return [
    ...groups().map(({ label, entries }) => ({ label, items: entries.map(item) })),
    ...more.map(({ label, pages: own }) => ({ label, collapsed: true, items: own.map(item) })),
    { label: 'Playground', link: '/playground/' },
    {
      label: 'API reference',
      collapsed: true,
      items: [
        item(all!),
        ...[...names].map((name) => {
          const own = parts.filter(({ slug }) => slug.split('/')[1] === name);
          const [only] = own;
          if (own.length === 1) return item(only!);
          return { label: name === 'core' ? 'asyncio-ts' : `asyncio-ts/${name}`, items: own.map(item) };
        }),
      ],
    },
    { label: 'Decisions', collapsed: true, items: reasons.map(item) },
    { slug: 'changelog', label: 'Changes' },
  ];
}
