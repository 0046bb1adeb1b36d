// Consumers that nobody ends, and a queue that was longer than anybody thought.

import { createTask, currentTask, Queue, run, sleep } from 'asyncio-ts';
import { captureWaitGraph } from 'asyncio-ts/inspect';

const queue = new Queue<number>();

async function consume(): Promise<void> {
  await queue.get();
}

await run(async function main() {
  for (let request = 0; request < 50; request++) {
    createTask(consume); // one for each request, and not one of them is ever ended
    if (request % 2 === 0) queue.putNowait(request);
  }
  await sleep(0.01);
  const counts = new Map<string, number>();
  for (const { coroutine, waits } of captureWaitGraph(currentTask()!.getLoop()).tasks) {
    const what = `${coroutine} waits for ${waits[0]?.operation ?? 'nothing'}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  for (const [what, count] of counts) console.log(`${count} × ${what}`);
  const { size, peakSize, getting, peakGetting } = queue.statistics();
  console.log({ size, peakSize, getting, peakGetting });
});
