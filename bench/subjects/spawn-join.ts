import { createTask, type Task } from 'asyncio-ts';
import { check, now, sumBelow } from '../lib/clock.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** Tasks that do nothing are made, run and waited for, one after the other. */

function* trivial(n: number): Generator<unknown, number, unknown> {
  return n;
}

async function trivialAsync(n: number): Promise<number> {
  return n;
}

async function native(count: number): Promise<number> {
  const begin = now();
  const promises: Promise<number>[] = [];
  for (let i = 0; i < count; i++) promises.push(trivialAsync(i));
  let sum = 0;
  for (const promise of promises) sum += await promise;
  const end = now();
  check(sum, sumBelow(count));
  return end - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    const tasks: Task<number>[] = [];
    for (let i = 0; i < count; i++) tasks.push(createTask(trivial(i)));
    let sum = 0;
    for (const task of tasks) sum += yield* task;
    const end = now();
    check(sum, sumBelow(count));
    return end - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const begin = now();
    const tasks: Task<number>[] = [];
    for (let i = 0; i < count; i++) tasks.push(createTask(() => trivialAsync(i)));
    let sum = 0;
    for (const task of tasks) sum += await task;
    const end = now();
    check(sum, sumBelow(count));
    return end - begin;
  });
}

export const spawnJoin: Subject = {
  name: 'spawn-join',
  title: 'spawn and join 10k trivial tasks',
  unit: 'task',
  quantity: 'ns',
  count: 10_000,
  rounds: 31,
  goals: { gen: 2.5, async: 9 },
  goalsOverCPython: { gen: 10, async: 4 },
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
  ],
};

if (import.meta.main) await main([spawnJoin]);
