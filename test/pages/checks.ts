import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';

/** What a check has to do with. */
export interface Visit {
  readonly page: Page;
  readonly server: { readonly log: readonly string[]; mostFiles(): number };
  readonly mode: 'production' | 'development';
  screenshot(name: string): Promise<void>;
}

/** Waits until the server has written down what is looked for; a check fails after five seconds. */
async function until(server: Visit['server'], holds: (log: readonly string[]) => boolean, what: string): Promise<void> {
  for (let i = 0; i < 250; i++) {
    if (holds(server.log)) return;
    await delay(20);
  }
  assert.fail(`waited in vain for: ${what}`);
}

const hasLine =
  (line: string) =>
  (log: readonly string[]): boolean =>
    log.includes(line);

/** Keeps in the page every count of answers that is ever shown. */
async function recordCounts(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(`
    globalThis.counts = [];
    new MutationObserver(() => {
      const text = document.querySelector('.count')?.textContent;
      if (text !== undefined && globalThis.counts.at(-1) !== text) globalThis.counts.push(text);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  `);
  return async () => await page.evaluate<string[]>('globalThis.counts');
}

const files = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    name: `photo-${i + 1}.jpg`,
    mimeType: 'image/jpeg',
    buffer: Buffer.alloc(300_000, i),
  }));

/** By the promise that each checks. */
export const checks: Readonly<Record<string, (visit: Visit) => Promise<void>>> = {
  'searching waits for a pause in typing, and then asks once': async ({ page, server, screenshot }) => {
    await page.getByLabel('City').pressSequentially('berl', { delay: 30 });
    await page.getByText('1 with “berl”').waitFor();
    assert.deepEqual(server.log, ['GET /api/search?q=berl begun', 'GET /api/search?q=berl answered']);
    await screenshot('search');
  },

  'an answer that is stale never shows, and its request is aborted': async ({ page, server }) => {
    const counts = await recordCounts(page);
    const field = page.getByLabel('City');
    await field.fill('b');
    await until(server, hasLine('GET /api/search?q=b begun'), 'the request for b');
    await field.fill('ber');
    await page.getByText('2 with “ber”').waitFor();
    await until(server, hasLine('GET /api/search?q=b aborted'), 'the request for b aborted');
    await delay(1_100); // by then the server would have answered
    assert.deepEqual(await counts(), ['2 with “ber”']);
    assert.deepEqual(
      server.log.filter((line) => line.endsWith('answered')),
      ['GET /api/search?q=ber answered'],
    );
  },

  'leaving a route cancels its work, which the server sees': async ({ page, server }) => {
    await page.getByLabel('City').fill('a');
    await until(server, hasLine('GET /api/search?q=a begun'), 'the request for a');
    await page.getByRole('link', { name: 'files' }).click();
    await until(server, hasLine('GET /api/search?q=a aborted'), 'the request for a aborted');
  },

  'files are sent three at a time, with their progress': async ({ page, server, screenshot }) => {
    await page.getByRole('link', { name: 'files' }).click();
    await page.getByLabel('Choose files').setInputFiles(files(6));
    await page.getByText('Sending…').waitFor();
    await page.waitForFunction(`[...document.querySelectorAll('.bars progress')].some(({ value }) => value > 0)`);
    await screenshot('files');
    await page.getByText('Sent 6 files.').waitFor();
    assert.equal(server.mostFiles(), 3);
    assert.equal(server.log.filter((line) => line.endsWith('answered')).length, 6);
    const shares = await page.evaluate(`[...document.querySelectorAll('.bars progress')].map(({ value }) => value)`);
    assert.deepEqual(shares, [1, 1, 1, 1, 1, 1]);
  },

  'stopping aborts the files that are sent, and begins no others': async ({ page, server }) => {
    await page.getByRole('link', { name: 'files' }).click();
    await page.getByLabel('Choose files').setInputFiles(files(6));
    await until(server, (log) => log.length === 3, 'three files');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    await until(server, (log) => log.filter((line) => line.endsWith('aborted')).length === 3, 'three files aborted');
    assert.equal(server.log.filter((line) => line.endsWith('begun')).length, 3);
  },

  'polling goes on after an answer of 503, and ends with the job': async ({ page, server, mode, screenshot }) => {
    await page.getByRole('link', { name: 'job' }).click();
    await page.getByText('No answer; again in 0.5 s').waitFor();
    await screenshot('job');
    await page.getByText('The job is done.').waitFor();
    const asked = server.log.filter((line) => line.endsWith('begun')).length;
    // What StrictMode's first mounting has started was cancelled before it asked.
    assert.equal(asked, 6, mode);
    await delay(600);
    assert.equal(server.log.filter((line) => line.endsWith('begun')).length, asked);
  },

  'polling stops when its route is left': async ({ page, server }) => {
    await page.getByRole('link', { name: 'job' }).click();
    await until(server, hasLine('GET /api/jobs/42 answered'), 'the first answer');
    await page.getByRole('link', { name: 'search' }).click();
    await page.getByLabel('City').waitFor();
    const { length } = server.log;
    await delay(1_200);
    assert.equal(server.log.length, length);
  },

  'workers count, and a newer count takes the place of one under way': async ({ page, screenshot }) => {
    await page.getByRole('link', { name: 'primes' }).click();
    await page.getByLabel('Up to').fill('900000000');
    await page.getByRole('button', { name: 'Count' }).click();
    await page.getByText('Counting…').waitFor();
    await screenshot('primes');
    await page.getByLabel('Up to').fill('100000');
    await page.getByRole('button', { name: 'Count' }).click();
    await page.getByText('9,592 primes up to 100,000.').waitFor();
  },

  'a count that is stopped ends its workers': async ({ page }) => {
    await page.getByRole('link', { name: 'primes' }).click();
    await page.getByLabel('Up to').fill('900000000');
    await page.getByRole('button', { name: 'Count' }).click();
    await page.getByText('Counting…').waitFor();
    while (page.workers().length === 0) await delay(20);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    for (let i = 0; page.workers().length > 0 && i < 250; i++) await delay(20);
    assert.equal(page.workers().length, 0);
  },
};
