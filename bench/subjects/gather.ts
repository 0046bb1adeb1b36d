import { gather as gatherAll } from 'asyncio-ts';
import { check, now } from '../lib/clock.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** Very many trivial tasks at once, and their results in order. */

function* trivial(n: number): Generator<unknown, number, unknown> {
  return n;
}

async function trivialAsync(n: number): Promise<number> {
  return n;
}

async function native(count: number): Promise<number> {
  const begin = now();
  const results = await Promise.all(Array.from({ length: count }, (_, i) => trivialAsync(i)));
  const end = now();
  check(results[count - 1], count - 1);
  return end - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    const results = yield* gatherAll(Array.from({ length: count }, (_, i) => trivial(i)));
    const end = now();
    check(results[count - 1], count - 1);
    return end - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const begin = now();
    const results = await gatherAll(Array.from({ length: count }, (_, i) => () => trivialAsync(i)));
    const end = now();
    check(results[count - 1], count - 1);
    return end - begin;
  });
}

export const gather: Subject = {
  name: 'gather',
  title: 'gather of 100k trivial tasks',
  unit: 'task',
  quantity: 'ns',
  count: 100_000,
  // The same as for spawn and join, which it is.
  goals: { gen: 3, async: 10 },
  goalsOverCPython: { gen: 10, async: 4 },
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
  ],
};

if (import.meta.main) await main([gather]);
