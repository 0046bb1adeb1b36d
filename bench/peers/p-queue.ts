import { setTimeout as timer } from 'node:timers/promises';
import PQueue from 'p-queue';
import { check, now, sumBelow } from '../lib/clock.ts';
import type { Peer } from './index.ts';

async function trivial(n: number): Promise<number> {
  return n;
}

async function spawnJoin(count: number): Promise<number> {
  const begin = now();
  const queue = new PQueue();
  const promises: Promise<number>[] = [];
  for (let i = 0; i < count; i++) promises.push(queue.add(() => trivial(i)));
  let sum = 0;
  for (const promise of promises) sum += await promise;
  const end = now();
  check(sum, sumBelow(count));
  return end - begin;
}

/** Items are functions here, run one at a time by the queue itself; the producer waits while a hundred are there. */
async function boundedQueue(count: number): Promise<number> {
  const begin = now();
  const queue = new PQueue({ concurrency: 1 });
  let sum = 0;
  for (let i = 0; i < count; i++) {
    if (queue.size >= 100) await queue.onSizeLessThan(100);
    void queue.add(async () => {
      sum += i;
    });
  }
  await queue.onIdle();
  const end = now();
  check(sum, sumBelow(count));
  return end - begin;
}

async function lockFree(count: number): Promise<number> {
  const begin = now();
  const lock = new PQueue({ concurrency: 1 });
  let done = 0;
  for (let i = 0; i < count; i++) {
    await lock.add(async () => {
      done++;
    });
  }
  check(done, count);
  return now() - begin;
}

async function lockContended(count: number): Promise<number> {
  const begin = now();
  const lock = new PQueue({ concurrency: 1 });
  let done = 0;
  const holds = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await lock.add(async () => {
        await null;
        done++;
      });
    }
  };
  const promises: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) promises.push(holds(count / 100));
  for (const promise of promises) await promise;
  check(done, count);
  return now() - begin;
}

async function cancelSleepers(count: number): Promise<number> {
  const queue = new PQueue();
  const controllers: AbortController[] = [];
  const promises: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    const controller = new AbortController();
    const { signal } = controller;
    controllers.push(controller);
    promises.push(queue.add(() => timer(3_600_000, undefined, { signal }), { signal }));
  }
  await null;
  const begin = now();
  let cancelled = 0;
  for (const controller of controllers) controller.abort();
  for (const promise of promises) {
    try {
      await promise;
    } catch {
      cancelled++;
    }
  }
  check(cancelled, count);
  return now() - begin;
}

async function timeoutDone(count: number): Promise<number> {
  const queue = new PQueue();
  const begin = now();
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await queue.add(() => trivial(i), { timeout: 10_000 });
  check(sum, sumBelow(count));
  return now() - begin;
}

export const pQueue: Peer = {
  name: 'p-queue',
  ways: {
    'spawn-join': { run: spawnJoin },
    queue: { run: boundedQueue, fewer: 5 },
    'lock-free': { run: lockFree },
    'lock-contended': { run: lockContended },
    'cancel-sleepers': { run: cancelSleepers },
    'timeout-done': { run: timeoutDone },
  },
};
