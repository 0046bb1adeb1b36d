import { setTimeout as timeUp } from 'node:timers/promises';
import { chromium, type Page } from 'playwright-core';
import { ARGUMENTS, findBrowser, NO_BROWSER } from '../../support/browser.ts';
import type { Report } from '../lib/report.ts';
import type { Result, Runtime } from './runtime.ts';
import { serve } from './server.ts';

/** In milliseconds. */
const TIME_TO_REPORT = 120_000;

/** A page that runs an entry of the suite. */
export function browserRuntime(name: string, entry: string): Runtime {
  return {
    name,
    advice: NO_BROWSER,
    find() {
      const executablePath = findBrowser();
      return executablePath === null ? null : () => runPage(executablePath, entry);
    },
  };
}

async function runPage(executablePath: string, entry: string): Promise<Result> {
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  const server = await serve(entry);
  try {
    const page = await browser.newPage();
    const problems = watch(page);
    await page.goto(server.url);
    const report = await Promise.race([
      page.evaluate<Report>('globalThis.contract'),
      timeUp(TIME_TO_REPORT, undefined, { ref: false }),
    ]);
    if (report === undefined) throw new Error(`no report from the page\n${problems.join('\n')}`);
    return { version: browser.version(), report };
  } finally {
    await browser.close();
    server.close();
  }
}

/** What goes wrong in a page, as it happens. */
function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error.stack)));
  page.on('requestfailed', (request) => problems.push(`${request.url()} failed`));
  page.on('response', (response) => {
    if (!response.ok()) problems.push(`${response.url()} ${response.status()}`);
  });
  page.on('console', (message) => problems.push(message.text()));
  return problems;
}
