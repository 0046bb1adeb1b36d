// Checks the built site: links, the reference, sizes, and each page in headless Chromium, light, dark and on a phone. `--static` leaves the
// browser out, `--only pages` and `--only playground` do a part, `--shots FOLDER` keeps pictures of some pages.
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { skipped } from '../../scripts/lib/project.ts';
import { exportedNames, REPORT } from '../../scripts/lib/report.ts';
import { findBrowser, NO_BROWSER } from '../../test/support/browser.ts';
import { checkInBrowser } from './lib/browser-check.ts';
import { BASE, entries, filesLike, manifest, REPOSITORY, SITE, textOf } from './lib/repository.ts';
import {
  type Assets,
  type BuiltPage,
  deadLinks,
  HEAVIEST,
  internalNames,
  missingExamples,
  missingNames,
  placeholders,
  weightOf,
} from './lib/site-check.ts';

const DIST = path.join(SITE, 'dist');
if (!existsSync(path.join(DIST, 'index.html'))) {
  console.error('site/dist is missing: run `npm run build` in site/ first');
  process.exit(2);
}

const pages: BuiltPage[] = globSync('**/*.html', { cwd: DIST }).map((file) => ({
  path: file.replaceAll('\\', '/').replace(/(^|\/)index\.html$/, '$1'),
  html: readFileSync(path.join(DIST, file), 'utf8'),
}));
const assets: Assets = {
  has: (file) => existsSync(path.join(DIST, file)),
  read: (file) => readFileSync(path.join(DIST, file)),
};
const reference = pages.filter((page) => page.path.startsWith('api/'));

const exported = namesOfReport();

const problems = [
  ...deadLinks(pages, BASE, assets),
  ...reference.flatMap(internalNames),
  ...missingNames(reference, exported),
  ...missingExamples(reference, documentedExamples(new Set(exported))),
  ...pages.flatMap((page) => placeholders(page, REPOSITORY)),
  ...heavyPages(),
];
console.log(`${pages.length} pages, ${reference.length} of them of the reference`);

if (!process.argv.includes('--static')) {
  const browser = findBrowser();
  if (browser === null) skipped(`the pages of the site in a browser: ${NO_BROWSER}`);
  else {
    const paths = pages.map((page) => page.path);
    problems.push(
      ...(await checkInBrowser(browser, DIST, paths, { shots: argument('--shots'), only: argument('--only') })),
    );
  }
}
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'nothing is wrong' : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** What follows an option. */
function argument(name: string): string | null {
  const at = process.argv.indexOf(name);
  return at < 0 ? null : (process.argv[at + 1] ?? null);
}

/** The names of the report of the public types. */
function namesOfReport(): string[] {
  const names = exportedNames(textOf(REPORT));
  const known = entries();
  if (names.size === 0 || [...names.keys()].some((entry) => !known.has(entry)))
    throw new Error(`${REPORT} has other entries than ${manifest.name} exports`);
  return [...names.values()].flat();
}

/** The examples of the doc comments of what is exported: those that stand in the declarations that the package publishes. */
function documentedExamples(names: ReadonlySet<string>): { place: string; code: string }[] {
  return filesLike('src/**/*.ts').flatMap((file) => {
    const text = textOf(file);
    return [
      ...text.matchAll(
        /\/\*\*((?:(?!\*\/)[\s\S])*?@example[\s\S]*?)\*\/\s*(?:export )(?:declare )?(?:abstract )?(?:async )?(?:const|function\*?|class|interface|type) (\w+)/g,
      ),
    ].flatMap((match) => {
      const [, comment, name] = match;
      if (!names.has(name!) || comment!.includes('@internal')) return [];
      const line = text.slice(0, match.index).split('\n').length;
      return [...comment!.matchAll(/@example\s*\n([\s\S]*?)(?=\n\s*\* @|$)/g)].map(([, code]) => ({
        place: `${file}:${line}`,
        code: code!.replaceAll(/^\s*\* ?/gm, ''),
      }));
    });
  });
}

function heavyPages(): string[] {
  const weights = pages.map((page) => [page.path, weightOf(page, BASE, assets)] as const);
  const own = weights.filter(([page]) => page !== 'playground/');
  const [heaviest] = own.toSorted((a, b) => b[1] - a[1]);
  if (heaviest !== undefined)
    console.log(`the heaviest page has ${Math.round(heaviest[1] / 1_000)} kB compressed: ${heaviest[0]}`);
  return own
    .filter(([, weight]) => weight > HEAVIEST)
    .map(
      ([page, weight]) =>
        `${page}: ${Math.round(weight / 1_000)} kB compressed; at most ${HEAVIEST / 1_000} are wanted`,
    );
}
