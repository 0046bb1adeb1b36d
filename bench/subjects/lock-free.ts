import { check, now } from '../lib/clock.ts';
import { Lock, missing, run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { PromiseLock } from '../lib/promise-lock.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** One task takes and releases a lock that nobody else wants. */

async function native(count: number): Promise<number> {
  const begin = now();
  const lock = new PromiseLock();
  let done = 0;
  for (let i = 0; i < count; i++) {
    await lock.acquire();
    try {
      done++;
    } finally {
      lock.release();
    }
  }
  check(done, count);
  return now() - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    const lock = new Lock!();
    let done = 0;
    for (let i = 0; i < count; i++) {
      yield* lock.acquire();
      try {
        done++;
      } finally {
        lock.release();
      }
    }
    check(done, count);
    return now() - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const begin = now();
    const lock = new Lock!();
    let done = 0;
    for (let i = 0; i < count; i++) {
      await lock.acquire();
      try {
        done++;
      } finally {
        lock.release();
      }
    }
    check(done, count);
    return now() - begin;
  });
}

export const lockFree: Subject = {
  name: 'lock-free',
  title: 'lock, uncontended',
  unit: 'acquire and release',
  quantity: 'ns',
  count: 50_000,
  rounds: 31,
  goals: { gen: 0.7, async: 5 },
  missing: missing('Lock', Lock),
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
  ],
};

if (import.meta.main) await main([lockFree]);
