// Six downloads, at most two at a time.
import { mapConcurrent, run, sleep } from 'asyncio-ts';

async function download(page: number): Promise<string> {
  await sleep(0.4 + (page % 3) * 0.3);
  return `page ${page}`;
}

await run(async () => {
  const pages = await mapConcurrent([1, 2, 3, 4, 5, 6], download, { limit: 2 });
  console.log(pages);
});
