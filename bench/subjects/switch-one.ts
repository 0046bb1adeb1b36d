import { sleep } from 'asyncio-ts';
import { now } from '../lib/clock.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** One task gives way again and again: `sleep(0)` against `await null`. */

async function native(count: number): Promise<number> {
  const begin = now();
  for (let i = 0; i < count; i++) await null;
  return now() - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    for (let i = 0; i < count; i++) yield* sleep(0);
    return now() - begin;
  });
}

function bareYield(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    for (let i = 0; i < count; i++) yield;
    return now() - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const begin = now();
    for (let i = 0; i < count; i++) await sleep(0);
    return now() - begin;
  });
}

export const switchOne: Subject = {
  name: 'switch-one',
  title: 'context switch, one task',
  unit: 'switch',
  quantity: 'ns',
  count: 100_000,
  rounds: 31,
  goals: { gen: 1.2, async: 2.5 },
  goalsOverCPython: { gen: 10, async: 4 },
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
    { name: 'gen, bare yield', run: bareYield },
  ],
};

if (import.meta.main) await main([switchOne]);
