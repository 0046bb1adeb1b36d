// A task is cancelled because of a deadline three calls away, and goes on all the same.

import { createTask, run, sleep, timeout, wait } from 'asyncio-ts';
import { recordPlaces } from 'asyncio-ts/inspect';

async function download(): Promise<string> {
  try {
    await sleep(60);
  } catch {
    // Meant for network errors. It catches cancellations too: rethrowIfCancelled(error) is missing.
  }
  await sleep(0.01);
  return 'half of it';
}

await run(async function main() {
  recordPlaces();
  const task = createTask(download, { name: 'download' });
  try {
    await timeout(0.1, () => task);
  } catch {
    await wait([task]);
  }
  const why = task.why();
  console.log(`outcome: ${why?.outcome}`);
  for (const { text } of why?.requests ?? []) console.log(`- ${text}`);
  console.log(`went on at: ${why?.wentOnAt}`);
});
