import { coroutine, sleep } from 'asyncio-ts';
import { check, now } from '../lib/clock.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** Functions await each other fifty deep, and the innermost one suspends once: what a frame costs, coming and going. */

const DEPTH = 50;

async function chainNatively(depth: number): Promise<number> {
  if (depth > 0) return 1 + (await chainNatively(depth - 1));
  await null;
  return 0;
}

function* chain(depth: number): Generator<unknown, number, unknown> {
  if (depth > 0) return 1 + (yield* chain(depth - 1));
  yield* sleep(0);
  return 0;
}

async function chainAsync(depth: number): Promise<number> {
  if (depth > 0) return 1 + (await chainAsync(depth - 1));
  await sleep(0);
  return 0;
}

const lazyChain = coroutine(function* (depth: number): Generator<unknown, number, unknown> {
  if (depth > 0) return 1 + (yield* lazyChain(depth - 1));
  yield* sleep(0);
  return 0;
});

async function native(count: number): Promise<number> {
  const begin = now();
  for (let i = 0; i < count; i += DEPTH) check(await chainNatively(DEPTH), DEPTH);
  return now() - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    for (let i = 0; i < count; i += DEPTH) check(yield* chain(DEPTH), DEPTH);
    return now() - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const begin = now();
    for (let i = 0; i < count; i += DEPTH) check(await chainAsync(DEPTH), DEPTH);
    return now() - begin;
  });
}

function lazy(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    for (let i = 0; i < count; i += DEPTH) check(yield* lazyChain(DEPTH), DEPTH);
    return now() - begin;
  });
}

export const awaitChain: Subject = {
  name: 'await-chain',
  title: 'chain of 50 awaits, leaf suspends once',
  unit: 'frame',
  quantity: 'ns',
  count: 50_000,
  rounds: 31,
  goals: { gen: 1, async: 1.3 },
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
    { name: 'gen, coroutine()', run: lazy },
  ],
};

if (import.meta.main) await main([awaitChain]);
