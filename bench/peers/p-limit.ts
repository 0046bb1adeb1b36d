import newLimit from 'p-limit';
import { check, now, sumBelow } from '../lib/clock.ts';
import type { Peer } from './index.ts';

async function trivial(n: number): Promise<number> {
  return n;
}

async function spawnJoin(count: number): Promise<number> {
  const begin = now();
  const limit = newLimit(count);
  const promises: Promise<number>[] = [];
  for (let i = 0; i < count; i++) promises.push(limit(trivial, i));
  let sum = 0;
  for (const promise of promises) sum += await promise;
  const end = now();
  check(sum, sumBelow(count));
  return end - begin;
}

async function lockFree(count: number): Promise<number> {
  const begin = now();
  const lock = newLimit(1);
  let done = 0;
  const body = async (): Promise<void> => {
    done++;
  };
  for (let i = 0; i < count; i++) await lock(body);
  check(done, count);
  return now() - begin;
}

async function lockContended(count: number): Promise<number> {
  const begin = now();
  const lock = newLimit(1);
  let done = 0;
  const body = async (): Promise<void> => {
    await null;
    done++;
  };
  const holds = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await lock(body);
  };
  const promises: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) promises.push(holds(count / 100));
  for (const promise of promises) await promise;
  check(done, count);
  return now() - begin;
}

export const pLimit: Peer = {
  name: 'p-limit',
  ways: {
    'spawn-join': { run: spawnJoin },
    'lock-free': { run: lockFree },
    'lock-contended': { run: lockContended },
  },
};
