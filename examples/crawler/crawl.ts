// The crawler: follows links. Several requests run at a time, each with a time limit and several attempts.

import { CancelledError, currentSignal, sleep, TimeoutError, taskGroup, timeout } from 'asyncio-ts';

export interface CrawlOptions {
  /** How many requests at once. */
  readonly limit: number;
  /** How long a request may take, in seconds. */
  readonly timeout: number;
  /** How often a page is asked for. */
  readonly attempts: number;
  /** Called after each change. */
  onProgress(report: CrawlReport): void;
}

/** The progress of a crawl. */
export interface CrawlReport {
  /** Pages that are known. */
  found: number;
  done: number;
  failed: number;
  retries: number;
  timeouts: number;
}

class HttpError extends Error {}

/** Visits a page, and whatever can be reached from it. */
export async function crawl(start: string, options: CrawlOptions): Promise<CrawlReport> {
  const report: CrawlReport = { found: 0, done: 0, failed: 0, retries: 0, timeouts: 0 };
  const known = new Set<string>();
  await taskGroup(
    async (group) => {
      const visit = (url: string): void => {
        if (known.has(url)) return;
        known.add(url);
        report.found++;
        group.createTask(
          async () => {
            try {
              for (const link of await patiently(url, options, report)) visit(link);
              report.done++;
            } catch (error) {
              if (error instanceof CancelledError) throw error;
              report.failed++;
            }
            options.onProgress(report);
          },
          { name: url },
        );
      };
      visit(start);
    },
    { limit: options.limit },
  );
  return report;
}

/** Asks for a page again when it fails or takes too long, each time after a longer pause. */
async function patiently(url: string, options: CrawlOptions, report: CrawlReport): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await timeout(options.timeout, () => linksOf(url));
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      if (error instanceof TimeoutError) report.timeouts++;
      if (attempt === options.attempts) throw error;
    }
    report.retries++;
    await sleep(0.01 * 2 ** attempt);
  }
}

/** The task's signal ends the request and the download when the time limit is reached, and when the crawl is cancelled. */
async function linksOf(url: string): Promise<string[]> {
  const response = await fetch(url, { signal: currentSignal() ?? null });
  const html = await response.text();
  if (!response.ok) throw new HttpError(`${url}: ${response.status}`);
  return Array.from(html.matchAll(/href="([^"]+)"/g), ([, link]) => new URL(link!, url).href);
}
