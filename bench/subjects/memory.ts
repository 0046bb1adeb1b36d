import { createTask, type Future, getRunningLoop, sleep, type Task } from 'asyncio-ts';
import { liveBytes } from '../lib/heap.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** What is alive while a crowd of tasks waits, each on something of its own, which the crowd's owner can fulfil. */

async function waitNatively(promise: Promise<void>): Promise<void> {
  await promise;
}

function* wait(future: Future<void>): Generator<unknown, void, unknown> {
  yield* future;
}

async function waitAsync(future: Future<void>): Promise<void> {
  await future;
}

async function native(count: number): Promise<number> {
  const fulfil: (() => void)[] = new Array(count);
  const waiting: Promise<void>[] = new Array(count);
  const before = liveBytes();
  for (let i = 0; i < count; i++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    fulfil[i] = resolve;
    waiting[i] = waitNatively(promise);
  }
  await null;
  const bytes = liveBytes() - before;
  for (const resolve of fulfil) resolve();
  for (const promise of waiting) await promise;
  return bytes;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const loop = getRunningLoop();
    const futures: Future<void>[] = new Array(count);
    const waiting: Task<void>[] = new Array(count);
    const before = liveBytes();
    for (let i = 0; i < count; i++) {
      const future = loop.createFuture<void>();
      futures[i] = future;
      waiting[i] = createTask(wait(future));
    }
    yield* sleep(0);
    const bytes = liveBytes() - before;
    for (const future of futures) future.setResult();
    for (const task of waiting) yield* task;
    return bytes;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const loop = getRunningLoop();
    const futures: Future<void>[] = new Array(count);
    const waiting: Task<void>[] = new Array(count);
    const before = liveBytes();
    for (let i = 0; i < count; i++) {
      const future = loop.createFuture<void>();
      futures[i] = future;
      waiting[i] = createTask(() => waitAsync(future));
    }
    await sleep(0);
    const bytes = liveBytes() - before;
    for (const future of futures) future.setResult();
    for (const task of waiting) await task;
    return bytes;
  });
}

export const memory: Subject = {
  name: 'memory',
  title: 'memory of a suspended task',
  unit: 'task',
  quantity: 'bytes',
  count: 20_000,
  rounds: 5,
  goals: { gen: 0.7, async: 2 },
  missing: globalThis.gc === undefined ? 'it needs node --expose-gc' : null,
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
  ],
};

if (import.meta.main) await main([memory]);
