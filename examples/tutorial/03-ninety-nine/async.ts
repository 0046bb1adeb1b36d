// 99 coroutines that sleep 2 s each take 2 s, and there are three ways to collect their results.

import * as asyncio from 'asyncio-ts';

const NUMBERS = Array.from({ length: 99 }, (_, i) => i + 1);

async function work(n: number) {
  await asyncio.sleep(2);
  return n;
}

function startAll() {
  return NUMBERS.map((n) => asyncio.createTask(() => work(n), { name: `work ${n}` }));
}

/** 2 s: waits and collects in one place. */
export async function collectedInside(): Promise<number[]> {
  const { done } = await asyncio.wait(startAll());
  return [...done].map((task) => task.result());
}

async function waitForAll() {
  return await asyncio.wait(startAll());
}

/** 2 s: gets the two sets from a coroutine that has waited. */
export async function doneAndPending(): Promise<number[]> {
  const [done, pending] = await waitForAll();
  console.log(done.size, 'done,', pending.size, 'pending');
  return [...done].map((task) => task.result());
}

/** 2 s: `gather` gives the results in the order of the arguments. */
export async function inOrder(): Promise<number[]> {
  return await asyncio.gather(NUMBERS.map((n) => () => work(n)));
}

export async function main(): Promise<void> {
  for (const way of [collectedInside, doneAndPending, inOrder]) {
    const results = await way();
    console.log(`${way.name}: ${results.length} results, ${results[0]} to ${results.at(-1)}`);
  }
}
