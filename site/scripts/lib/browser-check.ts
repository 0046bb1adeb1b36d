import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { ARGUMENTS } from '../../../test/support/browser.ts';
import { checkPlayground } from './playground-check.ts';
import { textOf } from './repository.ts';
import { type SiteServer, serve } from './server.ts';

/** Looks at each page in headless Chromium. */

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
/** Pages at a time: a page that is loaded waits, too. */
const AT_ONCE = 2;
/** Real milliseconds that one step may take, on a machine with much else to do. */
const LONGEST = 90_000;
const AXE = textOf('node_modules/axe-core/axe.min.js');

/** Pages of each kind. They are loaded anew for each look, axe looks at all of them, and pictures of them can be taken. */
const SHOWN = ['', 'start/', 'cancellation/', 'comparison/', 'recipes/pg/', 'api/core/tasks/', 'playground/'];

/** What all pages have in common, and what a page of the reference repeats hundreds of times: `SHOWN` stand for them. */
const COMMON = [
  'nav.sidebar',
  '.right-sidebar-container',
  'header',
  'pre code',
  '.sl-markdown-content > :nth-child(n + 40)',
];

/** Left out where `SHOWN` stand for a page: these two take most of the time of axe, and the findings of `region` are moderate. */
const LIGHT_RULES = { 'color-contrast': { enabled: false }, region: { enabled: false } };

/** Whether axe looks at a page by itself. The decisions are plain text with nothing that other pages do not have. */
const hasAxe = (name: string): boolean => !SHOWN.includes(name) && !/^decisions\/./.test(name);

export async function checkInBrowser(
  executablePath: string,
  dist: string,
  pages: readonly string[],
  { shots, only }: { readonly shots: string | null; readonly only: string | null },
): Promise<string[]> {
  await using server = await serve(dist);
  const browser = await chromium.launch({
    executablePath,
    args: [...ARGUMENTS, '--disable-dev-shm-usage', '--disable-software-rasterizer'],
    timeout: LONGEST,
  });
  const problems: string[] = [];
  try {
    if (only !== 'playground') {
      const began = performance.now();
      const looks: (readonly [string, (page: Page) => Promise<string[]>])[] = [
        ['search', (page) => search(page, server)],
        ...LOOKS.map((look) => [look.name, (page: Page) => shown(page, server, pages, look, shots)] as const),
        ...pages.map((name) => [name || '(first page)', (page: Page) => checkPage(page, server, name)] as const),
      ];
      const rest = looks.values();
      const worker = async () => {
        const context = await browser.newContext({ viewport: WIDE });
        const page = await context.newPage();
        page.setDefaultTimeout(LONGEST);
        for (const [name, look] of rest) {
          try {
            problems.push(...(await look(page)));
          } catch (error) {
            // The other pages are looked at all the same.
            problems.push(`${name}: it could not be looked at: ${String(error).split('\n')[0]}`);
          }
        }
        await context.close();
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      const missing = SHOWN.filter((name) => !pages.includes(name));
      problems.push(...missing.map((name) => `${name}: there is no such page; SHOWN has to name another one`));
      console.log(`each page in Chromium: ${((performance.now() - began) / 1_000).toFixed(1)} s`);
    }
    if (only !== 'pages') {
      const began = performance.now();
      problems.push(...(await checkPlayground(browser, server)));
      console.log(`the playground: ${((performance.now() - began) / 1_000).toFixed(1)} s`);
    }
    return problems;
  } finally {
    await browser.close();
  }
}

/**
 * Loads a page once, wide and then on a phone. The colours come from one style sheet, so their contrast is looked at on pages of each
 * kind only (`shown`): it takes as long as all else that axe does.
 */
async function checkPage(page: Page, server: SiteServer, name: string): Promise<string[]> {
  const problems: string[] = [];
  const complain = (what: string) => problems.push(`${name === '' ? '(first page)' : name}: ${what}`);
  const remove = listen(page, complain);
  await page.setViewportSize(WIDE);
  // The page that says that there is no such page has the status 404, which the console reports.
  await page.goto(server.address + name, { waitUntil: 'load' });
  if (await overflows(page)) complain('wide: it scrolls sideways');
  await page.setViewportSize(NARROW);
  if (await overflows(page)) complain('on a phone: it scrolls sideways');
  if (hasAxe(name)) for (const found of await violations(page, LIGHT_RULES, COMMON)) complain(`on a phone: ${found}`);
  remove();
  return problems;
}

function listen(page: Page, complain: (what: string) => void): () => void {
  const onConsole = (message: { type(): string; text(): string }) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    if (/the server responded with a status of 404/.test(message.text()) && page.url().endsWith('/404.html')) return;
    complain(`the console says: ${message.text()}`);
  };
  const onError = (error: Error) => complain(`a script has failed: ${error.message}`);
  page.on('console', onConsole);
  page.on('pageerror', onError);
  return () => {
    page.off('console', onConsole);
    page.off('pageerror', onError);
  };
}

