// Two coroutines that run concurrently take as long as the slower one. One after the other, they take the sum.

import * as asyncio from 'asyncio-ts';

async function do1() {
  await asyncio.sleep(1);
  return 'do1';
}

async function do3() {
  await asyncio.sleep(3);
  return 'do3';
}

/** 3 s. Functions, not calls: `gather` makes them tasks, which can be cancelled; the promise of a call could not. */
export async function withGather(): Promise<string[]> {
  return await asyncio.gather(do1, do3);
}

/** 3 s. */
export async function withWait(): Promise<string[]> {
  const { done } = await asyncio.wait([asyncio.createTask(do1), asyncio.createTask(do3)]);
  return [...done].map((task) => task.result());
}

/** 3 s: both tasks run from here on, no matter which is awaited first. */
export async function withTasks(): Promise<string[]> {
  const first = asyncio.ensureFuture(do1);
  const second = asyncio.createTask(do3);
  return [await first, await second];
}

/** 4 s. */
export async function oneAfterTheOther(): Promise<string[]> {
  return [await do1(), await do3()];
}

export async function main(): Promise<void> {
  const loop = asyncio.getRunningLoop();
  for (const way of [withGather, withWait, withTasks, oneAfterTheOther]) {
    const begin = loop.time();
    const results = await way();
    console.log(`${way.name}: ${results} in ${(loop.time() - begin).toFixed(1)} s`);
  }
}
