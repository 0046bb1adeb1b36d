// One coroutine, which computes the average of the values that it is sent, in three spellings: a generator that is driven by hand, one
// that delegates to it, and an async function that a loop drives.

import * as asyncio from 'asyncio-ts';

const NUMBERS = [10, 20, 60];

function* averager(): Generator<number, number, number | null> {
  let sum = 0;
  for (let count = 0; ; count++) {
    const average = count === 0 ? 0 : sum / count;
    const next = yield average;
    if (next === null) return average;
    sum += next;
  }
}

function* delegating(): Generator<number, number, number | null> {
  return yield* averager();
}

function drive(coroutine: Generator<number, number, number | null>): number {
  coroutine.next(); // up to the first yield, which takes the first value sent
  for (const n of NUMBERS) coroutine.next(n);
  return coroutine.next(null).value;
}

async function awaiting(): Promise<number> {
  let sum = 0;
  for (const n of NUMBERS) sum += await asyncio.sleep(0.1, n);
  return sum / NUMBERS.length;
}

/** 0.3 s. */
export async function main(): Promise<number[]> {
  const averages = [drive(averager()), drive(delegating()), await awaiting()];
  console.log('averages:', averages.join(', '));
  return averages;
}