const overflows = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

interface Axe {
  run(
    context: object,
    options: object,
  ): Promise<{
    violations: { id: string; impact: string | null; help: string; nodes: { html: string }[] }[];
  }>;
}

/** What axe-core finds that is serious or critical. */
async function violations(page: Page, rules: object, exclude: readonly string[]): Promise<string[]> {
  await page.evaluate(AXE);
  // Scripts make tab stops of what scrolls, a moment after its size has changed. Where they do not, axe says so.
  await page
    .waitForFunction(
      () =>
        [...document.querySelectorAll<HTMLElement>('main :is(pre, table)')].every(
          (one) => one.scrollWidth <= one.clientWidth || one.tabIndex === 0,
        ),
      undefined,
      { timeout: 5_000 },
    )
    .catch(() => {});
  return page.evaluate(
    async ({ rules, left }) => {
      const { axe } = globalThis as typeof globalThis & { axe: Axe };
      const { violations: found } = await axe.run(
        { include: [['html']], exclude: left.map((selector) => [selector]) },
        { resultTypes: ['violations'], rules },
      );
      return found
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.length} ×, first ${nodes[0]?.html.slice(0, 160)}`);
    },
    { rules, left: exclude },
  );
}

interface Look {
  readonly name: string;
  readonly viewport: typeof WIDE;
  readonly colorScheme: 'light' | 'dark';
  /** Whether axe looks, too: the colours of a phone are those of a wide page. */
  readonly withAxe: boolean;
}

const LOOKS: readonly Look[] = [
  { name: 'light', viewport: WIDE, colorScheme: 'light', withAxe: true },
  { name: 'dark', viewport: WIDE, colorScheme: 'dark', withAxe: true },
  { name: 'phone', viewport: NARROW, colorScheme: 'light', withAxe: true },
  { name: 'phone-dark', viewport: NARROW, colorScheme: 'dark', withAxe: false },
];

/** The pages of each kind, loaded anew in one way of looking at them: a page may fail while it loads in the dark. */
async function shown(
  page: Page,
  server: SiteServer,
  pages: readonly string[],
  { name: look, viewport, colorScheme, withAxe }: Look,
  shots: string | null,
): Promise<string[]> {
  const problems: string[] = [];
  if (shots !== null) mkdirSync(shots, { recursive: true });
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
  for (const name of SHOWN.filter((one) => pages.includes(one))) {
    const complain = (what: string) => problems.push(`${name === '' ? '(first page)' : name} (${look}): ${what}`);
    const remove = listen(page, complain);
    await page.goto(server.address + name, { waitUntil: 'load' });
    const theme = await page.evaluate(() => document.documentElement.dataset['theme']);
    if (theme !== colorScheme) complain(`it is ${theme} for who wants ${colorScheme}`);
    if (await overflows(page)) complain('it scrolls sideways');
    // A page of the reference has thousands of pieces of code in a dozen colours.
    const exclude = name.startsWith('api/') ? ['.sl-markdown-content > :nth-child(n + 40)'] : [];
    if (withAxe)
      for (const found of await violations(page, look === 'phone' ? { 'target-size': { enabled: true } } : {}, exclude))
        complain(found);
    if (shots !== null)
      await page.screenshot({ path: path.join(shots, `${name.replaceAll('/', '-') || 'first-'}${look}.png`) });
    remove();
  }
  await page.emulateMedia({ colorScheme: 'light' });
  return problems;
}

/** The search finds guides and the reference. */
async function search(page: Page, server: SiteServer): Promise<string[]> {
  const problems: string[] = [];
  await page.setViewportSize(WIDE);
  await page.goto(`${server.address}start/`);
  // The page loads its search when it has nothing else to do. On a busy machine that is a while after the page itself.
  await page.locator('dialog input').waitFor({ state: 'attached' });
  for (const [words, place] of [
    ['back-pressure', '/'],
    ['mapConcurrent', '/api/'],
    ['deadlock', '/testing'],
  ] as const) {
    await page.locator('button[data-open-modal]').click();
    await page.locator('dialog input').fill(words);
    await page
      .locator(`dialog a[href*="${place}"]`)
      .first()
      .waitFor()
      .catch(() => problems.push(`search: ${words} is not found under ${place}`));
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
  }
  return problems;
}
