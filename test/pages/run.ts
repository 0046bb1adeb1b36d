// Builds the example application, and uses it in a headless Chromium as a visitor does.
//
//     npm run page
//     npm run page -- --screenshots /tmp/shots

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { mapConcurrent, run } from 'asyncio-ts';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { createPageServer, type PageServer } from '../../examples/page/server.ts';
import config from '../../examples/page/vite.config.ts';
import { needBuild, skipped } from '../../scripts/lib/project.ts';
import { ARGUMENTS, findBrowser, NO_BROWSER } from '../support/browser.ts';
import { checks, STRICT, type Visit } from './checks.ts';

type Mode = 'production' | 'development';

/** One check of one build. */
interface Job {
  readonly title: string;
  readonly mode: Mode;
  readonly check: (visit: Visit) => Promise<void>;
}

const { values } = parseArgs({ options: { screenshots: { type: 'string' } } });

needBuild();
const executablePath = findBrowser();
if (executablePath === null) skipped(`the example page: ${NO_BROWSER}`);
else await runChecks(executablePath);

async function runChecks(browserPath: string): Promise<void> {
  const began = performance.now();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'asyncio-ts-page-'));
  const browser = await chromium.launch({ executablePath: browserPath, args: ARGUMENTS });
  try {
    await buildPage(folder, 'production');
    await buildPage(folder, 'development');
    const inMode = (mode: Mode) => Object.entries(checks).map(([title, check]): Job => ({ title, mode, check }));
    const strict = inMode('development').filter(({ title }) => STRICT.some((part) => part.test(title)));
    const jobs = [...inMode('production'), ...strict];
    // They mostly wait: several at a time.
    const passed = await run(() => mapConcurrent(jobs, (job) => passes(browser, folder, job), { limit: 4 }));
    const failed = passed.filter((isPassed) => !isPassed).length;
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    console.log(`page: ${passed.length - failed} passed, ${failed} failed, ${seconds} s`);
    if (failed > 0) process.exitCode = 1;
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

async function buildPage(folder: string, mode: Mode): Promise<void> {
  process.env['NODE_ENV'] = mode;
  const outDir = path.join(folder, mode);
  await build({ ...config, configFile: false, logLevel: 'error', mode, build: { ...config.build, outDir } });
}

async function passes(browser: Browser, folder: string, { title, mode, check }: Job): Promise<boolean> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const server = await listening(createPageServer(path.join(folder, mode)));
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const problems = watch(page);
    await page.goto(server.url);
    await check({ page, server, screenshot: (name) => screenshot(page, `${mode}-${name}`) });
    if (problems.length > 0) throw new Error(`the page has complained:\n${problems.join('\n')}`);
    console.log(`passed  ${mode.padEnd(12)}${title}`);
    return true;
  } catch (error) {
    console.log(`FAILED  ${mode.padEnd(12)}${title}`);
    console.log(String(error instanceof Error ? error.stack : error).replaceAll(/^/gm, '    '));
    console.log(`    requests: ${server.log.join(', ')}`);
    return false;
  } finally {
    await context.close();
    server.close();
  }
}

async function listening(page: PageServer) {
  const { server } = page;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    log: page.log,
    mostFiles: () => page.mostFiles,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What goes wrong in the page. The browser itself writes a line for each answer of 503. */
function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.stack ?? error}`));
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type()) || message.text().includes('503')) return;
    problems.push(message.text());
  });
  return problems;
}

async function screenshot(page: Page, name: string): Promise<void> {
  if (values.screenshots === undefined) return;
  mkdirSync(values.screenshots, { recursive: true });
  for (const [size, width] of Object.entries({ desktop: 1280, phone: 390 })) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: path.join(values.screenshots, `${name}-${size}.png`) });
  }
}
