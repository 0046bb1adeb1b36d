import { createTask, sleep, type Task } from 'asyncio-ts';
import { cpuTime } from '../lib/clock.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** A crowd sleeps at the same time, each for one of a thousand different times: what that costs the CPU, waiting not counted. */

// The first may wake only after the last has gone to sleep.
const SHORTEST = 0.5;
const TIMES = 1000;

function delayOf(i: number): number {
  return SHORTEST + (i % TIMES) / 1000;
}

async function sleeperNatively(seconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

function* sleeper(seconds: number): Generator<unknown, void, unknown> {
  yield* sleep(seconds);
}

async function sleeperAsync(seconds: number): Promise<void> {
  await sleep(seconds);
}

async function native(count: number): Promise<number> {
  const begin = cpuTime();
  const promises: Promise<void>[] = [];
  for (let i = 0; i < count; i++) promises.push(sleeperNatively(delayOf(i)));
  for (const promise of promises) await promise;
  return cpuTime() - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = cpuTime();
    const tasks: Task<void>[] = [];
    for (let i = 0; i < count; i++) tasks.push(createTask(sleeper(delayOf(i))));
    for (const task of tasks) yield* task;
    return cpuTime() - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const begin = cpuTime();
    const tasks: Task<void>[] = [];
    for (let i = 0; i < count; i++) tasks.push(createTask(() => sleeperAsync(delayOf(i))));
    for (const task of tasks) await task;
    return cpuTime() - begin;
  });
}

export const sleepers: Subject = {
  name: 'sleepers',
  title: '100k concurrent sleepers, CPU',
  unit: 'sleeper',
  quantity: 'ns',
  count: 100_000,
  rounds: 7,
  goals: { gen: 0.8, async: 2 },
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
  ],
};

if (import.meta.main) await main([sleepers]);
