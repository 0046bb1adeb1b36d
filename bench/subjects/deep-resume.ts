import { coroutine, sleep } from 'asyncio-ts';
import { now } from '../lib/clock.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** A function fifty awaits deep suspends again and again: resuming it should not cost more than at the top. */

const DEPTH = 50;

async function leafNatively(depth: number, times: number): Promise<void> {
  if (depth > 0) return await leafNatively(depth - 1, times);
  for (let i = 0; i < times; i++) await null;
}

const leaf = coroutine(function* (depth: number, times: number): Generator<unknown, void, unknown> {
  if (depth > 0) return yield* leaf(depth - 1, times);
  for (let i = 0; i < times; i++) yield* sleep(0);
});

function* rawLeaf(depth: number, times: number): Generator<unknown, void, unknown> {
  if (depth > 0) return yield* rawLeaf(depth - 1, times);
  for (let i = 0; i < times; i++) yield* sleep(0);
}

async function leafAsync(depth: number, times: number): Promise<void> {
  if (depth > 0) return await leafAsync(depth - 1, times);
  for (let i = 0; i < times; i++) await sleep(0);
}

async function native(count: number): Promise<number> {
  const begin = now();
  await leafNatively(DEPTH, count);
  return now() - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    yield* leaf(DEPTH, count);
    return now() - begin;
  });
}

function raw(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    yield* rawLeaf(DEPTH, count);
    return now() - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const begin = now();
    await leafAsync(DEPTH, count);
    return now() - begin;
  });
}

export const deepResume: Subject = {
  name: 'deep-resume',
  title: 'leaf at depth 50 resumes 5,000 times',
  unit: 'resume',
  quantity: 'ns',
  count: 5_000,
  rounds: 31,
  goals: { gen: 1.8, async: 3 },
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
    { name: 'gen, raw yield*', run: raw, fewer: 5 },
  ],
};

if (import.meta.main) await main([deepResume]);
