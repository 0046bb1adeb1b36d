import { Mutex } from 'async-mutex';
import { check, now } from '../lib/clock.ts';
import type { Peer } from './index.ts';

async function lockFree(count: number): Promise<number> {
  const begin = now();
  const lock = new Mutex();
  let done = 0;
  for (let i = 0; i < count; i++) {
    const release = await lock.acquire();
    try {
      done++;
    } finally {
      release();
    }
  }
  check(done, count);
  return now() - begin;
}

async function lockContended(count: number): Promise<number> {
  const begin = now();
  const lock = new Mutex();
  let done = 0;
  const holds = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      const release = await lock.acquire();
      try {
        await null;
        done++;
      } finally {
        release();
      }
    }
  };
  const promises: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) promises.push(holds(count / 100));
  for (const promise of promises) await promise;
  check(done, count);
  return now() - begin;
}

export const asyncMutex: Peer = {
  name: 'async-mutex',
  ways: {
    'lock-free': { run: lockFree },
    'lock-contended': { run: lockContended },
  },
};
