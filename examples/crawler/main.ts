// Crawls a site that it serves itself. After Ctrl-C, no request is left open.
//
//     node examples/crawler/main.ts --pages 500 --limit 20 --timeout 0.3 --attempts 3

import process from 'node:process';
import { parseArgs } from 'node:util';
import { KeyboardInterrupt, run } from 'asyncio-ts';
import { crawl } from './crawl.ts';
import { describe, Progress } from './progress.ts';
import { Site } from './site.ts';

const { values } = parseArgs({
  options: {
    pages: { type: 'string', default: '500' },
    limit: { type: 'string', default: '20' },
    timeout: { type: 'string', default: '0.3' },
    attempts: { type: 'string', default: '3' },
  },
});

async function main(): Promise<void> {
  const site = await Site.open(Number(values.pages));
  const progress = new Progress(process.stdout);
  try {
    const report = await crawl(site.url, {
      limit: Number(values.limit),
      timeout: Number(values.timeout),
      attempts: Number(values.attempts),
      onProgress: progress.show,
    });
    progress.end();
    console.log(`finished: ${describe(report)}`);
  } finally {
    console.log(`requests left open: ${await site.close()}`);
  }
}

try {
  await run(main);
} catch (error) {
  if (!(error instanceof KeyboardInterrupt)) throw error;
  console.log('interrupted');
  process.exitCode = 130;
}
