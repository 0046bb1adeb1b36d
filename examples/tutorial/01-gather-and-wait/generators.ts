// Two coroutines that run concurrently take as long as the slower one. One after the other, they take the sum.

import * as asyncio from 'asyncio-ts';

function* do1(): asyncio.Coroutine<string> {
  yield* asyncio.sleep(1);
  return 'do1';
}

function* do3(): asyncio.Coroutine<string> {
  yield* asyncio.sleep(3);
  return 'do3';
}

/** 3 s. A call alone starts nothing: `gather` makes tasks of the coroutines. */
export function* withGather(): asyncio.Coroutine<string[]> {
  return yield* asyncio.gather(do1(), do3());
}

/** 3 s. */
export function* withWait(): asyncio.Coroutine<string[]> {
  const { done } = yield* asyncio.wait([asyncio.createTask(do1()), asyncio.createTask(do3())]);
  return [...done].map((task) => task.result());
}

/** 3 s: both tasks run from here on, no matter which is awaited first. */
export function* withTasks(): asyncio.Coroutine<string[]> {
  const first = asyncio.ensureFuture(do1());
  const second = asyncio.createTask(do3());
  return [yield* first, yield* second];
}

/** 4 s. */
export function* oneAfterTheOther(): asyncio.Coroutine<string[]> {
  return [yield* do1(), yield* do3()];
}

export function* main(): asyncio.Coroutine<void> {
  const loop = asyncio.getRunningLoop();
  for (const way of [withGather, withWait, withTasks, oneAfterTheOther]) {
    const begin = loop.time();
    const results = yield* way();
    console.log(`${way.name}: ${results} in ${(loop.time() - begin).toFixed(1)} s`);
  }
}
