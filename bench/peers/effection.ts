import { all, type Operation, race, run, sleep, spawn, type Task, withResolvers } from 'effection';
import { check, cpuTime, now, sumBelow } from '../lib/clock.ts';
import { liveBytes } from '../lib/heap.ts';
import type { Peer } from './index.ts';

/** Its `sleep(0)` is a timer of the runtime, and there is no other way to give way. It has neither locks nor bounded queues. */

const DEPTH = 50;
const TASKS = 100;
const HOUR = 3_600_000;

function* trivial(n: number): Operation<number> {
  return n;
}

async function spawnJoin(count: number): Promise<number> {
  return await run(function* () {
    const begin = now();
    const tasks: Task<number>[] = [];
    for (let i = 0; i < count; i++) tasks.push(yield* spawn(() => trivial(i)));
    let sum = 0;
    for (const task of tasks) sum += yield* task;
    const end = now();
    check(sum, sumBelow(count));
    return end - begin;
  });
}

async function gather(count: number): Promise<number> {
  return await run(function* () {
    const begin = now();
    const results = yield* all(Array.from({ length: count }, (_, i) => trivial(i)));
    const end = now();
    check(results[count - 1], count - 1);
    return end - begin;
  });
}

async function switchOne(count: number): Promise<number> {
  return await run(function* () {
    const begin = now();
    for (let i = 0; i < count; i++) yield* sleep(0);
    return now() - begin;
  });
}

function* switches(times: number): Operation<void> {
  for (let i = 0; i < times; i++) yield* sleep(0);
}

async function switchMany(count: number): Promise<number> {
  return await run(function* () {
    const begin = now();
    const tasks: Task<void>[] = [];
    for (let i = 0; i < TASKS; i++) tasks.push(yield* spawn(() => switches(count / TASKS)));
    for (const task of tasks) yield* task;
    return now() - begin;
  });
}

async function cancelSleepers(count: number): Promise<number> {
  return await run(function* () {
    const tasks: Task<void>[] = [];
    for (let i = 0; i < count; i++) tasks.push(yield* spawn(() => sleep(HOUR)));
    yield* sleep(0);
    const begin = now();
    for (const task of tasks) yield* task.halt();
    return now() - begin;
  });
}

async function sleepers(count: number): Promise<number> {
  return await run(function* () {
    const begin = cpuTime();
    const tasks: Task<void>[] = [];
    for (let i = 0; i < count; i++) tasks.push(yield* spawn(() => sleep(500 + (i % 1000))));
    for (const task of tasks) yield* task;
    return cpuTime() - begin;
  });
}

function* expire(milliseconds: number): Operation<never> {
  yield* sleep(milliseconds);
  throw new Error('timed out');
}

async function timeoutDone(count: number): Promise<number> {
  return await run(function* () {
    const begin = now();
    let sum = 0;
    for (let i = 0; i < count; i++) sum += yield* race([trivial(i), expire(10_000)]);
    check(sum, sumBelow(count));
    return now() - begin;
  });
}

function* chain(depth: number): Operation<number> {
  if (depth > 0) return 1 + (yield* chain(depth - 1));
  yield* sleep(0);
  return 0;
}

async function awaitChain(count: number): Promise<number> {
  return await run(function* () {
    const begin = now();
    for (let i = 0; i < count; i += DEPTH) check(yield* chain(DEPTH), DEPTH);
    return now() - begin;
  });
}

function* leaf(depth: number, times: number): Operation<void> {
  if (depth > 0) return yield* leaf(depth - 1, times);
  for (let i = 0; i < times; i++) yield* sleep(0);
}

async function deepResume(count: number): Promise<number> {
  return await run(function* () {
    const begin = now();
    yield* leaf(DEPTH, count);
    return now() - begin;
  });
}

async function memory(count: number): Promise<number> {
  return await run(function* () {
    const resolvers: (() => void)[] = new Array(count);
    const tasks: Task<void>[] = new Array(count);
    const before = liveBytes();
    for (let i = 0; i < count; i++) {
      const { operation, resolve } = withResolvers<void>();
      resolvers[i] = resolve;
      tasks[i] = yield* spawn(() => operation);
    }
    yield* sleep(0);
    const bytes = liveBytes() - before;
    for (const resolve of resolvers) resolve();
    for (const task of tasks) yield* task;
    return bytes;
  });
}

export const effection: Peer = {
  name: 'effection',
  ways: {
    'spawn-join': { run: spawnJoin, fewer: 10 },
    gather: { run: gather, fewer: 100 },
    'switch-one': { run: switchOne, fewer: 1000 },
    'switch-many': { run: switchMany, fewer: 10 },
    'cancel-sleepers': { run: cancelSleepers, fewer: 10 },
    sleepers: { run: sleepers, fewer: 10 },
    'timeout-done': { run: timeoutDone, fewer: 10 },
    'await-chain': { run: awaitChain, fewer: 10 },
    'deep-resume': { run: deepResume, fewer: 100 },
    memory: { run: memory, fewer: 10 },
  },
};
