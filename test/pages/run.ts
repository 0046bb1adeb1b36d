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
import { chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { createPageServer, type PageServer } from '../../examples/page/server.ts';
import config from '../../examples/page/vite.config.ts';
import { needBuild, skipped } from '../../scripts/lib/project.ts';
import { ARGUMENTS, findBrowser, NO_BROWSER } from '../contract/runtimes/browser.ts';
import { checks } from './checks.ts';

const { values } = parseArgs({ options: { screenshots: { type: 'string' } } });

needBuild();
const executablePath = findBrowser();
if (executablePath === null) skipped(`the example page: ${NO_BROWSER}`);
else await runChecks(executablePath);

async function runChecks(browserPath: string): Promise<void> {
  const began = performance.now();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'asyncio-ts-page-'));
  const browser = await chromium.launch({ executablePath: browserPath, args: ARGUMENTS });
  const counts = { passed: 0, failed: 0 };
  try {
    // React has StrictMode's second mounting in its development build only.
    for (const mode of ['production', 'development'] as const) {
      process.env['NODE_ENV'] = mode;
      const outDir = path.join(folder, mode);
      await build({ ...config, configFile: false, mode, build: { ...config.build, outDir, emptyOutDir: false } });
      for (const [title, check] of Object.entries(checks)) {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
        const server = await listening(createPageServer(outDir));
        const page = await context.newPage();
        page.setDefaultTimeout(5_000);
        const problems = watch(page);
        try {
          await page.goto(server.url);
          await check({ page, server, mode, screenshot: (name) => screenshot(page, `${mode}-${name}`) });
          if (problems.length > 0) throw new Error(`the page has complained:\n${problems.join('\n')}`);
          counts.passed++;
          console.log(`passed  ${mode.padEnd(12)}${title}`);
        } catch (error) {
          counts.failed++;
          console.log(`FAILED  ${mode.padEnd(12)}${title}`);
          console.log(String(error instanceof Error ? error.stack : error).replaceAll(/^/gm, '    '));
          console.log(`    requests: ${server.log.join(', ')}`);
        } finally {
          await context.close();
          server.close();
        }
      }
    }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  console.log(`page: ${counts.passed} passed, ${counts.failed} failed, ${seconds} s`);
  if (counts.failed > 0) process.exitCode = 1;
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
