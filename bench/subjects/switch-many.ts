import { createTask, sleep, type Task } from 'asyncio-ts';
import { now } from '../lib/clock.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** A hundred tasks take turns, five hundred times each. */

const TASKS = 100;

async function switchesNatively(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await null;
}

function* switches(times: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < times; i++) yield* sleep(0);
}

async function switchesAsync(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await sleep(0);
}

async function native(count: number): Promise<number> {
  const begin = now();
  const promises: Promise<void>[] = [];
  for (let i = 0; i < TASKS; i++) promises.push(switchesNatively(count / TASKS));
  for (const promise of promises) await promise;
  return now() - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    const tasks: Task<void>[] = [];
    for (let i = 0; i < TASKS; i++) tasks.push(createTask(switches(count / TASKS)));
    for (const task of tasks) yield* task;
    return now() - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const begin = now();
    const tasks: Task<void>[] = [];
    for (let i = 0; i < TASKS; i++) tasks.push(createTask(() => switchesAsync(count / TASKS)));
    for (const task of tasks) await task;
    return now() - begin;
  });
}

export const switchMany: Subject = {
  name: 'switch-many',
  title: 'context switch, 100 tasks × 500',
  unit: 'switch',
  quantity: 'ns',
  count: 50_000,
  rounds: 31,
  goals: { gen: 1.5, async: 6 },
  goalsOverCPython: { gen: 10, async: 4 },
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
  ],
};

if (import.meta.main) await main([switchMany]);
