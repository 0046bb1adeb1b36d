// With recorded places, a call graph has the line of each function, and who awaits it.

import { createTask, Event, run, sleep, taskGroup } from 'asyncio-ts';
import { printCallGraph, recordPlaces } from 'asyncio-ts/inspect';

const ready = new Event();

async function connect(): Promise<void> {
  await ready.wait();
}

async function load(): Promise<void> {
  await connect();
}

await run(async function main() {
  const stop = recordPlaces();
  createTask(async function watch() {
    await sleep(0.01);
    printCallGraph(task, { file: process.stdout });
    stop();
    ready.set();
  });
  const task = createTask(load, { name: 'loader' });
  await taskGroup(async (group) => {
    group.createTask(async function report() {
      await task;
    });
  });
});
