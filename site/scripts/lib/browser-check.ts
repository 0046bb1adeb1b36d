import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { checkPlayground } from './playground-check.ts';
import { ROOT } from './repository.ts';
import { type SiteServer, serve } from './server.ts';

/** Looks at each page in headless Chromium. */

/** The Chromium of this machine, `null` when there is none. */
export function findBrowser(): string | null {
  const named = process.env['CHROMIUM'];
  if (named !== undefined) return existsSync(named) ? named : null;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const { status, stdout } = spawnSync('which', [name], { encoding: 'utf8' });
    if (status === 0) return stdout.trim();
  }
  return null;
}

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
/** Pages at a time: a page that is loaded waits, too. */
const AT_ONCE = 3;
/** Real milliseconds that one look may take, on a machine with much else to do. */
const LONGEST = 60_000;
const AXE = readFileSync(path.join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8');

/** Pages of each kind, which are loaded anew for each look and of which pictures are taken. */
const SHOWN = ['', 'start/', 'cancellation/', 'api/core/tasks/', 'playground/'];

export async function checkInBrowser(
  executablePath: string,
  dist: string,
  pages: readonly string[],
  { shots, only }: { readonly shots: string | null; readonly only: string | null },
): Promise<string[]> {
  await using server = await serve(dist);
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-software-rasterizer'],
  });
  try {
    const problems: string[] = [];
    const began = performance.now();
    const rest = pages.values();
    const worker = async () => {
      const context = await browser.newContext({ viewport: WIDE, colorScheme: 'light' });
      const page = await context.newPage();
      page.setDefaultTimeout(LONGEST);
      for (const name of rest) {
        try {
          problems.push(...(await checkPage(page, server, name)));
        } catch (error) {
          // The other pages are looked at all the same.
          problems.push(`${name}: it could not be looked at: ${String(error).split('\n')[0]}`);
        }
      }
      await context.close();
    };
    if (only !== 'playground') {
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      problems.push(...(await looks(browser, server, pages, shots)));
      problems.push(...(await search(browser, server)));
      console.log(`each page in Chromium: ${((performance.now() - began) / 1_000).toFixed(1)} s`);
    }
    if (only === 'pages') return problems;
    const before = performance.now();
    problems.push(...(await checkPlayground(browser, server)));
    console.log(`the playground: ${((performance.now() - before) / 1_000).toFixed(1)} s`);
    return problems;
  } finally {
    await browser.close();
  }
}

/** Loads a page once, and looks at it in light, dark and on a phone. */
async function checkPage(page: Page, server: SiteServer, name: string): Promise<string[]> {
  const problems: string[] = [];
  const complain = (what: string) => problems.push(`${name === '' ? '(first page)' : name}: ${what}`);
  const remove = listen(page, complain);
  // The page that says that there is no such page has the status 404, which the console reports.
  await page.goto(server.address + name, { waitUntil: 'load' });
  await page.evaluate(AXE);
  // What all pages have in common is looked at on some of them: the sidebar alone has a hundred links, and a page of the reference has
  // thousands of pieces of code in a dozen colours, in hundreds of entries that are all made alike.
  const isSample = SHOWN.includes(name);
  const common = [
    'nav.sidebar',
    '.right-sidebar-container',
    'header',
    'pre code',
    '.sl-markdown-content > :nth-child(n + 40)',
  ];
  const exclude = isSample ? [] : common;
  for (const found of await violations(page, null, exclude)) complain(`light: ${found}`);
  await page.evaluate(() => {
    document.documentElement.dataset['theme'] = 'dark';
  });
  for (const found of await violations(page, ['color-contrast'], exclude)) complain(`dark: ${found}`);
  if (await overflows(page)) complain('wide: it scrolls sideways');
  await page.setViewportSize(NARROW);
  if (await overflows(page)) complain('on a phone: it scrolls sideways');
  for (const found of await violations(
    page,
    ['scrollable-region-focusable', ...(isSample ? ['target-size'] : [])],
    exclude,
  ))
    complain(`on a phone: ${found}`);
  await page.setViewportSize(WIDE);
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
async function violations(page: Page, rules: readonly string[] | null, exclude: readonly string[]): Promise<string[]> {
  // Scripts make tab stops of what scrolls, a moment after its size has changed. Where they do not, axe says so.
  await page
    .waitForFunction(
      () =>
        [...document.querySelectorAll<HTMLElement>('main :is(pre, table)')].every(
          (one) => one.scrollWidth <= one.clientWidth || one.tabIndex === 0,
        ),
      undefined,
      { timeout: 2_000 },
    )
    .catch(() => {});
  return page.evaluate(
    async ({ only, left }) => {
      const { axe } = globalThis as typeof globalThis & { axe: Axe };
      const options = {
        resultTypes: ['violations'],
        ...(only === null ? {} : { runOnly: { type: 'rule', values: only } }),
      };
      const { violations: found } = await axe.run(
        { include: [['html']], exclude: left.map((selector) => [selector]) },
        options,
      );
      return found
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.length} ×, first ${nodes[0]?.html.slice(0, 160)}`);
    },
    { only: rules, left: exclude },
  );
}

/** Some pages, loaded anew in each way of looking at them: a page may fail while it loads in the dark. */
async function looks(
  browser: Browser,
  server: SiteServer,
  pages: readonly string[],
  shots: string | null,
): Promise<string[]> {
  const problems: string[] = [];
  if (shots !== null) mkdirSync(shots, { recursive: true });
  for (const [look, viewport, colorScheme] of [
    ['light', WIDE, 'light'],
    ['dark', WIDE, 'dark'],
    ['phone', NARROW, 'light'],
    ['phone-dark', NARROW, 'dark'],
  ] as const) {
    const context = await browser.newContext({ viewport, colorScheme });
    const page = await context.newPage();
    for (const name of SHOWN.filter((shown) => pages.includes(shown))) {
      const complain = (what: string) => problems.push(`${name} (${look}): ${what}`);
      const remove = listen(page, complain);
      await page.goto(server.address + name, { waitUntil: 'load' });
      const theme = await page.evaluate(() => document.documentElement.dataset['theme']);
      if (theme !== colorScheme) complain(`it is ${theme} for who wants ${colorScheme}`);
      if (await overflows(page)) complain('it scrolls sideways');
      if (shots !== null)
        await page.screenshot({ path: path.join(shots, `${name.replaceAll('/', '-') || 'first-'}${look}.png`) });
      remove();
    }
    await context.close();
  }
  return problems;
}

/** The search finds guides and the reference. */
async function search(browser: Browser, server: SiteServer): Promise<string[]> {
  const context = await browser.newContext({ viewport: WIDE });
  const page = await context.newPage();
  const problems: string[] = [];
  try {
    await page.goto(`${server.address}start/`);
    for (const [words, place] of [
      ['back-pressure', '/'],
      ['mapConcurrent', '/api/'],
      ['deadlock', '/testing'],
    ] as const) {
      await page.locator('button[data-open-modal]').click();
      await page.locator('dialog input').fill(words);
      const found = page.locator(`dialog a[href*="${place}"]`).first();
      await found
        .waitFor({ timeout: 15_000 })
        .catch(() => problems.push(`search: ${words} is not found under ${place}`));
      await page.keyboard.press('Escape');
    }
  } finally {
    await context.close();
  }
  return problems;
}
