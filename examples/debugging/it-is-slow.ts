// A function that computes for long, in the middle of a program that should serve others meanwhile.

import { createTask, run, sleep, wrapPromise } from 'asyncio-ts';
import { watchStalls } from 'asyncio-ts/node';

function parse(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) JSON.parse('[1, 2, 3]');
}

async function load(): Promise<void> {
  await sleep(0.01);
  parse(1_500);
}

using watch = watchStalls({ threshold: 0.25 });
await run(async function main() {
  await wrapPromise(watch.ready);
  await createTask(load);
  await sleep(0.5);
});
