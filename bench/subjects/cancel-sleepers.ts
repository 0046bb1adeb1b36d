import { setTimeout as timer } from 'node:timers/promises';
import { CancelledError, createTask, sleep, type Task } from 'asyncio-ts';
import { check, now } from '../lib/clock.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, BY_HAND, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** Tasks that sleep are all cancelled, and their ends awaited. The sleeping itself has begun before the clock starts. */

const LONG = 3600;

/** A sleep that is cancelled by an `AbortSignal`: the platform's idiom. */
async function sleeperWithSignal(signal: AbortSignal): Promise<void> {
  await timer(LONG * 1000, undefined, { signal });
}

async function native(count: number): Promise<number> {
  const controllers: AbortController[] = [];
  const promises: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    const controller = new AbortController();
    controllers.push(controller);
    promises.push(sleeperWithSignal(controller.signal));
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

/** A sleep with a cancel function of its own, and an error a sleeper: no signal, no listener. */
class Sleep {
  readonly promise: Promise<void>;
  readonly cancel: () => void;

  constructor(seconds: number) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timeout = setTimeout(resolve, seconds * 1000);
    this.promise = promise;
    this.cancel = () => {
      clearTimeout(timeout);
      reject(new Error('cancelled'));
    };
  }
}

async function sleeperByHand(one: Sleep): Promise<void> {
  await one.promise;
}

async function byHand(count: number): Promise<number> {
  const sleeps: Sleep[] = [];
  const promises: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    const one = new Sleep(LONG);
    sleeps.push(one);
    promises.push(sleeperByHand(one));
  }
  await null;
  const begin = now();
  let cancelled = 0;
  for (const one of sleeps) one.cancel();
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

function* sleeper(): Generator<unknown, void, unknown> {
  yield* sleep(LONG);
}

async function sleeperAsync(): Promise<void> {
  await sleep(LONG);
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const tasks: Task<void>[] = [];
    for (let i = 0; i < count; i++) tasks.push(createTask(sleeper()));
    yield* sleep(0);
    const begin = now();
    let cancelled = 0;
    for (const task of tasks) task.cancel();
    for (const task of tasks) {
      try {
        yield* task;
      } catch (error) {
        if (error instanceof CancelledError) cancelled++;
      }
    }
    check(cancelled, count);
    return now() - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const tasks: Task<void>[] = [];
    for (let i = 0; i < count; i++) tasks.push(createTask(sleeperAsync));
    await sleep(0);
    const begin = now();
    let cancelled = 0;
    for (const task of tasks) task.cancel();
    for (const task of tasks) {
      try {
        await task;
      } catch (error) {
        if (error instanceof CancelledError) cancelled++;
      }
    }
    check(cancelled, count);
    return now() - begin;
  });
}

export const cancelSleepers: Subject = {
  name: 'cancel-sleepers',
  title: 'cancel 10k sleeping tasks',
  unit: 'task',
  quantity: 'ns',
  count: 10_000,
  goals: { gen: 0.2, async: 0.25 },
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
    { name: BY_HAND, run: byHand },
  ],
};

if (import.meta.main) await main([cancelSleepers]);
