import { createTask, sleep, type Task } from 'asyncio-ts';
import { check, now } from '../lib/clock.ts';
import { Lock, type LockLike, missing, run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { PromiseLock } from '../lib/promise-lock.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** A hundred tasks want one lock a hundred times each, and give way while they hold it, so that it is always wanted. */

const TASKS = 100;

/** How often the lock was held. */
interface Tally {
  done: number;
}

async function holdsNatively(lock: PromiseLock, times: number, tally: Tally): Promise<void> {
  for (let i = 0; i < times; i++) {
    await lock.acquire();
    try {
      await null;
      tally.done++;
    } finally {
      lock.release();
    }
  }
}

function* holds(lock: LockLike, times: number, tally: Tally): Generator<unknown, void, unknown> {
  for (let i = 0; i < times; i++) {
    yield* lock.acquire();
    try {
      yield* sleep(0);
      tally.done++;
    } finally {
      lock.release();
    }
  }
}

async function holdsAsync(lock: LockLike, times: number, tally: Tally): Promise<void> {
  for (let i = 0; i < times; i++) {
    await lock.acquire();
    try {
      await sleep(0);
      tally.done++;
    } finally {
      lock.release();
    }
  }
}

/**
 * As `holdsNatively`, which awaits what is settled already while it holds the lock, as the contenders of other libraries do. It is a function of
 * its own, because the JavaScript engine would optimise one function for both kinds of locks, to the disadvantage of both.
 */
async function holdsOverPromise(lock: LockLike, times: number, tally: Tally): Promise<void> {
  for (let i = 0; i < times; i++) {
    await lock.acquire();
    try {
      await null;
      tally.done++;
    } finally {
      lock.release();
    }
  }
}

async function native(count: number): Promise<number> {
  const begin = now();
  const lock = new PromiseLock();
  const tally = { done: 0 };
  const promises: Promise<void>[] = [];
  for (let i = 0; i < TASKS; i++) promises.push(holdsNatively(lock, count / TASKS, tally));
  for (const promise of promises) await promise;
  check(tally.done, count);
  return now() - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    const lock = new Lock!();
    const tally = { done: 0 };
    const tasks: Task<void>[] = [];
    for (let i = 0; i < TASKS; i++) tasks.push(createTask(holds(lock, count / TASKS, tally)));
    for (const task of tasks) yield* task;
    check(tally.done, count);
    return now() - begin;
  });
}

function async(count: number, holding = holdsAsync): Promise<number> {
  return run(async () => {
    const begin = now();
    const lock = new Lock!();
    const tally = { done: 0 };
    const tasks: Task<void>[] = [];
    for (let i = 0; i < TASKS; i++) tasks.push(createTask(() => holding(lock, count / TASKS, tally)));
    for (const task of tasks) await task;
    check(tally.done, count);
    return now() - begin;
  });
}

export const lockContended: Subject = {
  name: 'lock-contended',
  title: 'lock, contended, 100 × 100',
  unit: 'acquire and release',
  quantity: 'ns',
  count: 10_000,
  rounds: 31,
  goals: { gen: 1.5, async: 5 },
  missing: missing('Lock', Lock),
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: (count) => async(count) },
    { name: 'async, await null', run: (count) => async(count, holdsOverPromise) },
  ],
};

if (import.meta.main) await main([lockContended]);
