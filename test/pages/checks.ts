import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';

/** What a check has to do with. */
export interface Visit {
  readonly page: Page;
  readonly server: { readonly log: readonly string[]; mostFiles(): number };
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

/** Keeps every text that an element of the page ever shows. */
async function record(page: Page, selector: string): Promise<() => Promise<string[]>> {
  await page.evaluate(`
    globalThis.texts = [];
    new MutationObserver(() => {
      const text = document.querySelector('${selector}')?.textContent;
      if (text !== undefined && globalThis.texts.at(-1) !== text) globalThis.texts.push(text);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  `);
  return async () => await page.evaluate<string[]>('globalThis.texts');
}

/** Types into the search field, letter by letter in one moment, so that no pause is too long on a busy machine. */
async function type(page: Page, ...texts: readonly string[]): Promise<void> {
  await page.getByLabel('City').waitFor();
  // React replaces the setter of the element, to see who changes it.
  await page.evaluate(`
    const field = document.querySelector('input');
    const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
    for (const text of ${JSON.stringify(texts)}) {
      set.call(field, text);
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }
  `);
}

/** Chooses so many files, which are made in the page: to bring them there would take longer than everything else. */
async function chooseFiles(page: Page, count: number, megabytes: number): Promise<void> {
  await page.getByRole('link', { name: 'files' }).click();
  await page.getByText('Choose files').waitFor();
  await page.evaluate(`
    const chosen = new DataTransfer();
    for (let i = 1; i <= ${count}; i++) chosen.items.add(new File([new Uint8Array(${megabytes}e6)], 'photo-' + i + '.jpg'));
    const field = document.querySelector('input[type=file]');
    field.files = chosen.files;
    field.dispatchEvent(new Event('change', { bubbles: true }));
  `);
}

/** Those that React's StrictMode, which only its development build has, might break. */
export const STRICT: readonly RegExp[] = [/stale/, /leaving/, /polling goes on/];

/** By the promise that each checks. */
export const checks: Readonly<Record<string, (visit: Visit) => Promise<void>>> = {
  'searching waits for a pause in typing, and then asks once': async ({ page, server, screenshot }) => {
    await type(page, 'b', 'be', 'ber', 'berl');
    await page.getByText('1 with “berl”').waitFor();
    assert.deepEqual(server.log, ['GET /api/search?q=berl begun', 'GET /api/search?q=berl answered']);
    await screenshot('search');
  },

  'an answer that is stale never shows, and its request is aborted': async ({ page, server }) => {
    const counts = await record(page, '.count');
    const field = page.getByLabel('City');
    await field.fill('b');
    await until(server, hasLine('GET /api/search?q=b begun'), 'the request for b');
    await field.fill('ber');
    await page.getByText('2 with “ber”').waitFor();
    await until(server, hasLine('GET /api/search?q=b aborted'), 'the request for b aborted');
    assert.deepEqual(
      (await counts()).filter((text) => text.includes(' with ')),
      ['2 with “ber”'],
    );
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
    await chooseFiles(page, 6, 8);
    await page.getByText('Sending…').waitFor();
    await page.waitForFunction(
      `[...document.querySelectorAll('.bars progress')].some(({ value }) => value > 0 && value < 1)`,
    );
    await screenshot('files');
    await page.getByText('Sent 6 files.').waitFor();
    assert.equal(server.mostFiles(), 3);
    assert.equal(server.log.filter((line) => line.endsWith('answered')).length, 6);
    const shares = await page.evaluate(`[...document.querySelectorAll('.bars progress')].map(({ value }) => value)`);
    assert.deepEqual(shares, [1, 1, 1, 1, 1, 1]);
  },

  'stopping aborts the files that are sent, and begins no others': async ({ page, server }) => {
    await chooseFiles(page, 6, 25);
    await until(server, (log) => log.length >= 3, 'three files');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    await until(server, (log) => log.filter((line) => line.endsWith('aborted')).length === 3, 'three files aborted');
    assert.equal(server.log.filter((line) => line.endsWith('begun')).length, 3);
  },

  'polling goes on after an answer of 503, and ends with the job': async ({ page, server, screenshot }) => {
    const notes = await record(page, '[role=status]');
    await page.getByRole('link', { name: 'job' }).click();
    await page.getByText('The job is done.').waitFor();
    assert.ok((await notes()).includes('No answer; again in 0.5 s'), String(await notes()));
    await screenshot('job');
    const asked = server.log.filter((line) => line.endsWith('begun')).length;
    // What StrictMode's first mounting has started was cancelled before it asked.
    assert.equal(asked, 6);
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

  'each route can be used by everybody, in the light and in the dark': async ({ page }) => {
    await page.addScriptTag({ content: readFileSync(new URL(import.meta.resolve('axe-core')), 'utf8') });
    // What the dark changes is the colours only.
    const audits = { light: 'axe.run()', dark: "axe.run({ runOnly: ['color-contrast'] })" };
    for (const route of ['search', 'files', 'job', 'primes']) {
      await page.getByRole('link', { name: route }).click();
      await page.getByRole('heading', { name: route, level: 2 }).waitFor();
      for (const [colorScheme, audit] of Object.entries(audits)) {
        await page.emulateMedia({ colorScheme: colorScheme as 'light' | 'dark' });
        const { violations } = await page.evaluate<{ violations: readonly { id: string }[] }>(audit);
        assert.deepEqual(
          violations.map(({ id }) => id),
          [],
          `${route}, ${colorScheme}`,
        );
      }
    }
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
