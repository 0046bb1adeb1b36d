// 99 coroutines that sleep 2 s each take 2 s, and there are three ways to collect their results.

import * as asyncio from 'asyncio-ts';

const NUMBERS = Array.from({ length: 99 }, (_, i) => i + 1);

function* work(n: number): asyncio.Coroutine<number> {
  yield* asyncio.sleep(2);
  return n;
}

function startAll() {
  return NUMBERS.map((n) => asyncio.createTask(work(n), { name: `work ${n}` }));
}

/** 2 s: waits and collects in one place. */
export function* collectedInside(): asyncio.Coroutine<number[]> {
  const { done } = yield* asyncio.wait(startAll());
  return [...done].map((task) => task.result());
}

function* waitForAll() {
  return yield* asyncio.wait(startAll());
}

/** 2 s: gets the two sets from a coroutine that has waited. */
export function* doneAndPending(): asyncio.Coroutine<number[]> {
  const [done, pending] = yield* waitForAll();
  console.log(done.size, 'done,', pending.size, 'pending');
  return [...done].map((task) => task.result());
}

/** 2 s: `gather` gives the results in the order of the arguments. */
export function* inOrder(): asyncio.Coroutine<number[]> {
  return yield* asyncio.gather(NUMBERS.map((n) => work(n)));
}

export function* main(): asyncio.Coroutine<void> {
  for (const way of [collectedInside, doneAndPending, inOrder]) {
    const results = yield* way();
    console.log(`${way.name}: ${results.length} results, ${results[0]} to ${results.at(-1)}`);
  }
}
